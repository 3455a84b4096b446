/**
 * Refinement of the latents at the highest efforts (DESIGN.md §4, latent overfitting; Zhang et al. 2022, Yang and Mandt 2023).
 *
 * The codecs stay as they are; gradient steps move the latents of the winning modes so that J falls. Region after region: the steps
 * work on real numbers with a soft, noisy stand-in for rounding; then the latents are rounded, the core measures their exact J, and
 * what has not become cheaper is taken back. A decoder cannot tell: it is a file like any other.
 */

import type { Core } from '../core.js';
import type { Pacer } from '../pacer.js';
import { type Move, Refiner, type Rounding } from './refiner.js';
import { affectedBy, type PatchedPicture, patchesIn, type Region, regionsOf, stretchesOf } from './regions.js';
import { type CodedPicture, readRemainders, remainderUnits } from './remainders.js';

/** Samples around a region that its windows reach, and that stay as they are. */
const halo = 8;
/** Largest magnitude of a latent. */
const latentLimit = 32_767;

/** A number at the first step and at the last; a straight line between them. */
type Line = readonly [first: number, last: number];

/** How far and how fast to go. */
interface Schedule {
  readonly steps: number;
  /** Rate of the first step, in steps of the quantiser; it falls to 0 in a straight line. */
  readonly rate: number;
  /** Of the soft rounding, and of the noise: the stand-in for rounding comes nearer to rounding with every step. */
  readonly temperature: Line;
  readonly shape: Line;
}

// Found on held-out pictures of the training data. The fewer the steps, the less noise they can average out; with none the latents end worse.
const schedules: Readonly<Record<number, Schedule>> = {
  6: { steps: 16, rate: 0.1, temperature: [0.5, 0.2], shape: [4, 8] },
  7: { steps: 40, rate: 0.1, temperature: [0.45, 0.15], shape: [2, 5] },
  8: { steps: 100, rate: 0.08, temperature: [0.45, 0.15], shape: [2, 4] },
  9: { steps: 300, rate: 0.06, temperature: [0.35, 0.12], shape: [1, 2] },
};

const between = ([first, last]: Line, progress: number): number => first + (last - first) * progress;

function roundingAt({ temperature, shape }: Schedule, progress: number): Rounding {
  return { temperature: between(temperature, progress), shape: between(shape, progress), settled: 0.38 };
}

function moveAt(step: number, progress: number, rate: number): Move {
  return { rate: rate * (1 - progress), growth: 1.2, first: 0.9, second: 0.99, epsilon: 1e-8, done: step };
}

/**
 * Refines the latents in the core.
 *
 * @param effort - 6 to 9
 * @returns what J of the picture has gained, at least 0
 * @throws TesseraError
 */
export async function refineLatents(coded: CodedPicture, effort: number, pacer: Pacer): Promise<number> {
  const { core, image, patch, pack, modeSet, rate } = coded;
  const picture = { width: image.width, height: image.height, patch, modes: core.modes().slice() };
  const schedule = schedules[effort];
  const total = picture.modes.length * schedule.steps;
  let done = 0;
  await pacer.step('refine', done, total);
  const decoders = modeSet.subset.map((codec) => pack.decoder.decoders[codec][rate.anchor].bytes);
  const refiner = await Refiner.create(decoders, pack.decoder.steps[rate.step]);
  const remainders = await readRemainders(coded);
  let gain = 0;
  for (const region of regionsOf(picture)) {
    openRegion(refiner, coded, picture, region, remainders);
    const patches = patchesIn(picture, region);
    for (let step = 0; step < schedule.steps; step++) {
      const progress = step / schedule.steps;
      refiner.roundSoftly(roundingAt(schedule, progress), step);
      refiner.startGradients();
      for (const index of patches) {
        refiner.patchGradient(index);
        await pacer.step('refine', ++done, total);
      }
      refiner.moveLatents(moveAt(step, progress, schedule.rate));
    }
    gain += await keepCheapest(refiner, core, picture, region, pacer);
  }
  return gain;
}

/** Gives the module a region: its pixels, its latents before rounding, and the rounded ones around it. */
function openRegion(
  refiner: Refiner,
  { core, image, lambda }: CodedPicture,
  picture: PatchedPicture,
  region: Region,
  remainders: readonly Int8Array[],
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
      for (let i = 0; i < length; i++) values[i] = latents[start + i] + remainders[grid][start + i] / remainderUnits;
    } else refiner.row('symbol', stretch).set(latents.subarray(start, start + length));
  }
}

/**
 * Puts the cheapest of three into the core: the refined latents, rounded; those except in patches that have become dearer; the old
 * ones. Cheapness is exact J of all patches that see any of it.
 *
 * @returns what J has gained
 */
async function keepCheapest(refiner: Refiner, core: Core, picture: PatchedPicture, region: Region, pacer: Pacer): Promise<number> {
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
      const values = refiner.row('value', stretch);
      for (let i = 0; i < stretch.length; i++)
        latents[stretch.start + i] = Math.max(-latentLimit, Math.min(latentLimit, Math.round(values[i])));
    });
  };

  const before = await measure();
  put(() => true);
  const refined = await measure();
  const isCheaper = (patch: number): boolean => (refined.get(patch) as number) < (before.get(patch) as number);
  const parts = patchesIn(picture, region);
  if (parts.every(isCheaper)) return sum(before) - sum(refined);
  put(isCheaper);
  const mixed = sum(await measure());
  if (mixed < Math.min(sum(refined), sum(before))) return sum(before) - mixed;
  const isBetter = sum(refined) < sum(before);
  put(() => isBetter);
  return isBetter ? sum(before) - sum(refined) : 0;
}
