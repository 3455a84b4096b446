/** Normal equations of linear least squares with several results for the same inputs. */

/** Sums over samples: what inputs have to do with each other, and with the results. */
export class NormalEquations {
  /** [inputs][inputs], only up to the diagonal. */
  readonly #products: Float64Array;
  /** [outputs][inputs] */
  readonly #results: Float64Array;
  /** Of the squares of all results. */
  energy = 0;
  samples = 0;

  constructor(
    readonly inputs: number,
    readonly outputs: number,
  ) {
    this.#products = new Float64Array(inputs * inputs);
    this.#results = new Float64Array(outputs * inputs);
  }

  /** Adds a sample. Inputs are often 0, and cost nothing then. */
  add(inputs: Float64Array, results: Float64Array): void {
    const { inputs: count, outputs } = this;
    const products = this.#products;
    for (let i = 0; i < count; i++) {
      const value = inputs[i];
      if (value === 0) continue;
      const row = i * count;
      for (let j = 0; j <= i; j++) products[row + j] += value * inputs[j];
      for (let output = 0; output < outputs; output++) this.#results[output * count + i] += value * results[output];
    }
    for (let output = 0; output < outputs; output++) this.energy += results[output] ** 2;
    this.samples++;
  }

  /** Adds the samples of other equations. */
  include(others: NormalEquations): void {
    others.#products.forEach((value, index) => {
      this.#products[index] += value;
    });
    others.#results.forEach((value, index) => {
      this.#results[index] += value;
    });
    this.energy += others.energy;
    this.samples += others.samples;
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
