/**
 * Fits the synthesis to one picture (FORMAT.md §1.2), by least squares: first the layer that mixes hidden units to colours, as if the layers
 * behind it changed nothing, then the last one, with the first in place. Where a file may have several modes, patches of one codec that want
 * unlike changes become modes of their own.
 *
 * Read me first: a sample of the pixels is enough for a hundred numbers, and that of a sample of the patches where these stay in their modes. The
 * passes that follow tell what became of it: neither layer acts quite as foretold, the first one for what lies behind it, the last one for
 * its clamping.
 */

import type { Core } from '../core.js';
import { TesseraError } from '../errors.js';
import type { DecoderPack } from '../models/pack.js';
import type { Rate } from '../quality.js';
import { findSeams } from '../seams.js';
import { sum } from '../select.js';
import type { PixelSource } from '../types.js';
import { biasShift, decodersOf, SynthesisView, unitsInUse, weightsOf } from './apply.js';
import { type Clustering, type Split, splitPatches } from './cluster.js';
import { solveLayer } from './layer.js';
import { NormalEquations } from './normal.js';
import { type Observe, observeLast, observeMixing, type SampledPatch, samplePatches, someBelow } from './observe.js';
import { type Adaptation, type Changes, forModes, writeAdaptation } from './section.js';

/** A picture whose latents are in the core, with storage `winners`; it is the core's target. */
export interface AdaptedPicture {
  readonly core: Core;
  readonly image: PixelSource;
  /** Side of a patch in pixels. */
  readonly patch: number;
  readonly pack: DecoderPack;
  readonly rate: Rate;
  /** Price of a bit in J. */
  readonly lambda: number;
}

/** How much is looked at. */
export interface Sampling {
  /** How many, where these stay in their modes; otherwise all. */
  readonly patches: number;
  /** One pixel in so many, for the mixing and for the last layer. */
  readonly mixing: number;
  readonly last: number;
  /** How many times its price a bit must be worth. */
  readonly caution: number;
  /** Patches whose symbols are counted for the scales, at least; the finest grid alone has 16,384 in each of the usual ones. */
  readonly counted: number;
}

/**
 * For what latents are refined with at first, and for what is coded. Where codecs compete and latents move far, what fits the first latents too
 * well keeps better ones from being found, and there is more to find out.
 */
export const samplings = {
  quick: {
    first: { patches: 12, mixing: 8, last: 16, caution: 1, counted: 8 },
    last: { patches: 32, mixing: 2, last: 4, caution: 1, counted: 24 },
  },
  thorough: {
    first: { patches: 12, mixing: 2, last: 4, caution: 8, counted: 24 },
    last: { patches: 256, mixing: 1, last: 1, caution: 1, counted: 24 },
  },
} as const satisfies Record<string, { readonly first: Sampling; readonly last: Sampling }>;

/** Exponents to choose from. */
const exponents = { mixing: [3, 4, 5, 6], last: [6, 7, 8, 9, 10] } as const;
/** Parts of the energy that a change by 1 must be worth; the larger ones are for what would make weights too large. */
const ridges = { mixing: [1e-4, 1e-3, 1e-2], last: [1e-3, 1e-2] } as const;
/** Of a section without its payload. */
const sectionBits = 48;

/** About what the mixing of a further cluster takes. */
const bitsOfCluster = 250;

/** Part of the squared error that further clusters must promise to save: what is foretold of less is as often wrong. */
const worthSplitting = 0.005;

/** By how much more levels may depend on how features are rounded than they do anyway, or than by one. */
const largestGrowth = 1.3;
/** Modes of one codec are alike but for their colours, and what is a little more wrong across a border than beside it is hardly seen. */
const toleratedSeam = 1.15;
/** What the last layer does is seen in this part of the patches, or in all where there are no more than this. */
const partAgain = 0.34;
const fewest = 8;
/** Patches that go back may leave new borders behind. */
const mendRounds = 3;

