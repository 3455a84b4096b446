/**
 * Fits the synthesis to one picture (FORMAT.md §1.2), by least squares: first the layer that mixes hidden units to colours, as if the layers
 * behind it changed nothing, then the last one, with the first in place.
 *
 * Read me first: a sample of the pixels of a sample of the patches is enough for a hundred numbers. The second pass over these patches tells
 * whether the first layer's changes were worth their bits; those of the last layer act as foretold, but for its clamping.
 */

import type { Core, Observation } from '../core.js';
import { TesseraError } from '../errors.js';
import { patchLayout } from '../geometry.js';
import type { DecoderPack } from '../models/pack.js';
import type { Rate } from '../quality.js';
import type { ModeCount, PixelSource } from '../types.js';
import { biasShift, decodersOf, rings, SynthesisView, unitsInUse, weightsOf } from './apply.js';
import { NormalEquations } from './normal.js';
import { solveInWholes, type Terms } from './quantise.js';
import { type Adaptation, type Changes, writeAdaptation } from './section.js';

/** A picture whose latents are in the core, with storage `winners`. */
export interface AdaptedPicture {
  readonly core: Core;
  readonly image: PixelSource;
  /** Side of a patch in pixels. */
  readonly patch: number;
  readonly pack: DecoderPack;
  readonly modes: ModeCount;
  readonly rate: Rate;
  /** Price of a bit in J. */
  readonly lambda: number;
}

/** How much is looked at. */
export interface Sampling {
  readonly patches: number;
  readonly pixels: number;
  /** How many times its price a bit must be worth. */
  readonly caution: number;
}

/**
 * For what latents are refined with at first, and for what is coded. Where codecs compete and latents move far, what fits the first latents too
 * well keeps better ones from being found, and there is more to find out.
 */
export const samplings = {
  quick: { first: { patches: 12, pixels: 3000, caution: 1 }, last: { patches: 32, pixels: 7000, caution: 1 } },
  thorough: { first: { patches: 12, pixels: 5000, caution: 8 }, last: { patches: 256, pixels: 40_000, caution: 1 } },
} as const satisfies Record<string, { readonly first: Sampling; readonly last: Sampling }>;

/** Exponents to choose from. */
const exponents = { mixing: [3, 4, 5, 6], last: [6, 7, 8, 9, 10] } as const;
/** Parts of the energy that a change by 1 must be worth; the larger ones are for what would make weights too large. */
const ridges = { mixing: [1e-4, 1e-3, 1e-2], last: [1e-3, 1e-2] } as const;
/** Of a section without its payload. */
const sectionBits = 48;
/** Of the irrational rotation that spreads samples over the columns. */
const turn = 0.6180339887;

/**
 * Finds the adaptation that lowers J of the picture most and gives it to the core's codecs.
 *
 * @param rest - lets others run
 * @returns undefined where none is worth its bits; the codecs have the pack's weights then
 */
