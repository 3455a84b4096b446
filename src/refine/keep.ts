/** After a pass of refinement: what has not become cheaper is taken back. */

import type { Core } from '../core.js';
import { spacingOf } from '../select.js';
import { type PatchedPicture, regionOf, stretchesOf } from './regions.js';

/** A picture whose latents a pass has refined. */
export interface RefinedPicture {
  /** Holds the refined latents. */
  readonly core: Core;
  readonly picture: PatchedPicture;
  /** The old latents of every grid; they are overwritten. */
  readonly saved: readonly Int16Array[];
  /** J of the patches with the old latents, if it is known. */
  readonly known: Float64Array | undefined;
  /** One patch of so many is looked at. */
  readonly checked: number;
}

/**
 * Leaves the cheapest of three in the core: the refined latents; those except in patches that have become dearer; the old ones. Cheapness is
 * exact J of the picture. Where only a sample of the patches is looked at, the second is no choice: trades of one round make hardly any
 * patch dearer (bench/results/README.md), so the sample guards against pictures unlike all that were tried.
 *
 * @param turn - lets others run
 */
export async function keepCheapest({ core, picture, saved, known, checked }: RefinedPicture, turn: () => Promise<void>): Promise<void> {
  const all = Array.from(picture.modes.keys());
  const spacing = spacingOf(checked, all.length);
  const sampled = all.filter((patch) => patch % spacing === 0);
  const measure = async (): Promise<Float64Array> => {
    const costs = new Float64Array(all.length);
    for (const patch of sampled) {
      costs[patch] = core.patchCost(patch);
      await turn();
    }
    return costs;
  };
  /** Puts the other latents of these patches into the core, and keeps what was there. */
  const exchange = (patches: readonly number[]): void => {
    for (const patch of patches) {
      for (const { grid, start, length } of stretchesOf(picture, regionOf(picture, patch))) {
        const latents = core.plane(0, grid).subarray(start, start + length);
        const others = saved[grid].subarray(start, start + length);
        const copy = latents.slice();
        latents.set(others);
        others.set(copy);
      }
    }
  };

  const refined = await measure();
  let old = known;
  if (old === undefined) {
    exchange(all);
    old = await measure();
    exchange(all);
  }
  const before = old;
  const sum = (costs: Float64Array): number => sampled.reduce((total, patch) => total + costs[patch], 0);
  const gain = sum(before) - sum(refined);
  const dearer = sampled.filter((patch) => refined[patch] >= before[patch]);
  if (dearer.length > 0 && sampled.length === all.length) {
    exchange(dearer);
    if (sum(before) - sum(await measure()) > Math.max(gain, 0)) return;
    exchange(dearer);
  }
  if (gain <= 0) exchange(all);
}
