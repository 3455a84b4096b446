/**
 * Inner functions for the scripts of this repository. Not part of the package's interface.
 */

import { modeMapPicture } from './cli/mode-map.js';
import { parseHeader, parsePictureSection, parseSections } from './container.js';
import type { EngineBase } from './engine-base.js';
import { gridCount } from './geometry.js';
import { loadPack } from './models/load.js';
import type { Scales } from './scales.js';
import type { CommonOptions, PixelSource } from './types.js';

export { engineOfPackage } from './codec.js';
export { decodeFile, decodeModes } from './decode.js';
export { defaultOptions, type EncodeResult, encodeDetailed } from './encode.js';
export { estimateSegments } from './estimate.js';
export { msSsim, psnr, squaredError } from './metrics.js';
export { loadPack } from './models/load.js';
export { countMacs } from './models/macs.js';

/** The mode map of a file as a picture. */
export function modeMapOfFile(bytes: Uint8Array, modes: Uint8Array): PixelSource {
  const { width, height, patch } = parseHeader(bytes);
  return modeMapPicture(modes, width, height, patch);
}

/** The latents of a file of one codec, of every grid a copy, row after row; and the scales of the grids. */
export async function latentsOfFile(
  engine: EngineBase,
  bytes: Uint8Array,
  { models }: CommonOptions,
): Promise<{ latents: Int16Array[]; scales: Scales }> {
  const header = parseHeader(bytes);
  const pack = await loadPack(models);
  const { scales, coarse, tiles } = parsePictureSection(header, parseSections(header, bytes));
  return engine.withCore(async (core) => {
    core.begin(pack.decoder, { ...header, rate: header, storage: 'whole', scales });
    core.modes().fill(0);
    for (const [segment, payload] of [coarse, ...tiles].entries()) core.decodeSegment(segment, payload);
    return { latents: Array.from({ length: gridCount }, (_, grid) => core.plane(0, grid).slice()), scales };
  });
}