export async function fitAdaptation(
  picture: AdaptedPicture,
  sampling: Sampling,
  rest: () => Promise<void>,
): Promise<Adaptation | undefined> {
  const { core, image, patch, pack, modes, rate, lambda } = picture;
  const decoders = decodersOf(pack, modes, rate);
  const units = unitsInUse(decoders[0]);
  const patches = samplePatches(image, patch, sampling.patches);
  const area = patches.reduce((sum, { width, height }) => sum + width * height, 0);
  const spacing = Math.max(1, Math.floor(area / sampling.pixels));
  const share = area / (image.width * image.height);
  /** Squared error of levels, in the patches that are looked at, that a bit is worth. */
  const errorOfBit = lambda * 3 * 255 ** 2 * share;
  const price = (sampling.caution * errorOfBit) / spacing;

  /** Looks at the patches and adds up, for every mode, what `observe` sees; tells the squared error too. */
  const look = async (inputs: number, observe: Observe): Promise<{ equations: NormalEquations[]; error: number }> => {
    const equations = decoders.map(() => new NormalEquations(inputs, 3));
    const views = decoders.map(({ bytes }) => new SynthesisView(bytes));
    let error = 0;
    for (const { index, x, y } of patches) {
      const mode = core.modes()[index];
      core.observePatch(index, (seen) => {
        error += squaredError(seen, { image, x, y });
        observe(equations[mode], seen, views[mode], { image, x, y }, spacing);
      });
      await rest();
    }
    return { equations, error };
  };
  const canApply = (adaptation: Adaptation): boolean => {
    try {
      return decodersOf(pack, modes, rate, adaptation) !== undefined;
    } catch (error) {
      if (error instanceof TesseraError) return false;
      throw error;
    }
  };
  const bitsOf = (adaptation: Adaptation): number => sectionBits + 8 * writeAdaptation(adaptation, modes).length;

  // 1. Mixing.
  core.adapt(weightsOf(pack, modes, rate, undefined));
  const plain = await look(units.length, (...seen) => observeMixing(units, ...seen));
  const mixing = solveLayer(plain.equations, { exponents: exponents.mixing, free: [], price, ridges: ridges.mixing }, (changes) =>
    canApply({ mixing: changes }),
  );

  // 2. The last layer, with the mixing in place.
  const findLast = async (adaptation: Adaptation): Promise<{ error: number; adaptation: Adaptation }> => {
    core.adapt(weightsOf(pack, modes, rate, adaptation));
    const { equations, error } = await look(10, observeLast);
    const last = solveLayer(equations, { exponents: exponents.last, free: [2 ** -biasShift], price, ridges: ridges.last }, (changes) =>
      canApply({ ...adaptation, last: changes }),
    );
    return { error: error + (last?.worth ?? 0) * spacing, adaptation: { ...adaptation, ...(last && { last: last.changes }) } };
  };
  let found = await findLast(mixing ? { mixing: mixing.changes } : {});
  if (mixing && found.error + errorOfBit * bitsOf({ mixing: mixing.changes }) >= plain.error) found = await findLast({});
  const worthIt = (found.adaptation.mixing ?? found.adaptation.last) && found.error + sectionBits * errorOfBit < plain.error;
  const adaptation = worthIt ? found.adaptation : undefined;
  core.adapt(weightsOf(pack, modes, rate, adaptation));
  return adaptation;
}

type Observe = (equations: NormalEquations, seen: Observation, view: SynthesisView, target: Target, spacing: number) => void;

/** How a layer is solved; ridges from the one to try first to the last. */
interface Problem extends Omit<Terms, 'ridge'> {
  readonly ridges: readonly number[];
}

/** The changes of a layer: the same for all modes, or for each its own, whichever is worth more. None where they cannot be applied. */
function solveLayer(
  equations: readonly NormalEquations[],
  { ridges: tried, ...problem }: Problem,
  canApply: (changes: Changes) => boolean,
): { changes: Changes; worth: number } | undefined {
  const [first] = equations;
  const together = new NormalEquations(first.inputs, first.outputs);
  for (const one of equations) together.include(one);
  for (const ridge of tried) {
    const terms = { ...problem, ridge };
    const shared = solveInWholes(together, terms);
    const each = equations.length === 1 ? [] : equations.map((one) => (one.samples > 0 ? solveInWholes(one, terms) : undefined));
    const candidates = [
      { changes: [shared?.layer], worth: shared?.worth ?? 0 },
      { changes: each.map((one) => one?.layer), worth: each.reduce((sum, one) => sum + (one?.worth ?? 0), 0) },
    ].sort((a, b) => a.worth - b.worth);
    for (const candidate of candidates) if (candidate.worth < 0 && canApply(candidate.changes)) return candidate;
  }
  return undefined;
}