/** What there is to begin with. */
export interface Start {
  /** Codec of each mode that the core's map has. */
  readonly codecs: readonly number[];
  /** How many modes there may be: if not more than there are, patches stay in theirs. */
  readonly most: number;
}

/** How a picture's patches are decoded: the core's map has the modes. */
export interface Fitted {
  /** Codec of each mode. */
  readonly codecs: readonly number[];
  /** Undefined where none is worth its bits. */
  readonly adaptation: Adaptation | undefined;
}

/**
 * Finds the modes and the adaptation that lower J of the picture most and gives them to the core.
 *
 * @param rest - lets others run
 */
export async function fitAdaptation(
  picture: AdaptedPicture,
  { codecs, most }: Start,
  sampling: Sampling,
  rest: () => Promise<void>,
): Promise<Fitted> {
  const maySplit = most > new Set(codecs).size;
  const fit = new Fit(picture, codecs, sampling, maySplit, rest);

  // 1. What the mixing should become in each patch, and patches that want the same.
  const asTheyAre = { clusters: fit.modes(), codecs };
  const { equations, errors } = await fit.lookAtMixing(asTheyAre);
  const error = sum(errors);
  const codecsOfPatches = asTheyAre.clusters.map((mode) => codecs[mode]);
  const [whole, ...split] = maySplit
    ? splitPatches(equations, codecsOfPatches, { first: codecs[0], most, price: fit.price })
    : [{ ...asTheyAre, error: 0 }];
  const worthOf = (candidate: Split): number =>
    candidate.error + fit.price * (bitsOfModes(candidate) + bitsOfCluster * (candidate.codecs.length - whole.codecs.length));
  const [further] = split
    .filter((candidate) => worthOf(candidate) < whole.error - worthSplitting * error)
    .sort((a, b) => worthOf(a) - worthOf(b));

  // 2. The layers, one after the other, and what comes of them.
  let best: Attempt = { clustering: whole, adaptation: undefined, errors, cost: error };
  const consider = async (clustering: Clustering, mixing: Changes | undefined): Promise<void> => {
    const other = await fit.attempt(clustering, mixing);
    if (other !== undefined && other.cost < best.cost) best = other;
  };
  if (further) await consider(further, fit.solveMixing(equations, further));
  // What is left of a split when its borders are not to show may be worth less than none.
  if (best.adaptation === undefined || best.mended) {
    const mixing = fit.solveMixing(equations, whole);
    await consider(whole, mixing);
    if (best.adaptation === undefined && mixing) await consider(whole, undefined);
  }
  fit.give(best.clustering, best.adaptation);
  return { codecs: best.clustering.codecs, adaptation: best.adaptation };
}

/** What came of a clustering. */
interface Attempt {
  readonly clustering: Clustering;
  readonly adaptation: Adaptation | undefined;
  /** Squared error of levels in each of the patches that are looked at. */
  readonly errors: readonly number[];
  /** Their sum, and bits at their price. */
  readonly cost: number;
  /** Whether patches have gone back to the mode around them, whose border showed. */
  readonly mended?: boolean;
}

/** What the patches of a picture want, and what comes of giving it to them. The codec of mode 0 says which units are in use, so it stays the first. */
class Fit {
  /** Squared error of levels, in the patches that are looked at, that a bit is worth, and that it must be worth. */
  readonly #errorOfBit: number;
  readonly price: number;
  readonly #patches: readonly SampledPatch[];
  readonly #units: readonly number[];
  /** Of the sensitivity of each codec. */
  readonly #limits: ReadonlyMap<number, number>;

