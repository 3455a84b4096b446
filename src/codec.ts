/** The functions of the default entry: the core inlined, onnxruntime-web and the pack's neural models loaded when a call needs them. */

import type { EngineBase } from './engine-base.js';
import { beginEntry, createCodecOf, decodeOf, encodeOf, initOf } from './facade.js';
import { bundledPack } from './models/bundled.js';
import { ortSynthesis } from './transforms/ort.js';
import { compileCore } from './wasm.js';

export { probe } from './decoding.js';
export type { Codec, CodecOptions } from './facade.js';

const entry = /* @__PURE__ */ beginEntry({ compile: compileCore, otherSynthesis: ortSynthesis });

export const createCodec = /* @__PURE__ */ createCodecOf(entry, bundledPack);
export const init = /* @__PURE__ */ initOf(entry);
export const encode = /* @__PURE__ */ encodeOf(entry, bundledPack);
export const decode = /* @__PURE__ */ decodeOf(entry);

/** The engine behind the functions. */
export function engineOfPackage(): EngineBase {
  return entry.engine();
}
