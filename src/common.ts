/** Names that the entries which encode share. */

export { formatVersion } from './container.js';
export type { CoreSource } from './core.js';
export { probe } from './decoding.js';
export { defaultOptions } from './encode.js';
export { type ErrorCode, TesseraError } from './errors.js';
export type { Codec, CodecOptions } from './facade.js';
export { defaultLimits, type Limits } from './limits.js';
export type { Download, ModelCache, RemoteModels } from './models/remote.js';
export type { ModelFiles, ModelSource, PackReader } from './models/source.js';
export { configureOnnxruntime, type OnnxruntimeOptions } from './transforms/ort-options.js';
export type {
  ByteSource,
  CommonOptions,
  Damage,
  Decode,
  DecodeOptions,
  EncodeOptions,
  Header,
  ModeCount,
  PartialDecodeOptions,
  PartialPicture,
  Picture,
  PixelSource,
  Progress,
  Region,
  Rows,
  Stage,
} from './types.js';
export { extension, label, mimeType, version } from './version.js';
