/**
 * Refinement of the latents (DESIGN.md §4, latent overfitting; Zhang et al. 2022, Yang and Mandt 2023).
 *
 * While latents move, the codecs stay as they are; before and after, and between passes, the synthesis is fitted to the picture
 * (`adaptation/fit.ts`). The latents of the winning modes move so that J falls. Rounds of trades make whole latents their neighbours
 * where J should fall (`assembly/refine/trade.ts`); the core measures exact J, and what has not become cheaper is taken back. The highest
 * efforts go on with gradient steps on real numbers, with a soft, noisy stand-in for rounding, trade again, and keep of every patch what is
 * cheaper: on screens and at the lowest rates trades alone may be. Steps start at whole numbers: noise shows what lies around these, and the
 * latents before rounding were no better. A decoder cannot tell that latents have moved.
 */

import { weightsOf } from '../adaptation/apply.js';
import { type Fitted, fitAdaptation, type Sampling, samplings } from '../adaptation/fit.js';
import type { Core } from '../core.js';
import { type Line, looksOf, type Pass, type Refinement, type Schedule } from '../effort.js';
import { TesseraError } from '../errors.js';
import { gridCount, regionSides } from '../geometry.js';
import type { Pack } from '../models/load.js';
import type { Pacer } from '../pacer.js';
import type { Rate } from '../quality.js';
import type { Scales } from '../scales.js';
import { costsOfPatches, spacingOf } from '../select.js';
import type { ModeCount, PixelSource } from '../types.js';
import { fitScales } from './fit-scales.js';
import { keepCheapest } from './keep.js';
import { type Move, Refiner, type Rounding } from './refiner.js';
import { type PatchedPicture, patchesIn, type Region, regionsOf, stretchesOf } from './regions.js';
import { compactModes, settleModes } from './settle.js';

export { keepWinners } from './winners.js';

/** Samples around a region that its windows reach, and that stay as they are. */
const halo = 8;

/** A picture after the competition. */
export interface CodedPicture {
  /** Holds the picture, the latents of the winners and the mode map. */
  readonly core: Core;
  readonly image: PixelSource;
  /** Side of a patch in pixels. */
  readonly patch: number;
  readonly pack: Pack;
  /** How many modes the file may have; the core has begun with them. */
  readonly modes: ModeCount;
  /** Codec of each mode that the core's map has. */
  readonly codecs: readonly number[];
  readonly rate: Rate;
  /** Price of a bit in J. */
  readonly lambda: number;
}

/** What a file says beside its latents and its mode map. */
export interface Refined extends Fitted {
  readonly scales: Scales;
}

/** Has every patch of a region looked at. */
type Visit = (look: (patch: number) => void) => Promise<void>;

const between = ([first, last]: Line, progress: number): number => first + (last - first) * progress;

function roundingAt({ temperature, shape }: Schedule, progress: number): Rounding {
  return { temperature: between(temperature, progress), shape: between(shape, progress), settled: 0.38 };
}

function moveAt(step: number, progress: number, { rate, epsilon }: Schedule): Move {
  // Noise that goes round evenly needs no long memory: with means over ten steps instead of two, twenty steps find half as much.
  return { rate: rate * (1 - progress), growth: 0.8, first: 0.5, second: 0.99, epsilon, done: step };
}

/**
 * Refines the latents in the core, which holds the winners' (`keepWinners`), and fits synthesis and scales to the picture: quickly at first, so
 * that the latents know them, and thoroughly after each pass over them.
 *
 * @param module - the compiled module, where the entry has it
 * @returns what the core's codecs have then
 * @throws TesseraError
 */
export async function refine(
  coded: CodedPicture,
  refinement: Refinement,
  module: WebAssembly.Module | undefined,
  pacer: Pacer,
): Promise<Refined> {
  const picture = { ...coded, pack: coded.pack.decoder };
  const { passes } = refinement;
  const { first, last } = samplings[refinement.checked > 1 ? 'quick' : 'thorough'];
  const patches = coded.core.modes().length;
  // A fit counts as much as a round.
  const total = patches * passes.reduce((sum, pass) => sum + 1 + looksOf(pass), 1);
  let done = 0;
  const advance: Advance = (steps) => {
    done += steps;
    return pacer.step('refine', done, total);
  };
  const turn = (): Promise<void> => pacer.turn();
  let codecs: readonly number[] = compactModes(coded.core, coded.codecs);
  const fitPicture = async (sampling: Sampling, most: number): Promise<Refined> => {
    const fitted = await fitAdaptation(picture, { codecs, most }, sampling, turn);
    codecs = fitted.codecs;
    const counted = { side: coded.patch, wanted: sampling.counted };
    return { ...fitted, scales: await fitScales(coded.core, coded.image, counted, turn) };
  };
  await advance(0);
  const refiner = passes.length > 0 ? await startRefiner(coded, refinement, module) : undefined;
  for (const [index, pass] of passes.entries()) {
    const { adaptation, scales } = await fitPicture(index === 0 ? first : last, codecs.length);
    await advance(patches);
    refiner?.setDecoders(weightsOf(picture.pack, codecs, coded.rate, adaptation), scales);
    if (refiner) await refineLatents({ ...coded, codecs }, refiner, refinement.checked, pass, turn, advance);
  }
  const refined = await fitPicture(last, coded.modes);
  await advance(total - done);
  return { ...refined, ...settleModes(coded.core, picture.pack, coded.rate, refined) };
}