interface SampledPatch {
  readonly index: number;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** Patches spread over the picture, by an irrational rotation along the columns: every so many in raster order would be those of a column. */
export function samplePatches({ width, height }: PixelSource, side: number, wanted: number): SampledPatch[] {
  const { columns, rows, count } = patchLayout(width, height, side);
  const taken = Math.min(count, Math.max(wanted, Math.ceil(count / 16)));
  const place = (number: number): number =>
    Math.floor(((number + 0.5) * rows) / taken) * columns + Math.floor(((number * turn) % 1) * columns);
  const indices = new Set(Array.from({ length: taken }, (_, number) => (taken === count ? number : place(number))));
  return Array.from(indices, (index) => {
    const x = (index % columns) * side;
    const y = Math.floor(index / columns) * side;
    return { index, x, y, width: Math.min(side, width - x), height: Math.min(side, height - y) };
  });
}

/** What a patch should become. */
interface Target {
  readonly image: PixelSource;
  readonly x: number;
  readonly y: number;
}

function squaredError({ width, height, pixels }: Observation, { image, x, y }: Target): number {
  let sum = 0;
  // Every other row is enough.
  for (let row = 0; row < height; row += 2) {
    let wanted = ((y + row) * image.width + x) * 4;
    for (let seen = row * width * 4; seen < (row + 1) * width * 4; seen += 4, wanted += 4) {
      for (let c = 0; c < 3; c++) sum += (image.data[wanted + c] - pixels[seen + c]) ** 2;
    }
  }
  return (sum * height) / Math.ceil(height / 2);
}

/** Calls `visit` for one pixel in so many, no two rows with the same columns, and what its levels lack. */
function samplePixels(
  { width, height, pixels }: Observation,
  { image, x, y }: Target,
  spacing: number,
  visit: (column: number, row: number, lack: Float64Array) => void,
): void {
  const lack = new Float64Array(3);
  for (let row = 0; row < height; row++) {
    for (let column = Math.floor(((row * turn) % 1) * spacing); column < width; column += spacing) {
      const wanted = ((y + row) * image.width + x + column) * 4;
      const seen = (row * width + column) * 4;
      for (let c = 0; c < 3; c++) lack[c] = image.data[wanted + c] - pixels[seen + c];
      visit(column, row, lack);
    }
  }
}

/** Adds the pixels of a patch to the equations of the mixing: by how many levels a change of each unit by 1 raises a pixel. */
function observeMixing(
  units: readonly number[],
  equations: NormalEquations,
  seen: Observation,
  view: SynthesisView,
  target: Target,
  spacing: number,
): void {
  const weights = Float64Array.from(units.flatMap((unit) => view.first(unit)));
  const level = view.lastNorm() / 2 ** (view.shift(1) + view.shift(3));
  const scales = units.map((unit) => view.unitNorm(unit) * level);
  const rowLength = 32 * Math.ceil((seen.width + 4) / 4);
  const inputs = new Float64Array(units.length);
  const features = new Float64Array(8);
  samplePixels(seen, target, spacing, (column, row, lack) => {
    const place = row * rowLength + ((column + 2) >> 2) * 32 + ((column + 2) & 3) * 2;
    // Numbers 1 to 7 of the eight, then number 0.
    for (let number = 1; number <= 8; number++) features[number - 1] = seen.features[place + ((number & 7) >> 1) * 8 + (number & 1)];
    for (let unit = 0; unit < units.length; unit++) {
      let sum = 0;
      for (let input = 0; input < 8; input++) sum += weights[8 * unit + input] * features[input];
      inputs[unit] = Math.max(0, Math.floor(sum / 65_536)) * scales[unit];
    }
    equations.add(inputs, lack);
  });
}

/** Adds the pixels of a patch to the equations of the last layer. */
function observeLast(equations: NormalEquations, seen: Observation, view: SynthesisView, target: Target, spacing: number): void {
  const level = view.lastNorm() / 2 ** view.shift(3);
  const line = 2 * (seen.width + 2);
  const inputs = new Float64Array(10).fill(1);
  samplePixels(seen, target, spacing, (column, row, lack) => {
    for (let channel = 0; channel < 3; channel++) {
      const place = (row * 2 + (channel >> 1)) * line + 2 * column + (channel & 1);
      for (let ring = 0; ring < 3; ring++) {
        let sum = 0;
        for (const tap of rings[ring]) sum += seen.third[place + Math.floor(tap / 3) * 2 * line + (tap % 3) * 2];
        inputs[3 * channel + ring] = sum * level;
      }
    }
    equations.add(inputs, lack);
  });
}
