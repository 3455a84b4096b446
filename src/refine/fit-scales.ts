/** Finds the scales of a picture's grids (FORMAT.md §1.1): those with which its symbols take the fewest bits. */

import { samplePatches } from '../adaptation/observe.js';
import type { Core } from '../core.js';
import { leastScale, noScales, type Scales, scaleBytes } from '../scales.js';
import type { PixelSource } from '../types.js';

/**
 * Gives the core the scales that its latents cost least with.
 *
 * @param sample - `side` of a patch in pixels; `wanted`: how many are counted, at least
 * @param rest - lets others run
 */
export async function fitScales(
  core: Core,
  image: PixelSource,
  sample: { readonly side: number; readonly wanted: number },
  rest: () => Promise<void>,
): Promise<Scales> {
  const patches = samplePatches(image, sample.side, sample.wanted);
  const share = patches.length / core.modes().length;
  core.setScales(noScales);
  let saved = 0;
  const found: number[] = [];
  for (const grid of noScales.keys()) {
    const bits = await core.scaleBits(grid, async (look) => {
      for (const { index } of patches) {
        look(index);
        await rest();
      }
    });
    const best = bits.reduce((least, value, index) => (value < bits[least] ? index : least), -leastScale);
    found.push(best + leastScale);
    saved += bits[-leastScale] - bits[best];
  }
  const scales = saved > 8 * scaleBytes * share ? found : noScales;
  core.setScales(scales);
  return scales;
}
