/** After a pass of refinement: what has not become cheaper is taken back. */

import type { Core } from '../core.js';
import { costsOfPatches, sum } from '../select.js';
import { type PatchedPicture, regionOf, stretchesOf } from './regions.js';

/** A picture whose latents a pass has refined. */
export interface RefinedPicture {
  /** Holds the refined latents. */
  readonly core: Core;
  readonly picture: PatchedPicture;
  /** The old latents of every grid; they are overwritten. */
  readonly saved: readonly Int16Array[];
  /** J of the patches with the old latents, as `costsOfPatches` gives it for `spacing`. */
  readonly before: Float64Array;
  /** One patch of so many is looked at. */
  readonly spacing: number;
}

/**
 * Leaves the cheapest of three in the core: the refined latents; those except in patches that have become dearer; the old ones. Cheapness is
 * exact J of the picture. Where only a sample of the patches is looked at, the second is no choice: one round of trades makes few patches
 * dearer and those by next to nothing (training/PLAN.md, "patches that trades make dearer"), so the sample guards against pictures unlike all
 * that were tried.
 *
 * @param turn - lets others run
 * @returns J of the patches with what is left, like `before`
 */
export async function keepCheapest(refined: RefinedPicture, turn: () => Promise<void>): Promise<Float64Array> {
  const { core, picture, saved, before, spacing } = refined;
  const all = Array.from(picture.modes.keys());
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

  const costs = await costsOfPatches(core, turn, spacing);
  const dearer = spacing > 1 ? [] : all.filter((patch) => costs[patch] >= before[patch]);
  if (dearer.length > 0) {
    exchange(dearer);
    const mixed = await costsOfPatches(core, turn);
    if (sum(mixed) < Math.min(sum(costs), sum(before))) return mixed;
    exchange(dearer);
  }
  if (sum(costs) < sum(before)) return costs;
  exchange(all);
  return before;
}
