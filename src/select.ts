/**
 * The competition: which codec codes each patch (DESIGN.md §2, "Selection").
 *
 * First every codec codes the whole picture alone, which gives J of each patch and mode with neighbours of the same mode.
 * Then each patch starts with its cheapest mode, and sweeps let patch after patch choose again with its true neighbours until nothing
 * changes. The outcome is kept only if it beats every single codec; one codec is often best for small pictures.
 */

import type { Core } from './core.js';
import type { Pacer } from './pacer.js';

/** How hard to look, by effort. */
interface Search {
  /** Modes that a patch may choose from in a sweep: those with the lowest J of their own. */
  readonly candidates: number;
  /** Most sweeps; fewer when nothing changes. */
  readonly sweeps: number;
}

function searchOfEffort(effort: number, modes: number): Search {
  if (effort <= 2) return { candidates: 1, sweeps: 0 };
  if (effort === 3) return { candidates: Math.min(2, modes), sweeps: 1 };
  if (effort <= 6) return { candidates: Math.min(3, modes), sweeps: 4 };
  return { candidates: modes, sweeps: 4 };
}

/** What the competition settled on; the core's mode map holds the modes. */
export interface Selection {
  /** True when the whole picture takes `generalist`, so that the file can say M = 1 and needs no map. */
  readonly single: boolean;
  /** J of the picture, the mode map's bits included. */
  readonly cost: number;
  /** Part of the patches that took each mode. */
  readonly shares: readonly number[];
}

/**
 * Runs the competition and leaves the winner in the core's mode map.
 *
 * @param modes - number of competing modes
 * @param generalist - the mode whose codec is the one of files with M = 1, or −1 when it does not compete
 * @param lambda - price of a bit in J
 * @param effort - 1 to 9
 */
export async function selectModes(
  core: Core,
  modes: number,
  generalist: number,
  lambda: number,
  effort: number,
  pacer: Pacer,
): Promise<Selection> {
  const count = core.modes().length;
  const { candidates, sweeps } = searchOfEffort(effort, modes);
  const total = count * (modes + (modes > 1 ? sweeps + 1 : 0));
  let done = 0;
  const step = (): Promise<void> => pacer.step('select', Math.min(++done, total), total);

  // 1. Every mode alone.
  const costs: Float64Array[] = [];
  for (let mode = 0; mode < modes; mode++) {
    core.modes().fill(mode);
    const row = new Float64Array(count);
    for (let patch = 0; patch < count; patch++) {
      row[patch] = core.evaluatePatch(patch, mode);
      await step();
    }
    costs.push(row);
  }

  // 2. The cheapest single mode. A map that says one mode costs its one byte; without a map (M = 1) there is none.
  const mapByte = modes > 1 ? 8 * lambda : 0;
  let best = { cost: Number.POSITIVE_INFINITY, mode: 0, single: false };
  costs.forEach((row, mode) => {
    const single = modes === 1 || mode === generalist;
    const cost = row.reduce((sum, value) => sum + value, 0) + (single ? 0 : mapByte);
    if (cost < best.cost) best = { cost, mode, single };
  });

  if (modes > 1) {
    // 3. Each patch alone, then sweeps with true neighbours.
    const map = core.modes();
    for (let patch = 0; patch < count; patch++) map[patch] = cheapestMode(costs, patch);
    for (let sweep = 0; sweep < sweeps; sweep++) {
      let changes = 0;
      for (let patch = 0; patch < count; patch++) {
        if (core.choosePatch(patch, candidates)) changes++;
        await step();
      }
      if (changes === 0) break;
    }
    let mixed = core.mapCost();
    for (let patch = 0; patch < count; patch++) {
      mixed += core.patchCost(patch);
      await step();
    }
    if (mixed < best.cost) {
      await pacer.step('select', total, total);
      return { single: false, cost: mixed, shares: sharesOf(core.modes(), modes) };
    }
  }

  core.modes().fill(best.mode);
  await pacer.step('select', total, total);
  return { single: best.single, cost: best.cost, shares: sharesOf(core.modes(), modes) };
}

function cheapestMode(costs: readonly Float64Array[], patch: number): number {
  let best = 0;
  for (let mode = 1; mode < costs.length; mode++) if (costs[mode][patch] < costs[best][patch]) best = mode;
  return best;
}

function sharesOf(map: Uint8Array, modes: number): number[] {
  const counts = new Array<number>(modes).fill(0);
  for (const mode of map) counts[mode]++;
  return counts.map((patches) => patches / map.length);
}
