/**
 * Whole numbers for the solution of a least-squares problem, with the bits that they cost.
 *
 * One number after the other is settled, and those that are left make good what its rounding did: the inverse of the products says how
 * (Hassibi and Stork 1993, optimal brain surgeon). Of the whole numbers beside the best value and 0 it becomes the one with the least
 * squared error + price · bits.
 */

import type { NormalEquations } from './normal.js';
import { bitsOfChange, type LayerChanges, largestChange } from './section.js';

/** A layer's changes, and what they should do to squared error + price · bits. Below 0 it is a gain. */
export interface Solution {
  readonly layer: LayerChanges;
  readonly worth: number;
}

/** What is asked for. */
export interface Terms {
  /** To choose from. */
  readonly exponents: readonly number[];
  /** Steps of inputs at the end that have their own, in units of the input: their changes stand behind those of all outputs. */
  readonly free: readonly number[];
  /** Squared error that a bit is worth. */
  readonly price: number;
  /** Part of the energy of all results that a change by 1, measured by the weights, must be worth. */
  readonly ridge: number;
}

/** Solves for every output, at each of the exponents and at every order, and returns the best; undefined where none is worth its bits. */
export function solveInWholes(equations: NormalEquations, { exponents, free, price, ridge }: Terms): Solution | undefined {
  const { inputs, outputs } = equations;
  const { products, inverse } = equations.matrices(ridge * equations.energy);
  let best: Solution | undefined;
  for (const exponent of exponents) {
    for (const order of [0, 1, 2, 3, 4]) {
      const steps = Float64Array.from({ length: inputs }, (_, index) => free[index - (inputs - free.length)] ?? 2 ** -exponent);
      const main: number[] = [];
      const others: number[] = [];
      let worth = 7 * price;
      for (let output = 0; output < outputs; output++) {
        const results = equations.results(output);
        const changes = roundInTurn(inverse, results, steps, order, price);
        main.push(...changes.slice(0, inputs - free.length));
        others.push(...changes.slice(inputs - free.length));
        worth += errorOf(products, results, changes, steps) + price * changes.reduce((sum, change) => sum + bitsOfChange(change, order), 0);
      }
      if (worth < (best?.worth ?? 0)) best = { layer: { exponent, order, changes: [...main, ...others] }, worth };
    }
  }
  return best;
}

function roundInTurn(inverse: Float64Array, results: Float64Array, steps: Float64Array, order: number, price: number): number[] {
  const count = results.length;
  const left = inverse.slice();
  const values = new Float64Array(count);
  for (let i = 0; i < count; i++) for (let j = 0; j < count; j++) values[i] += inverse[i * count + j] * results[j];
  const most = largestChange(order);
  return Array.from({ length: count }, (_, index) => {
    const variance = left[index * count + index];
    const exact = values[index] / steps[index];
    let [change, least] = [0, Number.POSITIVE_INFINITY];
    for (const candidate of [0, Math.floor(exact), Math.ceil(exact)]) {
      if (Math.abs(candidate) > most) continue;
      const cost = (candidate * steps[index] - values[index]) ** 2 / variance + price * bitsOfChange(candidate, order);
      if (cost < least) [change, least] = [candidate, cost];
    }
    const shift = (change * steps[index] - values[index]) / variance;
    for (let j = index + 1; j < count; j++) values[j] += left[j * count + index] * shift;
    // What is left knows this number.
    for (let i = index + 1; i < count; i++) {
      const share = left[i * count + index] / variance;
      for (let j = index + 1; j < count; j++) left[i * count + j] -= share * left[index * count + j];
    }
    return change;
  });
}

/** Squared error with the changes, less that without. */
function errorOf(products: Float64Array, results: Float64Array, changes: readonly number[], steps: Float64Array): number {
  const count = results.length;
  let error = 0;
  for (let i = 0; i < count; i++) {
    const value = changes[i] * steps[i];
    if (value === 0) continue;
    error -= 2 * value * results[i];
    for (let j = 0; j < count; j++) error += value * products[i * count + j] * changes[j] * steps[j];
  }
  return error;
}