/** @returns undefined where latents have to stay as they are */
async function startRefiner(
  { pack, rate }: CodedPicture,
  { optional }: Refinement,
  module: WebAssembly.Module | undefined,
): Promise<Refiner | undefined> {
  try {
    return await Refiner.create(pack.decoder.steps[rate.step], module);
  } catch (error) {
    if (optional && error instanceof TesseraError && error.code === 'backendUnavailable') return undefined;
    throw error;
  }
}

/** Reports that so many more steps are done. */
type Advance = (steps: number) => Promise<void>;

/**
 * Refines the latents in the core, which holds the winners' (`keepWinners`). J of the picture does not rise, as far as the patches that are
 * checked can tell.
 *
 * @param refiner - has the decoders that the core has
 * @throws TesseraError
 */
async function refineLatents(
  coded: CodedPicture,
  refiner: Refiner,
  checked: number,
  { rounds, gradient }: Pass,
  turn: () => Promise<void>,
  advance: Advance,
): Promise<void> {
  const { core, image, patch, lambda } = coded;
  const picture = { width: image.width, height: image.height, patch, modes: core.modes().slice() };
  const curvatures = curvaturesOf(coded, picture.modes);
  const trades = curvatures === undefined ? [] : rounds;
  refiner.openPicture(picture);
  if (curvatures !== undefined) refiner.setCurvatures(curvatures.map((curvature) => curvature / lambda));
  const spacing = spacingOf(checked, picture.modes.length);
  let costs: Float64Array | undefined;
  /** Goes over all regions, whose latents `work` moves, and keeps what is cheaper. */
  const pass = async (side: number, work: (visit: Visit) => Promise<void>): Promise<void> => {
    const before = costs ?? (await costsOfPatches(core, turn, spacing));
    const saved = Array.from({ length: gridCount }, (_, grid) => core.plane(0, grid).slice());
    for (const region of regionsOf(picture, side)) {
      openRegion(refiner, coded, picture, region);
      const patches = patchesIn(picture, region);
      await work(async (look) => {
        for (const patch of patches) {
          look(patch);
          await advance(1);
        }
      });
      readRegion(refiner, core, picture, region);
    }
    costs = await keepCheapest({ core, picture, saved, before, spacing }, turn);
  };
  const trade = async (visit: Visit): Promise<void> => {
    for (const [index, margin] of trades.entries()) {
      refiner.startTrades(index === 0);
      await visit((patch) => refiner.patchTrades(patch));
      refiner.tradeLatents(margin);
    }
  };
  if (trades.length > 0) await pass(regionSides.trades, trade);
  if (gradient === undefined) return;
  await pass(regionSides.gradient, async (visit) => {
    await descend(refiner, gradient, visit);
    await trade(visit);
  });
}

/** Gradient steps on the latents of a region, from its symbols to whole numbers again. */
async function descend(refiner: Refiner, gradient: Schedule, visit: Visit): Promise<void> {
  refiner.startSteps();
  for (let step = 0; step < gradient.steps; step++) {
    const progress = step / gradient.steps;
    refiner.roundSoftly(roundingAt(gradient, progress), step);
    refiner.startGradients();
    await visit((patch) => refiner.patchGradient(patch));
    refiner.moveLatents(moveAt(step, progress, gradient));
  }
  refiner.roundLatents();
}

/** How the squared error bends along a latent of each grid, at the step of the rate: the mean over the patches, whose codecs may differ. */
function curvaturesOf({ pack, codecs, rate }: CodedPicture, map: Uint8Array): number[] | undefined {
  const { curvatures } = pack.manifest;
  if (curvatures === undefined) return undefined;
  const scale = (pack.decoder.steps[rate.step].inverseGain / 16_384) ** 2;
  return Array.from({ length: gridCount }, (_, grid) => {
    const sum = map.reduce((total, mode) => total + curvatures[codecs[mode]][rate.anchor][grid], 0);
    return (scale * sum) / map.length;
  });
}

/** Gives the module a region: its pixels, its latents and the ones around it. */
function openRegion(refiner: Refiner, { core, image, lambda }: CodedPicture, picture: PatchedPicture, region: Region): void {
  const x = region.left * picture.patch;
  const y = region.top * picture.patch;
  const width = Math.min(region.right * picture.patch, image.width) - x;
  const height = Math.min(region.bottom * picture.patch, image.height) - y;
  const pixels = new Uint8Array(width * height * 4);
  for (let row = 0; row < height; row++) {
    const start = ((y + row) * image.width + x) * 4;
    pixels.set(image.data.subarray(start, start + width * 4), row * width * 4);
  }
  refiner.openRegion(region, pixels, width * 4, lambda);
  const planes = Array.from({ length: gridCount }, (_, grid) => core.plane(0, grid));
  for (const stretch of stretchesOf(picture, region, halo)) {
    const { grid, start, length } = stretch;
    refiner.row('symbol', stretch).set(planes[grid].subarray(start, start + length));
  }
}

/** Brings the refined symbols of a region back to the core. */
function readRegion(refiner: Refiner, core: Core, picture: PatchedPicture, region: Region): void {
  const planes = Array.from({ length: gridCount }, (_, grid) => core.plane(0, grid));
  for (const stretch of stretchesOf(picture, region)) {
    planes[stretch.grid].set(refiner.row('symbol', stretch), stretch.start);
  }
}
