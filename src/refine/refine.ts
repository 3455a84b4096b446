/**
 * Refinement of the latents (DESIGN.md §4, latent overfitting; Zhang et al. 2022, Yang and Mandt 2023).
 *
 * The codecs stay as they are; the latents of the winning modes move so that J falls. Region after region: rounds of trades make whole latents
 * their neighbours where J should fall (`assembly/refine/trade.ts`); the core measures exact J, and what has not become cheaper is taken back.
 * The highest efforts begin once more at the latents before rounding, with gradient steps on real numbers and a soft, noisy stand-in for
 * rounding, trade again, and keep of every patch what is cheaper: gradients find more at high rates, trades alone at the lowest. A decoder cannot tell: it is a file like any other.
 */

import type { Core } from '../core.js';
import { gridCount } from '../geometry.js';
import type { Pacer } from '../pacer.js';
import { type Move, Refiner, type Round, type Rounding } from './refiner.js';
import { affectedBy, type PatchedPicture, patchesIn, type Region, regionsOf, stretchesOf } from './regions.js';
import { type CodedPicture, readRemainders, remainderUnits } from './remainders.js';

export { keepWinners } from './winners.js';

/** Samples around a region that its windows reach, and that stay as they are. */
const halo = 8;
/** Largest magnitude of a latent. */
const latentLimit = 32_767;

/** A number at the first step and at the last; a straight line between them. */
type Line = readonly [first: number, last: number];

/** Gradient steps: how far and how fast to go. */
interface Schedule {
  readonly steps: number;
  /** Rate of the first step, in steps of the quantiser; it falls to 0 in a straight line. */
  readonly rate: number;
  /** Of the soft rounding, and of the noise: the stand-in for rounding comes nearer to rounding with every step. */
  readonly temperature: Line;
  readonly shape: Line;
}

/** What an effort does to the latents. */
interface Plan {
  readonly gradient?: Schedule;
  readonly rounds: readonly Round[];
}

/** All latents at once, and then those of each colour of a chessboard: neighbours disturb each other most. */
const everywhere: Round = { margin: 1, parity: -1 };
const half = (parity: 0 | 1): Round => ({ margin: 0.65, parity });
const rounds = (halves: number): Round[] => [everywhere, ...Array.from({ length: halves }, (_, index) => half(index % 2 === 0 ? 0 : 1))];

// Found on held-out pictures of the training data. The fewer the steps, the less noise they can average out.
const plans: Readonly<Record<number, Plan>> = {
  6: { rounds: rounds(0) },
  7: { rounds: rounds(6) },
  8: { gradient: { steps: 60, rate: 0.1, temperature: [0.45, 0.15], shape: [2, 4] }, rounds: rounds(6) },
  9: { gradient: { steps: 300, rate: 0.06, temperature: [0.35, 0.12], shape: [1, 2] }, rounds: rounds(6) },
};

const between = ([first, last]: Line, progress: number): number => first + (last - first) * progress;

function roundingAt({ temperature, shape }: Schedule, progress: number): Rounding {
  return { temperature: between(temperature, progress), shape: between(shape, progress), settled: 0.38 };
}

function moveAt(step: number, progress: number, rate: number): Move {
  return { rate: rate * (1 - progress), growth: 1.2, first: 0.9, second: 0.99, epsilon: 1e-8, done: step };
}

/**
 * Refines the latents in the core, which holds the winners' (`keepWinners`).
 *
 * @param effort - 6 to 9
 * @returns what J of the picture has gained, at least 0
 * @throws TesseraError
 */
export async function refineLatents(coded: CodedPicture, effort: number, pacer: Pacer): Promise<number> {
  const { core, image, patch, pack, modeSet, rate, lambda } = coded;
  const picture = { width: image.width, height: image.height, patch, modes: core.modes().slice() };
  const { gradient } = plans[effort];
  const curvatures = curvaturesOf(coded, picture.modes);
  const trades = curvatures === undefined ? [] : plans[effort].rounds;
  if (gradient === undefined && trades.length === 0) return 0;
  const total = picture.modes.length * (gradient === undefined ? trades.length : gradient.steps + 2 * trades.length);
  let done = 0;
  await pacer.step('refine', done, total);
  const decoders = modeSet.subset.map((codec) => pack.decoder.decoders[codec][rate.anchor].bytes);
  const refiner = await Refiner.create(decoders, pack.decoder.steps[rate.step]);
  if (curvatures !== undefined) refiner.setCurvatures(curvatures.map((curvature) => curvature / lambda));
  const remainders = gradient && (await readRemainders(coded));
  let gain = 0;
  let known = coded.patchCosts;
  for (const region of regionsOf(picture)) {
    openRegion(refiner, coded, picture, region, remainders);
    const patches = patchesIn(picture, region);
    const visit = async (work: (patch: number) => void): Promise<void> => {
      for (const index of patches) {
        work(index);
        await pacer.step('refine', ++done, total);
      }
    };
    const settle = async (trades: readonly Round[]): Promise<void> => {
      refiner.roundLatents();
      for (const round of trades) {
        refiner.startTrades();
        await visit((index) => refiner.patchTrades(index));
        refiner.tradeLatents(round);
      }
      gain += await keepCheapest(refiner, core, picture, region, known, pacer);
      // What was known of the patches is no more.
      known = undefined;
    };
    if (trades.length > 0) await settle(trades);
    if (gradient === undefined) continue;
    refiner.startSteps();
    for (let step = 0; step < gradient.steps; step++) {
      const progress = step / gradient.steps;
      refiner.roundSoftly(roundingAt(gradient, progress), step);
      refiner.startGradients();
      await visit((index) => refiner.patchGradient(index));
      refiner.moveLatents(moveAt(step, progress, gradient.rate));
    }
    await settle(trades);
  }
  return gain;
}

