/**
 * Clusters of patches that want the same changes of a layer: k-means, with solutions of least squares for means and squared error for distance.
 *
 * Read me first: clusters are found from the normal equations of the patches alone, so that trying many costs next to nothing. A patch goes
 * only into clusters of its own codec, whose units are others than those of any other.
 */

import { type Factors, NormalEquations, sumOf } from './normal.js';

/** Patches that a new cluster may start from. */
const seeds = 24;
const rounds = 6;
/** Part of the energy that a change by 1 must be worth. */
const ridge = 1e-3;
/** How much all patches of a codec count beside those of a cluster, and beside the one that a cluster starts from. */
const share = { cluster: 0.02, seed: 0.05 } as const;

/** Patches in clusters. */
export interface Clustering {
  /** Cluster of each patch. */
  readonly clusters: readonly number[];
  /** Codec of each cluster. */
  readonly codecs: readonly number[];
}

/** A cluster of one patch: squared error of every patch with its solution. */
interface Seed {
  readonly codec: number;
  readonly row: readonly number[];
}

/** Patches in clusters, and how much is gained by them. */
export interface Split extends Clustering {
  /** Squared error that solutions for each cluster leave, before their rounding. */
  readonly error: number;
}

/**
 * Splits the patches further and further.
 *
 * @param patches - equations of each
 * @param codecs - codec of each patch
 * @param limits - `first`: codec of the first cluster, if it has patches; `most`: clusters; `price`: squared error that a bit is worth
 * @returns one cluster per codec, then as many as the powers of two above, up to `most` or as many as there is a use for
 */
export function splitPatches(
  patches: readonly NormalEquations[],
  codecs: readonly number[],
  { first, most, price }: { readonly first: number; readonly most: number; readonly price: number },
): Split[] {
  const used = [...new Set(codecs)].sort((a, b) => Number(b === first) - Number(a === first));
  const whole = new Map(used.map((codec) => [codec, sumOf(patches.filter((_, patch) => codecs[patch] === codec))]));
  let clusters: readonly number[] = codecs.map((codec) => used.indexOf(codec));
  const codecOf = [...used];
  /** Squared error of every patch with the solution of each cluster; infinite with that of another codec. */
  const errors: (readonly number[])[] = used.map(() => []);

  const solve = (codec: number, members: readonly NormalEquations[], part: number): Factors => {
    const equations = new NormalEquations(patches[0].inputs, patches[0].outputs);
    equations.include(whole.get(codec) as NormalEquations, part);
    for (const one of members) equations.include(one);
    return equations.solve(ridge * equations.energy);
  };
  const errorsWith = (codec: number, factors: Factors): number[] =>
    patches.map((one, patch) => (codecs[patch] === codec ? one.errorOf(factors) : Number.POSITIVE_INFINITY));
  const improve = (): void => {
    for (let round = 0; round < rounds; round++) {
      const sizes = codecOf.map((_, cluster) => clusters.filter((own) => own === cluster).length);
      const prices = sizes.map((size) => -price * Math.log2((size + 1) / (patches.length + sizes.length)));
      const next = patches.map((_, patch) => indexOfLeast(errors.map((row, cluster) => row[patch] + prices[cluster])));
      if (round > 0 && next.every((cluster, patch) => cluster === clusters[patch])) return;
      clusters = next;
      for (const [cluster, codec] of codecOf.entries()) {
        const members = patches.filter((_, patch) => clusters[patch] === cluster);
        if (members.length > 0) errors[cluster] = errorsWith(codec, solve(codec, members, share.cluster));
      }
    }
  };

  for (const [cluster, codec] of used.entries()) errors[cluster] = errorsWith(codec, solve(codec, [], 1));
  const split = (): Split => {
    const error = clusters.reduce((sum, cluster, patch) => sum + errors[cluster][patch], 0);
    const kept = Array.from(codecOf.keys()).filter((cluster) => clusters.includes(cluster));
    return { clusters: clusters.map((cluster) => kept.indexOf(cluster)), codecs: kept.map((cluster) => codecOf[cluster]), error };
  };
  const found = [split()];
  const step = Math.max(1, Math.floor(patches.length / seeds));
  const starts: Seed[] = [];
  for (let patch = 0; patch < patches.length; patch += step) {
    const codec = codecs[patch];
    starts.push({ codec, row: errorsWith(codec, solve(codec, [patches[patch]], share.seed)) });
  }
  while (codecOf.length < Math.min(most, patches.length)) {
    const least = patches.map((_, patch) => Math.min(...errors.map((row) => row[patch])));
    const gainOf = ({ row }: Seed): number => row.reduce((sum, error, patch) => sum + Math.max(0, least[patch] - error), 0);
    const best = starts.reduce((most, start) => (gainOf(start) > gainOf(most) ? start : most));
    if (gainOf(best) <= 0) break;
    codecOf.push(best.codec);
    errors.push(best.row);
    if (!isPowerOfTwo(codecOf.length)) continue;
    improve();
    found.push(split());
  }
  return found;
}

const isPowerOfTwo = (value: number): boolean => (value & (value - 1)) === 0;

const indexOfLeast = (values: readonly number[]): number =>
  values.reduce((least, value, index) => (value < values[least] ? index : least), 0);
