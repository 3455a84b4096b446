/**
 * The competition: which codec codes each patch (DESIGN.md §2, "Selection").
 *
 * A sample of the patches ranks the codecs, each coding the whole picture alone; the best of them, those that add most to it, and always the
 * one of files with a single codec, are evaluated on every patch. Then each patch takes the mode that is cheapest with its bits in the mode
 * map; what its neighbours take matters little, for codecs read each other's latents. Where a border shows, patches that gain little go back
 * to the best single codec. The outcome is kept only if it beats that one, and the generalist by a percent; one codec is often best for small pictures.
 */

import type { Core } from './core.js';
import type { Search } from './effort.js';
import type { Pacer } from './pacer.js';
import { findSeams } from './seams.js';
import type { PixelSource } from './types.js';

/** A patch that is so much dearer with the best single codec keeps its own even if a border shows: the rest of it would look worse. */
const worthSeam = 1.25;

/** J of the generalist is taken if the competition comes to more than this of it: adapted to the picture it makes good as much. */
const worthCompeting = 0.99;

/** Rounds of choosing with the map's prices; further ones change next to nothing. */
const mapRounds = 4;

/** What the competition settled on; the core's mode map holds the modes. */
export interface Selection {
  /** True when the whole picture takes `generalist`, so that the file can say M = 1 and needs no map. */
  readonly single: boolean;
  /** J of the picture, the mode map's bits included; undefined where nothing had to be compared. */
  readonly cost: number | undefined;
}

/** What is competed for, and how. */
export interface Competition {
  /** Number of competing modes. */
  readonly modes: number;
  /** The mode whose codec is the one of files with M = 1, or −1 when it does not compete. */
  readonly generalist: number;
  /** Price of a bit in J. */
  readonly lambda: number;
  /** How hard to look; undefined leaves everything to the generalist. */
  readonly search: Search | undefined;
  /** RGBA, what the codecs are to come near to: the core's target. */
  readonly picture: PixelSource;
  /** Side of a patch in pixels. */
  readonly patch: number;
}

/** Runs the competition and leaves the winner in the core's mode map. */
export async function selectModes(core: Core, competition: Competition, pacer: Pacer): Promise<Selection> {
  const { modes, generalist, lambda, search } = competition;
  const count = core.modes().length;
  const total = count * (modes + 1);
  let done = 0;
  const step = (): Promise<void> => pacer.step('select', Math.min(++done, total), total);
  const settle = async (mode: number, cost?: number): Promise<Selection> => {
    core.modes().fill(mode);
    await pacer.step('select', total, total);
    return { single: modes === 1 || mode === generalist, cost };
  };
  if (modes === 1 || search === undefined) return settle(0);

  // 1. Every mode alone on a sample of the patches. A map that says one mode costs its one byte; without a map there is none.
  const costs = Array.from({ length: modes }, () => new Float64Array(count).fill(Number.NaN));
  const evaluate = async (mode: number, spacing: number): Promise<number> => {
    core.modes().fill(mode);
    const row = costs[mode];
    let sum = modes === 1 || mode === generalist ? 0 : 8 * lambda;
    for (let patch = 0; patch < count; patch += spacing) {
      if (Number.isNaN(row[patch])) row[patch] = core.evaluatePatch(patch, mode);
      sum += row[patch];
      await step();
    }
    return sum;
  };
  const spacing = spacingOf(search.spacing, count);
  const alone: { mode: number; cost: number }[] = [];
  for (let mode = 0; mode < modes; mode++) alone.push({ mode, cost: await evaluate(mode, spacing) });
  alone.sort((a, b) => a.cost - b.cost);

  // 2. The best of them, those that add most to it, and the generalist, on every patch.
  const team = teamAround(alone[0].mode, search.kept, costs, spacing);
  const kept = alone.filter(({ mode }) => team.has(mode) || mode === generalist);
  for (const candidate of kept) candidate.cost = await evaluate(candidate.mode, 1);
  kept.sort((a, b) => a.cost - b.cost);
  const [best] = kept;

  const general = kept.find(({ mode }) => mode === generalist);
  /** Unless it is clearly better than the generalist alone, the generalist is taken. */
  const isWorthIt = (cost: number): boolean => general === undefined || cost < worthCompeting * general.cost;
  const settleForOne = (): Promise<Selection> => {
    const { mode, cost } = isWorthIt(best.cost) || general === undefined ? best : general;
    return settle(mode, cost);
  };

  // 3. Each patch takes the mode that is cheapest, the bits that say so included.
  const candidates = kept.map(({ mode }) => mode);
  chooseModes(core.modes(), candidates, costs, lambda);
  for (let seams = count; seams > 0; ) {
    if (core.modes().every((mode) => mode === best.mode)) return settleForOne();
    seams = 0;
    for (const patch of await findSeams(core, competition.picture, competition.patch, step)) {
      const mode = core.modes()[patch];
      if (mode === best.mode || costs[best.mode][patch] > costs[mode][patch] * worthSeam) continue;
      core.modes()[patch] = best.mode;
      seams++;
    }
  }
  const mixed = sum(await costsOfPatches(core, step)) + core.mapCost();
  if (mixed >= best.cost || !isWorthIt(mixed)) return settleForOne();
  await pacer.step('select', total, total);
  return { single: false, cost: mixed };
}

