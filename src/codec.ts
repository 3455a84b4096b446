/** The functions of the default entry: the core inlined, onnxruntime-web loaded when a call needs it. */

import { createFacade } from './facade.js';
import { ortSynthesis } from './transforms/ort.js';
import { compileCore } from './wasm.js';

export { probe } from './decoding.js';
export type { Codec, CodecOptions } from './facade.js';

export const { createCodec, init, encode, decode, engineOfPackage } = /* @__PURE__ */ createFacade({
  compile: compileCore,
  otherSynthesis: ortSynthesis,
});
