/**
 * tessera-codec: a learned image codec. See README.md for use, FORMAT.md for the bytes.
 *
 * Importing this file does nothing; all work starts at the first call.
 */

export { type Codec, type CodecOptions, createCodec, decode, encode, init, probe } from './codec.js';
export { formatVersion } from './container.js';
export { defaultOptions } from './encode.js';
export { type ErrorCode, TesseraError } from './errors.js';
export { defaultLimits, type Limits } from './limits.js';
export type { ModelFiles, ModelSource } from './models/load.js';
export type {
  ByteSource,
  CommonOptions,
  DecodeOptions,
  EncodeOptions,
  Header,
  ModeCount,
  Picture,
  PixelSource,
  Progress,
  Stage,
} from './types.js';
export { extension, label, mimeType, version } from './version.js';
export type { CoreSource } from './wasm.js';
