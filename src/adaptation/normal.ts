/** Normal equations of linear least squares with several results for the same inputs. */

/** Of every input, by output. */
export type Factors = readonly Float64Array[];

/** The sum of several, of which there is one at least. */
export function sumOf(all: readonly NormalEquations[]): NormalEquations {
  const sum = new NormalEquations(all[0].inputs, all[0].outputs);
  for (const one of all) sum.include(one);
  return sum;
}

/** What inputs have to do with each other, and with the results. */
export class NormalEquations {
  /** [inputs][inputs], only up to the diagonal. */
  readonly #products: Float64Array;
  /** [outputs][inputs] */
  readonly #results: Float64Array;
  /** Of the squares of all results. */
  energy = 0;

  /**
   * @param sums - products row after row up to the diagonal, those with each of the results, energy; four parts of each. Without them all is 0
   * @param weight - how much each counts
   */
  constructor(
    readonly inputs: number,
    readonly outputs: number,
    sums?: Float32Array,
    weight = 1,
  ) {
    this.#products = new Float64Array(inputs * inputs);
    this.#results = new Float64Array(outputs * inputs);
    if (sums === undefined) return;
    let at = 0;
    const next = (): number => weight * (sums[at++] + sums[at++] + sums[at++] + sums[at++]);
    for (let i = 0; i < inputs; i++) for (let j = 0; j <= i; j++) this.#products[i * inputs + j] = next();
    for (let index = 0; index < this.#results.length; index++) this.#results[index] = next();
    this.energy = next();
  }

  /** Adds other equations, `weight` times. */
  include(others: NormalEquations, weight = 1): void {
    for (let index = 0; index < this.#products.length; index++) this.#products[index] += weight * others.#products[index];
    for (let index = 0; index < this.#results.length; index++) this.#results[index] += weight * others.#results[index];
    this.energy += weight * others.energy;
  }

  /** The same inputs, and what these factors leave of the results. */
  after(factors: Factors): NormalEquations {
    const rest = new NormalEquations(this.inputs, this.outputs);
    rest.include(this);
    for (const [output, ofOutput] of factors.entries()) {
      const results = rest.results(output);
      const explained = this.#times(ofOutput);
      for (let input = 0; input < this.inputs; input++) results[input] -= explained[input];
    }
    rest.energy = this.errorOf(factors);
    return rest;
  }

  /** Squared error that these factors leave. */
  errorOf(factors: Factors): number {
    const { inputs: count } = this;
    const products = this.#products;
    let error = this.energy;
    for (const [output, ofOutput] of factors.entries()) {
      for (let i = 0; i < count; i++) {
        let sum = 0.5 * products[i * count + i] * ofOutput[i] - this.#results[output * count + i];
        for (let j = 0; j < i; j++) sum += products[i * count + j] * ofOutput[j];
        error += 2 * ofOutput[i] * sum;
      }
    }
    return error;
  }

  /** The matrix of products times a vector. */
  #times(vector: Float64Array): Float64Array {
    const { inputs: count } = this;
    const products = this.#products;
    const out = new Float64Array(count);
    for (let i = 0; i < count; i++) {
      const row = i * count;
      const factor = vector[i];
      let sum = products[row + i] * factor;
      for (let j = 0; j < i; j++) {
        const value = products[row + j];
        sum += value * vector[j];
        out[j] += value * factor;
      }
      out[i] += sum;
    }
    return out;
  }

  /** The factors that leave the least squared error. @param ridge - as in `solver` */
  solve(ridge: number): Factors {
    const { inputs: count } = this;
    // Cholesky: products = lower · its transpose.
    const lower = this.#products.slice();
    for (let i = 0; i < count; i++) {
      const row = i * count;
      for (let j = 0; j <= i; j++) {
        const other = j * count;
        let value = lower[row + j] + (i === j ? ridge : 0);
        for (let k = 0; k < j; k++) value -= lower[row + k] * lower[other + k];
        lower[row + j] = i === j ? Math.sqrt(value) : value / lower[other + j];
      }
    }
    return Array.from({ length: this.outputs }, (_, output) => {
      const values = this.results(output).slice();
      for (let i = 0; i < count; i++) {
        for (let k = 0; k < i; k++) values[i] -= lower[i * count + k] * values[k];
        values[i] /= lower[i * count + i];
      }
      for (let i = count - 1; i >= 0; i--) {
        for (let k = i + 1; k < count; k++) values[i] -= lower[k * count + i] * values[k];
        values[i] /= lower[i * count + i];
      }
      return values;
    });
  }

  /** What inputs have to do with one result. */
  results(output: number): Float64Array {
    return this.#results.subarray(output * this.inputs, (output + 1) * this.inputs);
  }

  /**
   * The symmetric matrix of products, and what it says about settling one input after the other.
   *
   * @param ridge - added to the diagonal, above 0: an input that was hardly seen must not get a large factor
   */
  solver(ridge: number): Solver {
    const { inputs: count } = this;
    const products = this.#products.slice();
    for (let i = 0; i < count; i++) {
      products[i * count + i] += ridge;
      for (let j = 0; j < i; j++) products[j * count + i] = products[i * count + j];
    }
    const inverse = inverseOf(products, count);
    return { products, inverse, conditional: conditionals(inverse, count) };
  }
}

/** [inputs][inputs] each. */
export interface Solver {
  readonly products: Float64Array;
  readonly inverse: Float64Array;
  /** Row i from its diagonal on: what is left of row i of the inverse when the inputs before i are settled. */
  readonly conditional: Float64Array;
}

/** Settles one input after the other: those behind it know it then. */
function conditionals(inverse: Float64Array, count: number): Float64Array {
  const left = inverse.slice();
  for (let settled = 0; settled < count; settled++) {
    const row = left.subarray(settled * count, (settled + 1) * count);
    for (let i = settled + 1; i < count; i++) {
      const share = row[i] / row[settled];
      for (let j = settled + 1; j < count; j++) left[i * count + j] -= share * row[j];
    }
  }
  return left;
}

/** Inverse of a symmetric positive definite matrix by elimination, which then needs no pivoting. */
export function inverseOf(matrix: Float64Array, count: number): Float64Array {
  const left = matrix.slice();
  const right = new Float64Array(count * count);
  for (let i = 0; i < count; i++) right[i * count + i] = 1;
  for (let pivot = 0; pivot < count; pivot++) {
    const factor = 1 / left[pivot * count + pivot];
    for (let j = 0; j < count; j++) {
      left[pivot * count + j] *= factor;
      right[pivot * count + j] *= factor;
    }
    for (let i = 0; i < count; i++) {
      const share = left[i * count + pivot];
      if (i === pivot || share === 0) continue;
      for (let j = 0; j < count; j++) {
        left[i * count + j] -= share * left[pivot * count + j];
        right[i * count + j] -= share * right[pivot * count + j];
      }
    }
  }
  return right;
}
