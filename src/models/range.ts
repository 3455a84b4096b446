/**
 * Proof that no float of the synthesis overflows, whatever the latents (FORMAT.md §7.5, "Range"): magnitudes are carried through the network
 * with every weight at its absolute value, so partial sums in any order are below them too.
 */

import { gridCount } from '../geometry.js';
import type { Step, SynthesisWeights } from './pack.js';

/** Half of the largest binary32: the roundings of a few hundred operations do not double a number. */
export const largestFloat = 2 ** 127;

const largestLatent = 2 ** 15;

/**
 * The largest magnitude that any number on the way to a pixel can have.
 *
 * @param steps - the pack's step table; the largest inverse gain counts
 */
export function rangeOfSynthesis({ kernels, layers }: SynthesisWeights, steps: readonly Step[]): number {
  const latent = (largestLatent * Math.max(...steps.map(({ inverseGain }) => inverseGain))) / 16_384;
  let largest = latent;
  const note = (value: number): number => {
    largest = Math.max(largest, value);
    return value;
  };

  // Features, coarsest grid first: what there is doubles, and a smoothed grid joins it.
  let features = [latent];
  for (let row = 0; row < gridCount - 1; row++) {
    const [k0, k1, k2, k3, s0, s1, s2, s3] = kernels.subarray(8 * row, 8 * row + 8).map(Math.abs);
    const doubling = k0 + k1 + k2 + k3;
    const smoothing = s0 + 2 * (s1 + s2 + s3);
    features = [...features.map((value) => note(value * doubling ** 2)), note(latent * (1 + smoothing ** 2))];
  }

  const [first, second, third, fourth] = layers.map(({ weights, biases }) => (inputs: readonly number[]): number[] => {
    const taps = weights.length / biases.length / inputs.length;
    return Array.from(biases, (bias, output) =>
      inputs.reduce((sum, input, index) => {
        const start = (output * inputs.length + index) * taps;
        return weights.subarray(start, start + taps).reduce((total, weight) => total + Math.abs(weight) * input, sum);
      }, Math.abs(bias)),
    ).map(note);
  });
  const residual = (inputs: readonly number[], outputs: readonly number[]): number[] =>
    outputs.map((value, index) => note(value + inputs[index]));

  const colours = second(first(features.toReversed()));
  const smoothed = residual(colours, third(colours));
  const levels = residual(smoothed, fourth(smoothed));
  for (const level of levels) note(level * 255 + 1);
  return largest;
}
