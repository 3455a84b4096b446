/**
 * Whole numbers for the solution of a least-squares problem, with the bits that they cost.
 *
 * One number after the other is settled, and those that are left make good what its rounding did: the inverse of the products says how
 * (Hassibi and Stork 1993, optimal brain surgeon). Of the whole numbers beside the best value and 0 it becomes the one with the least
 * squared error + price · bits.
 */

import type { Factors, NormalEquations, Solver } from './normal.js';
import { bitsOfChange, type LayerChanges, largestChange } from './section.js';

/** Orders of Exp-Golomb codes to choose from; changes that want a larger one are better off with another exponent. */
const orders = [0, 1, 2, 3, 4];
/** Exponent and order. */
const headBits = 7;

/** A layer's changes, and what they should do to squared error + price · bits. Below 0 it is a gain. */
export interface Solution {
  readonly layer: LayerChanges;
  readonly worth: number;
  /** What they should do to the squared error alone. */
  readonly error: number;
  /** What the changes multiply the inputs by. */
  readonly factors: Factors;
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
  const solver = equations.solver(ridge * equations.energy);
  const bound = inputs - free.length;
  const wanted = Array.from({ length: outputs }, (_, output) => product(solver.inverse, equations.results(output)));
  let best: Solution | undefined;
  for (const exponent of exponents) {
    const steps = Float64Array.from({ length: inputs }, (_, index) => free[index - bound] ?? 2 ** -exponent);
    for (const order of orders) {
      const solved = wanted.map((values) => roundInTurn(solver, values, steps, order, price));
      const bits = solved.flat().reduce((sum, change) => sum + bitsOfChange(change, order), headBits);
      const error = solved.reduce((sum, changes, output) => sum + errorOf(solver, equations.results(output), changes, steps), 0);
      const worth = error + price * bits;
      if (worth >= (best?.worth ?? 0)) continue;
      const changes = [...solved.flatMap((all) => all.slice(0, bound)), ...solved.flatMap((all) => all.slice(bound))];
      const factors = solved.map((values) => steps.map((step, index) => step * values[index]));
      best = { layer: { exponent, order, changes }, worth, error, factors };
    }
  }
  return best;
}

function product(matrix: Float64Array, vector: Float64Array): Float64Array {
  const count = vector.length;
  return vector.map((_, i) => vector.reduce((sum, value, j) => sum + matrix[i * count + j] * value, 0));
}

/** @param wanted - the best values before rounding */
function roundInTurn({ conditional }: Solver, wanted: Float64Array, steps: Float64Array, order: number, price: number): number[] {
  const count = wanted.length;
  const values = wanted.slice();
  const most = largestChange(order);
  const changes: number[] = [];
  for (let index = 0; index < count; index++) {
    const row = index * count + index;
    const [value, step] = [values[index], steps[index]];
    const exact = value / step;
    let change = 0;
    let least = value ** 2 / conditional[row] + price * bitsOfChange(0, order);
    for (let candidate = Math.floor(exact); candidate <= Math.ceil(exact); candidate++) {
      if (candidate === 0 || Math.abs(candidate) > most) continue;
      const cost = (candidate * step - value) ** 2 / conditional[row] + price * bitsOfChange(candidate, order);
      if (cost < least) [change, least] = [candidate, cost];
    }
    changes.push(change);
    const shift = (change * step - value) / conditional[row];
    for (let j = 1; j < count - index; j++) values[index + j] += conditional[row + j] * shift;
  }
  return changes;
}

/** Squared error with the changes, less that without. */
function errorOf({ products }: Solver, results: Float64Array, changes: readonly number[], steps: Float64Array): number {
  const count = results.length;
  const factors = steps.map((step, index) => step * changes[index]);
  let error = 0;
  for (let i = 0; i < count; i++) {
    const factor = factors[i];
    if (factor === 0) continue;
    let sum = factor * products[i * count + i] - 2 * results[i];
    // Twice, for the other half of the matrix.
    for (let j = 0; j < i; j++) sum += 2 * products[i * count + j] * factors[j];
    error += factor * sum;
  }
  return error;
}