/** How the squared error bends along a latent of each grid, at the step of the rate: the mean over the patches, whose codecs may differ. */
function curvaturesOf({ pack, modeSet, rate }: CodedPicture, map: Uint8Array): number[] | undefined {
  const { curvatures } = pack.manifest;
  if (curvatures === undefined) return undefined;
  const scale = (pack.decoder.steps[rate.step].inverseGain / 16_384) ** 2;
  return Array.from({ length: gridCount }, (_, grid) => {
    const sum = map.reduce((total, mode) => total + curvatures[modeSet.subset[mode]][rate.anchor][grid], 0);
    return (scale * sum) / map.length;
  });
}

/** Gives the module a region: its pixels, its latents, before rounding where the remainders are known, and the rounded ones around it. */
function openRegion(
  refiner: Refiner,
  { core, image, lambda }: CodedPicture,
  picture: PatchedPicture,
  region: Region,
  remainders: readonly Int8Array[] | undefined,
): void {
  const x = region.left * picture.patch;
  const y = region.top * picture.patch;
  const width = Math.min(region.right * picture.patch, image.width) - x;
  const height = Math.min(region.bottom * picture.patch, image.height) - y;
  const pixels = new Uint8Array(width * height * 4);
  for (let row = 0; row < height; row++) {
    const start = ((y + row) * image.width + x) * 4;
    pixels.set(image.data.subarray(start, start + width * 4), row * width * 4);
  }
  refiner.open(picture, region, pixels, width * 4, lambda);
  const inside = new Set(patchesIn(picture, region));
  for (const stretch of stretchesOf(picture, region, halo)) {
    const { grid, patch, start, length } = stretch;
    const latents = core.plane(picture.modes[patch], grid);
    if (inside.has(patch)) {
      const values = refiner.row('value', stretch);
      for (let i = 0; i < length; i++)
        values[i] = latents[start + i] + (remainders === undefined ? 0 : remainders[grid][start + i] / remainderUnits);
    } else refiner.row('symbol', stretch).set(latents.subarray(start, start + length));
  }
}

/**
 * Puts the cheapest of three into the core: the refined latents; those except in patches that have become dearer; the old ones.
 * Cheapness is exact J of all patches that see any of it.
 *
 * @param known - J of every patch as it is in the core, if that is known
 * @returns what J has gained
 */
async function keepCheapest(
  refiner: Refiner,
  core: Core,
  picture: PatchedPicture,
  region: Region,
  known: Float64Array | undefined,
  pacer: Pacer,
): Promise<number> {
  const affected = patchesIn(picture, affectedBy(picture, region));
  const measure = async (): Promise<Map<number, number>> => {
    const costs = new Map<number, number>();
    for (const patch of affected) {
      costs.set(patch, core.patchCost(patch));
      await pacer.turn();
    }
    return costs;
  };
  const sum = (costs: Map<number, number>): number => [...costs.values()].reduce((total, cost) => total + cost, 0);
  const stretches = [...stretchesOf(picture, region)];
  const old = stretches.map(({ grid, patch, start, length }) => core.plane(picture.modes[patch], grid).slice(start, start + length));
  const put = (isRefined: (patch: number) => boolean): void => {
    stretches.forEach((stretch, index) => {
      const latents = core.plane(picture.modes[stretch.patch], stretch.grid);
      if (!isRefined(stretch.patch)) {
        latents.set(old[index], stretch.start);
        return;
      }
      const symbols = refiner.row('symbol', stretch);
      for (let i = 0; i < stretch.length; i++) latents[stretch.start + i] = Math.max(-latentLimit, Math.min(latentLimit, symbols[i]));
    });
  };

  const before = known === undefined ? await measure() : new Map(affected.map((patch) => [patch, known[patch]]));
  put(() => true);
  const refined = await measure();
  const isCheaper = (patch: number): boolean => (refined.get(patch) as number) < (before.get(patch) as number);
  const isBetter = sum(refined) < sum(before);
  if (isBetter && patchesIn(picture, region).every(isCheaper)) return sum(before) - sum(refined);
  put(isCheaper);
  const mixed = sum(await measure());
  if (mixed < Math.min(sum(refined), sum(before))) return sum(before) - mixed;
  put(() => isBetter);
  return isBetter ? sum(before) - sum(refined) : 0;
}
