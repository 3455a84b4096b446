/**
 * Inner functions for the scripts of this repository. Not part of the package's interface.
 */

import { modeMapPicture } from './cli/mode-map.js';
import { parseHeader } from './container.js';
import type { PixelSource } from './types.js';

export { engineOfPackage } from './codec.js';
export { decodeCodecs, decodeFile } from './decode.js';
export { defaultOptions, type EncodeResult, encodeDetailed } from './encode.js';
export { msSsim, psnr, squaredError } from './metrics.js';
export { loadPack } from './models/load.js';
export { countMacs } from './models/macs.js';

/** The mode map of a file as a picture. */
export function modeMapOfFile(bytes: Uint8Array, codecs: Uint8Array): PixelSource {
  const { width, height, patch } = parseHeader(bytes);
  return modeMapPicture(codecs, width, height, patch);
}