/** J of the picture as it is in the core. @param single - whether the file needs no mode map */
export async function costOfModes(core: Core, single: boolean, step: () => Promise<void>): Promise<number> {
  return sum(await costsOfPatches(core, step)) + (single ? 0 : core.mapCost());
}

/** J of every patch with the mode map of the moment; with a spacing that of one patch of so many, and 0 for the others. */
export async function costsOfPatches(core: Core, step: () => Promise<void>, spacing = 1): Promise<Float64Array> {
  const costs = new Float64Array(core.modes().length);
  for (let patch = 0; patch < costs.length; patch += spacing) {
    costs[patch] = core.patchCost(patch);
    await step();
  }
  return costs;
}

export function sum(values: Iterable<number>): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}

/** The codec `first` and those that, one after the other, lower the sum of the least J of the sampled patches most. */
function teamAround(first: number, size: number, costs: readonly Float64Array[], spacing: number): Set<number> {
  const sampled = costs.map((row) => row.filter((_, patch) => patch % spacing === 0));
  const team = new Set([first]);
  let least = sampled[first];
  while (team.size < Math.min(size, costs.length)) {
    const gainOf = (mode: number): number => least.reduce((sum, cost, index) => sum + Math.max(0, cost - sampled[mode][index]), 0);
    const others = costs.map((_, mode) => mode).filter((mode) => !team.has(mode));
    const next = others.reduce((best, mode) => (gainOf(mode) > gainOf(best) ? mode : best));
    team.add(next);
    least = least.map((cost, index) => Math.min(cost, sampled[next][index]));
  }
  return team;
}

/** Patches of small pictures are all looked at; the distance is odd, so that the sample walks through the columns. */
export function spacingOf(wanted: number, count: number): number {
  const spacing = Math.max(1, Math.min(wanted, Math.floor(count / 4)));
  return spacing > 2 && spacing % 2 === 0 ? spacing - 1 : spacing;
}

/**
 * Gives every patch the mode whose J and bits in the map are least. What a mode costs in the map follows from how many patches take it, as in
 * an adaptive map without neighbours: a few rounds settle it.
 *
 * @param map - receives the modes
 * @param costs - J by mode and patch
 */
function chooseModes(map: Uint8Array, candidates: readonly number[], costs: readonly Float64Array[], lambda: number): void {
  let prices = costs.map(() => 0);
  for (let round = 0; round < mapRounds; round++) {
    for (let patch = 0; patch < map.length; patch++) {
      const priceOf = (mode: number): number => costs[mode][patch] + prices[mode];
      map[patch] = candidates.reduce((best, mode) => (priceOf(mode) < priceOf(best) ? mode : best), candidates[0]);
    }
    prices = sharesOf(map, costs.length).map((share) => -lambda * Math.log2((share * map.length + 1) / (map.length + costs.length)));
  }
}

/** Part of the patches that took each of so many modes. */
export function sharesOf(map: Uint8Array, modes: number): number[] {
  const counts = new Array<number>(modes).fill(0);
  for (const mode of map) counts[mode]++;
  return counts.map((patches) => patches / map.length);
}
