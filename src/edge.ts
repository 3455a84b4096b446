/**
 * `tessera-codec/edge`: the whole interface for hosts that compile no code from bytes (Cloudflare Workers, Vercel's edge). The
 * bundler or host gives the core as a `WebAssembly.Module`.
 */

import coreModule from './codec.wasm';
import { compileSource } from './core.js';
import { createFacade } from './facade.js';
import { ortSynthesis } from './transforms/ort.js';

export * from './common.js';

export const { createCodec, init, encode, decode } = /* @__PURE__ */ createFacade({
  compile: (source) => compileSource(source ?? coreModule),
  otherSynthesis: ortSynthesis,
});
