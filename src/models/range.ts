/**
 * What the numbers of the synthesis can reach, whatever the latents (FORMAT.md §7.5, "Range"): no float of the upsampling overflows, and no sum.
 * Magnitudes are carried through the filters with every coefficient at its absolute value, so partial sums in any order are below them too.
 */

import { gridCount } from '../geometry.js';
import type { Step } from './pack.js';

/** Half of the largest binary32: the roundings of a hundred operations do not double a number. */
export const largestFloat = 2 ** 127;

const largestLatent = 2 ** 15;

/**
 * The largest magnitude that any number on the way to a feature can have.
 *
 * @param kernels - [6][8]: rows are steps 5…0, columns k0…k3, s0…s3
 * @param steps - the pack's step table; the largest inverse gain counts
 */
export function rangeOfFeatures(kernels: Float32Array, steps: readonly Step[]): number {
  const latent = (largestLatent * Math.max(...steps.map(({ inverseGain }) => inverseGain))) / 16_384;
  let largest = latent;
  // Coarsest grid first: what there is doubles, and a smoothed grid joins it.
  let features = [latent];
  for (let row = 0; row < gridCount - 1; row++) {
    const [k0, k1, k2, k3, s0, s1, s2, s3] = kernels.subarray(8 * row, 8 * row + 8).map(Math.abs);
    const doubling = k0 + k1 + k2 + k3;
    const smoothing = s0 + 2 * (s1 + s2 + s3);
    features = [...features.map((value) => value * doubling ** 2), latent * (1 + smoothing ** 2)];
    largest = Math.max(largest, ...features);
  }
  return largest;
}

/** What sums of the integer layers may reach. */
export const largestSum = 2 ** 31 - 1;

/** What the sum of one output of a layer of the synthesis can reach, whatever its inputs of 16 bits. @param magnitude - Σ|w| */
export const reachOfSum = (magnitude: number, bias: number): number => magnitude * 2 ** 15 + Math.abs(bias);