  constructor(
    readonly picture: AdaptedPicture,
    codecs: readonly number[],
    readonly sampling: Sampling,
    everyPatch: boolean,
    readonly rest: () => Promise<void>,
  ) {
    const { core, image, patch, pack, rate, lambda } = picture;
    this.#patches = samplePatches(image, patch, everyPatch ? core.modes().length : sampling.patches);
    this.#units = unitsInUse(pack.decoders[codecs[0]][rate.anchor]);
    const area = this.#patches.reduce((sum, { width, height }) => sum + width * height, 0);
    this.#errorOfBit = (lambda * 3 * 255 ** 2 * area) / (image.width * image.height);
    this.price = sampling.caution * this.#errorOfBit;
    this.#limits = new Map(
      codecs.map((codec) => {
        const plain = new SynthesisView(pack.decoders[codec][rate.anchor].bytes);
        return [codec, largestGrowth * Math.max(1, plain.sensitivity())];
      }),
    );
  }

  /** Mode of each patch that is looked at. */
  modes(): number[] {
    return this.#patches.map(({ index }) => this.picture.core.modes()[index]);
  }

  /** Gives the core modes and weights. */
  give({ clusters, codecs }: Clustering, adaptation: Adaptation | undefined): void {
    const { core, pack, rate } = this.picture;
    this.#patches.forEach(({ index }, number) => {
      core.modes()[index] = clusters[number];
    });
    core.adapt(weightsOf(pack, codecs, rate, adaptation));
  }

  /** Equations of the mixing of each patch and the squared error, with the pack's weights. */
  lookAtMixing(clustering: Clustering): Promise<Seen> {
    this.give(clustering, undefined);
    return this.#look(clustering, (...patch) => observeMixing(this.#units, ...patch, this.sampling.mixing));
  }

  solveMixing(equations: readonly NormalEquations[], clustering: Clustering): Changes | undefined {
    const problem = { exponents: exponents.mixing, free: [], price: this.price, ridges: ridges.mixing };
    return solveLayer(byCluster(equations, clustering), problem, (mixing) => this.#canApply(clustering, { mixing }))?.changes;
  }

  /** Puts the mixing in place, finds the last layer and tells what J comes to; undefined where there is nothing to change. */
  async attempt(clustering: Clustering, mixing: Changes | undefined): Promise<Attempt | undefined> {
    const start = mixing && { mixing };
    this.give(clustering, start);
    const { equations, errors } = await this.#look(clustering, (...patch) => observeLast(...patch, this.sampling.last));
    const problem = { exponents: exponents.last, free: [2 ** -biasShift], price: this.price, ridges: ridges.last };
    const last = solveLayer(byCluster(equations, clustering), problem, (own) => this.#canApply(clustering, { ...start, last: own }));
    const attempts = start ? [this.#judge(clustering, start, errors)] : [];
    if (last !== undefined) {
      // Levels that are clamped do not act as foretold, so some patches are looked at again.
      const both = { ...start, last: last.changes };
      this.give(clustering, both);
      const count = errors.length;
      const again = someBelow(count, count > fewest ? partAgain : 1);
      const seen = (await this.#look(clustering, undefined, again)).errors;
      const part = sum(seen) / Math.max(1, sum(again.map((number) => errors[number])));
      const foretold = errors.map((before) => before * part);
      attempts.push(this.#judge(clustering, both, withSeen(foretold, again, seen)));
    }
    const [best] = attempts.sort((a, b) => a.cost - b.cost);
    return best && this.#mend(best);
  }

  #judge(clustering: Clustering, adaptation: Adaptation, errors: readonly number[]): Attempt {
    const bits = sectionBits + 8 * writeAdaptation(adaptation, clustering.codecs.length).length + bitsOfModes(clustering);
    return { clustering, adaptation, errors, cost: sum(errors) + this.#errorOfBit * bits };
  }

  /** Takes patches whose border to another mode of their codec shows back to the largest of these; undefined where that leaves none but these. */
  async #mend(attempt: Attempt): Promise<Attempt | undefined> {
    const { core, image, patch } = this.picture;
    const { codecs } = attempt.clustering;
    if (codecs.length === new Set(codecs).size) return attempt;
    let clusters = attempt.clustering.clusters;
    const sizes = codecs.map((_, cluster) => clusters.filter((own) => own === cluster).length);
    const homeOf = (codec: number): number =>
      codecs.reduce((home, other, cluster) => (other === codec && (home < 0 || sizes[cluster] > sizes[home]) ? cluster : home), -1);
    const homes = codecs.map(homeOf);
    for (let round = 0; round < mendRounds; round++) {
      this.give({ clusters, codecs }, attempt.adaptation);
      const seams = await findSeams(core, image, patch, this.rest, toleratedSeam);
      const next = clusters.map((cluster, index) => (seams.has(index) ? homes[cluster] : cluster));
      if (next.every((cluster, index) => cluster === clusters[index])) break;
      clusters = next;
    }
    if (clusters === attempt.clustering.clusters) return attempt;
    const kept = Array.from(codecs.keys()).filter((cluster) => clusters.includes(cluster));
    const mended = { clusters: clusters.map((cluster) => kept.indexOf(cluster)), codecs: kept.map((cluster) => codecs[cluster]) };
    if (kept.length === new Set(mended.codecs).size) return undefined;
    const adaptation = forModes(attempt.adaptation as Adaptation, kept);
    this.give(mended, adaptation);
    const moved = Array.from(clusters.keys()).filter((patch) => clusters[patch] !== attempt.clustering.clusters[patch]);
    const seen = (await this.#look(mended, undefined, moved)).errors;
    return { ...this.#judge(mended, adaptation, withSeen(attempt.errors, moved, seen)), mended: true };
  }

  /** Looks at patches by their numbers, at all of them without any: what `observe` sees of each, and its squared error. */
  async #look({ codecs }: Clustering, observe?: Observe, numbers: Iterable<number> = this.#patches.keys()): Promise<Seen> {
    const { core, pack, rate } = this.picture;
    const views = decodersOf(pack, codecs, rate).map(({ bytes }) => new SynthesisView(bytes));
    const equations: NormalEquations[] = [];
    const errors: number[] = [];
    for (const number of numbers) {
      const { index } = this.#patches[number];
      core.observePatch(index, (seen) => {
        errors.push(seen.squaredError());
        if (observe) equations.push(observe(views[core.modes()[index]], seen));
      });
      await this.rest();
    }
    return { equations, errors };
  }

  #canApply({ codecs }: Clustering, adaptation: Adaptation): boolean {
    const { pack, rate } = this.picture;
    try {
      return decodersOf(pack, codecs, rate, adaptation).every(
        ({ bytes }, mode) => new SynthesisView(bytes).sensitivity() <= (this.#limits.get(codecs[mode]) as number),
      );
    } catch (error) {
      if (error instanceof TesseraError) return false;
      throw error;
    }
  }
}

/** Equations and squared error of each patch. */
interface Seen {
  readonly equations: readonly NormalEquations[];
  readonly errors: readonly number[];
}

/** The errors, those of some patches replaced by what has been seen of them. */
function withSeen(errors: readonly number[], patches: readonly number[], seen: readonly number[]): number[] {
  const all = [...errors];
  patches.forEach((patch, index) => {
    all[patch] = seen[index];
  });
  return all;
}

function byCluster(patches: readonly NormalEquations[], { clusters, codecs }: Clustering): NormalEquations[] {
  const sums = codecs.map(() => new NormalEquations(patches[0].inputs, patches[0].outputs));
  patches.forEach((equations, patch) => {
    sums[clusters[patch]].include(equations);
  });
  return sums;
}

/** About what the modes of patches cost: their map, the list of their codecs, and a bit for each in both layers. */
function bitsOfModes({ clusters, codecs }: Clustering): number {
  if (codecs.length === 1) return 0;
  const sizes = codecs.map((_, cluster) => clusters.filter((own) => own === cluster).length);
  const map = sizes.reduce((bits, size) => bits - size * Math.log2((size + 1) / (clusters.length + sizes.length)), 0);
  return map + 2 * 8 + 6 * codecs.length;
}
