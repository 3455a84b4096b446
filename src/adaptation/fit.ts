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
import type { PixelSource } from '../types.js';
import { biasShift, decodersOf, SynthesisView, unitsInUse, weightsOf } from './apply.js';
import { type Clustering, type Split, splitPatches } from './cluster.js';
import { solveLayer } from './layer.js';
import { NormalEquations } from './normal.js';
import { type Observe, observeLast, observeMixing, samplePatches, squaredError } from './observe.js';
import { type Adaptation, type Changes, writeAdaptation } from './section.js';

/** A picture whose latents are in the core, with storage `winners`. */
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
}

/**
 * For what latents are refined with at first, and for what is coded. Where codecs compete and latents move far, what fits the first latents too
 * well keeps better ones from being found, and there is more to find out.
 */
export const samplings = {
  quick: {
    first: { patches: 12, mixing: 8, last: 16, caution: 1 },
    last: { patches: 32, mixing: 2, last: 4, caution: 1 },
  },
  thorough: {
    first: { patches: 12, mixing: 2, last: 4, caution: 8 },
    last: { patches: 256, mixing: 1, last: 1, caution: 1 },
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
  const { core, image, patch, pack, rate, lambda } = picture;
  const maySplit = most > codecs.length;
  const units = unitsInUse(pack.decoders[codecs[0]][rate.anchor]);
  const patches = samplePatches(image, patch, maySplit ? Number.POSITIVE_INFINITY : sampling.patches);
  const area = patches.reduce((sum, { width, height }) => sum + width * height, 0);
  const share = area / (image.width * image.height);
  /** Squared error of levels, in the patches that are looked at, that a bit is worth. */
  const errorOfBit = lambda * 3 * 255 ** 2 * share;
  const price = sampling.caution * errorOfBit;

  let fitted: Fitted;
  /** Looks at the patches and adds up what `observe` sees of each; tells the squared error too. */
  const look = async (spacing: number, observe: Observe): Promise<{ equations: NormalEquations[]; error: number }> => {
    const views = decodersOf(pack, fitted.codecs, rate).map(({ bytes }) => new SynthesisView(bytes));
    const equations: NormalEquations[] = [];
    let error = 0;
    for (const { index, x, y } of patches) {
      core.observePatch(index, (seen) => {
        error += squaredError(seen, { image, x, y });
        equations.push(observe(views[core.modes()[index]], seen, { image, x, y }, spacing));
      });
      await rest();
    }
    return { equations, error };
  };
  /** Squared error of the patches. */
  const measure = async (): Promise<number> => {
    let error = 0;
    for (const { index, x, y } of patches) {
      core.observePatch(index, (seen) => {
        error += squaredError(seen, { image, x, y });
      });
      await rest();
    }
    return error;
  };
  /** Gives the core modes and weights. */
  const give = ({ clusters, codecs: among }: Clustering, adaptation: Adaptation | undefined): Fitted => {
    patches.forEach(({ index }, number) => {
      core.modes()[index] = clusters[number];
    });
    fitted = { codecs: among, adaptation };
    core.adapt(weightsOf(pack, among, rate, adaptation));
    return fitted;
  };
  const canApply = ({ codecs: among }: Clustering, adaptation: Adaptation): boolean => {
    try {
      return decodersOf(pack, among, rate, adaptation) !== undefined;
    } catch (error) {
      if (error instanceof TesseraError) return false;
      throw error;
    }
  };

  // 1. What the mixing should become, with patches as they are and split further and further.
  const asTheyAre = { clusters: patches.map(({ index }) => core.modes()[index]), codecs };
  give(asTheyAre, undefined);
  const plain = await look(sampling.mixing, (...seen) => observeMixing(units, ...seen));
  const mix = (clustering: Clustering): Mixed => {
    const problem = { exponents: exponents.mixing, free: [], price, ridges: ridges.mixing };
    const mixing = solveLayer(byCluster(plain.equations, clustering), problem, (own) => canApply(clustering, { mixing: own }))?.changes;
    return { clustering, mixing };
  };
  const codecsOfPatches = asTheyAre.clusters.map((mode) => codecs[mode]);
  const [whole, ...split] = maySplit ? splitPatches(plain.equations, codecsOfPatches, most, price) : [{ ...asTheyAre, error: 0 }];

  // 2. The last layer, with the mixing in place, and what comes of both.
  const attempt = async ({ clustering, mixing }: Mixed): Promise<Attempt | undefined> => {
    give(clustering, mixing && { mixing });
    const { equations, error } = await look(sampling.last, observeLast);
    const problem = { exponents: exponents.last, free: [2 ** -biasShift], price, ridges: ridges.last };
    const last = solveLayer(byCluster(equations, clustering), problem, (own) =>
      canApply(clustering, { ...(mixing && { mixing }), last: own }),
    );
    const costOf = (adaptation: Adaptation, itsError: number): Attempt => {
      const bits = sectionBits + 8 * writeAdaptation(adaptation, clustering.codecs.length).length + bitsOfModes(clustering);
      return { clustering, adaptation, cost: itsError + errorOfBit * bits };
    };
    const first = mixing && costOf({ mixing }, error);
    if (last === undefined) return first;
    // Levels that are clamped do not act as foretold.
    const both = { ...(mixing && { mixing }), last: last.changes };
    give(clustering, both);
    const second = costOf(both, await measure());
    return first && first.cost <= second.cost ? first : second;
  };
  let best: Attempt = { clustering: whole, adaptation: undefined, cost: plain.error };
  const consider = async (candidate: Mixed): Promise<void> => {
    const other = await attempt(candidate);
    if (other !== undefined && other.cost < best.cost) best = other;
  };
  const worthOf = (candidate: Split): number =>
    candidate.error + price * (bitsOfModes(candidate) + bitsOfCluster * (candidate.codecs.length - whole.codecs.length));
  const [further] = split
    .filter((candidate) => worthOf(candidate) < whole.error - worthSplitting * plain.error)
    .sort((a, b) => worthOf(a) - worthOf(b));
  if (further) await consider(mix(further));
  if (best.adaptation === undefined) {
    const mixed = mix(whole);
    await consider(mixed);
    if (best.adaptation === undefined && mixed.mixing) await consider({ clustering: whole, mixing: undefined });
  }
  return give(best.clustering, best.adaptation);
}

/** Patches in their clusters, and the mixing that is worth most for them. */
interface Mixed {
  readonly clustering: Clustering;
  readonly mixing: Changes | undefined;
}

/** What came of it. */
interface Attempt {
  readonly clustering: Clustering;
  readonly adaptation: Adaptation | undefined;
  /** Squared error of levels in the patches that are looked at, and bits at their price. */
  readonly cost: number;
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
