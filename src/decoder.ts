/** `tessera-codec/decode`: decoding alone. onnxruntime-web is not in its graph. */

import type { CoreSource } from './core.js';
import { decodeWith } from './decoding.js';
import { Engine } from './engine.js';
import type { Decode } from './types.js';

export { formatVersion } from './container.js';
export type { CoreSource } from './core.js';
export { probe } from './decoding.js';
export { type ErrorCode, TesseraError } from './errors.js';
export { defaultLimits, type Limits } from './limits.js';
export type { Download, ModelCache, RemoteModels } from './models/remote.js';
export type { ModelFiles, ModelSource, PackReader } from './models/source.js';
export type {
  ByteSource,
  CommonOptions,
  Damage,
  Decode,
  DecodeOptions,
  Header,
  ModeCount,
  PartialDecodeOptions,
  PartialPicture,
  Picture,
  Progress,
  Region,
  Rows,
  Stage,
} from './types.js';
export { extension, label, mimeType, version } from './version.js';

let shared: Engine | undefined;

function engine(): Engine {
  shared ??= new Engine();
  return shared;
}

/** Compiles the WASM core ahead of the first call. Needed only where code cannot be compiled from bytes. */
export function init(source?: CoreSource): Promise<void> {
  return engine().init(source);
}

/** Decodes a Tessera file. */
export const decode: Decode = /* @__PURE__ */ decodeWith(engine);

/** Gives the memory back; the next call starts anew. */
export function dispose(): void {
  shared?.dispose();
  shared = undefined;
}
