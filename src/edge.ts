/**
 * `tessera-codec/edge`: the whole interface for hosts that compile no code from bytes (Cloudflare Workers, Vercel's edge). The
 * bundler or host gives the core, and the module that refines latents, as a `WebAssembly.Module`. Encoders there name the pack:
 * `models: bundledPack` of `tessera-codec/pack`, or an address, because a script for the edge must stay small.
 */

import coreModule from './codec.wasm';
import { compileSource } from './core.js';
import { beginEntry, createCodecOf, decodeOf, encodeOf, initOf } from './facade.js';
import refineModule from './refine.wasm';
import { ortSynthesis } from './transforms/ort.js';

export * from './common.js';

const entry = /* @__PURE__ */ beginEntry({
  compile: (source) => compileSource(source ?? coreModule),
  otherSynthesis: ortSynthesis,
  refineModule,
});

export const createCodec = /* @__PURE__ */ createCodecOf(entry);
export const init = /* @__PURE__ */ initOf(entry);
export const encode = /* @__PURE__ */ encodeOf(entry);
export const decode = /* @__PURE__ */ decodeOf(entry);
