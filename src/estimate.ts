/** What the streams of a picture will take, without coding them: a check of the code lengths that the encoder decides by. */

import type { Core } from './core.js';
import { patchLayout, tileCount, tileSide } from './geometry.js';
import type { Pacer } from './pacer.js';

/** Foretells segments of the picture in the core. */
export type SegmentEstimate = (
  core: Core,
  picture: { readonly width: number; readonly height: number; readonly patch: number; readonly lanes: number },
  pacer: Pacer,
) => Promise<number[]>;

/** Expected bytes of the coarse segment and of each tile segment, as fractions, from the exact code lengths of the patches. */
export const estimateSegments: SegmentEstimate = async (core, { width, height, patch, lanes }, pacer) => {
  const map = core.modes().slice();
  const { columns } = patchLayout(width, height, patch);
  const tileColumns = Math.ceil(width / tileSide);
  const expected = new Array<number>(1 + tileCount(width, height)).fill(0);
  for (const [index, mode] of map.entries()) {
    const bytes = core.patchRate(index, mode) / 8;
    await pacer.turn();
    const tile =
      Math.floor((Math.floor(index / columns) * patch) / tileSide) * tileColumns + Math.floor(((index % columns) * patch) / tileSide);
    expected[1 + tile] += bytes;
  }
  // The rate of a patch is not split by grid; a sixteenth of the bits in the coarse grids is near enough for a sum.
  for (let segment = 1; segment < expected.length; segment++) {
    expected[0] += expected[segment] / 16;
    expected[segment] -= expected[segment] / 16;
  }
  // A state is 4 bytes and holds between 0 and 8 bits of the message: half a byte on average.
  return expected.map((bytes) => bytes + 3.5 * lanes);
};
