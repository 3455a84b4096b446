/** What rounding has taken from the latents of the winners: the steps start from the latents before rounding. */

import type { Core } from '../core.js';
import { gridCount, gridSide, patchLayout } from '../geometry.js';
import type { Pack } from '../models/load.js';
import type { ModeSet } from '../models/pack.js';
import type { Rate } from '../quality.js';
import { type AnalysedTile, analyseTiles } from '../transforms/analyse.js';
import type { Analysis } from '../transforms/transform.js';
import type { PixelSource } from '../types.js';

/** Units in which remainders are kept, a byte each, −127…127. That is less than half a latent: rounding brings the latents back. */
export const remainderUnits = 256;

/** A picture after the competition. */
export interface CodedPicture {
  /** Holds the picture, the latents of all modes and the mode map. */
  readonly core: Core;
  readonly image: PixelSource;
  /** Side of a patch in pixels. */
  readonly patch: number;
  readonly pack: Pack;
  readonly modeSet: ModeSet;
  readonly rate: Rate;
  /** J of every patch, as far as it is known. */
  readonly patchCosts: Float64Array | undefined;
  /** Price of a bit in J. */
  readonly lambda: number;
  readonly analysis: Analysis;
}

/**
 * Analyses the picture once more, rather than keep the unrounded latents of every mode through the competition.
 *
 * @returns one plane per grid, in 1 / `remainderUnits`
 */
export async function readRemainders(picture: CodedPicture): Promise<Int8Array[]> {
  const { width, height } = picture.image;
  const remainders = Array.from({ length: gridCount }, (_, grid) => new Int8Array(gridSide(width, grid) * gridSide(height, grid)));
  for await (const tile of analyseTiles(picture.image, picture.analysis)) {
    for (let grid = 0; grid < gridCount; grid++) fillRemainders(picture, tile, grid, remainders[grid]);
  }
  return remainders;
}

function fillRemainders(
  { core, image, patch, pack, modeSet, rate }: CodedPicture,
  tile: AnalysedTile,
  grid: number,
  target: Int8Array,
): void {
  const scale = 2 ** grid;
  const side = patch / scale;
  const { columns } = patchLayout(image.width, image.height, patch);
  const width = gridSide(image.width, grid);
  const right = Math.min(tile.x.end / scale, width);
  const bottom = Math.min(tile.y.end / scale, gridSide(image.height, grid));
  const stride = (tile.x.windowEnd - tile.x.windowStart) / scale;
  const plane = (stride * (tile.y.windowEnd - tile.y.windowStart)) / scale;
  const stepGain = pack.decoder.steps[rate.step].gain / 16_384;
  const gains = modeSet.subset.map((codec) => pack.manifest.gains[codec][rate.anchor][grid] * stepGain);
  const latents = modeSet.subset.map((_, mode) => core.plane(mode, grid));
  const modes = core.modes();
  for (let y = tile.y.start / scale; y < bottom; y++) {
    const row = (y - tile.y.windowStart / scale) * stride - tile.x.windowStart / scale;
    for (let x = tile.x.start / scale; x < right; x++) {
      const mode = modes[Math.floor(y / side) * columns + Math.floor(x / side)];
      const index = y * width + x;
      const remainder = tile.grids[grid][modeSet.subset[mode] * plane + row + x] * gains[mode] - latents[mode][index];
      target[index] = Math.max(-127, Math.min(127, Math.round(remainder * remainderUnits)));
    }
  }
}
