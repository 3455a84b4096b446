/**
 * The context model in f32 for a row of positions, forwards and backwards. Scalar twins of `context_kernels_simd.ts`.
 *
 * READ ME FIRST
 * - Activations are rows: value i of position x is `stride` floats · i + x behind the row's start. The 16 taps of a row of positions
 *   are 16 shifted rows of the context window, so nothing is gathered: `inputs` is a table of 16 row addresses.
 * - Weights of a dense layer are [outputs / 4][input][output mod 4] (`weights.ts`).
 */
import { LAST, LAST_BIASES } from "./weights";
import { exponential } from "./math";

/** What `dense` does with a sum: max(sum, 0); the sum where `gate` is above 0, else 0; the sum. */
export const RELU: i32 = 0;
export const GATED: i32 = 1;
export const PLAIN: i32 = 2;

const LARGEST_MEAN: f32 = 127;
export const LOWEST_LOG_SCALE: f32 = -3;
export const HIGHEST_LOG_SCALE: f32 = 5;
export const PROBABILITY_FLOOR: f32 = 1.0 / 32768.0;
/** 1 / (2 ln 2) */
export const HALF_LOG2_E: f32 = 0.721347520;

// @ts-ignore: decorator
@inline
function at(address: usize, index: i32): f32 {
  return load<f32>(address + (<usize>index << 2));
}

/** Sixteen outputs of sixteen inputs at the positions from…to−1. `gate` has the layout of `outputs`. */
export function dense(kind: i32, inputs: usize, weights: usize, biases: usize, outputs: usize, gate: usize, stride: i32, from: i32, to: i32): void {
  for (let output = 0; output < 16; ++output) {
    const column = weights + (<usize>((output >> 2) * 64 + (output & 3)) << 2);
    const shift = <usize>(output * stride) << 2;
    for (let x = from; x < to; ++x) {
      let sum = at(biases, output);
      for (let input = 0; input < 16; ++input) sum += at(column, 4 * input) * at(<usize>load<u32>(inputs + (<usize>input << 2)), x);
      if (kind == RELU) sum = max<f32>(sum, 0);
      else if (kind == GATED && !(at(gate + shift, x) > 0)) sum = 0;
      store<f32>(outputs + shift + (<usize>x << 2), sum);
    }
  }
}

/**
 * The last layer, the code length of a Laplace distribution, and the way back to the sums of the second hidden layer.
 *
 * near = exp(−|d − ½| / b) and far = exp(−(d + ½) / b), with d the distance from the mean and b the scale, give the mass of the symbol;
 * inside and outside the central bin it has different forms, but the same derivatives by d and ln b.
 *
 * @param hidden  16 rows of `stride` floats
 * @param symbols  the latents
 * @param offset  added to the log-scale
 * @param gradients  16 rows: derivative of the bits by each sum; 0 from `count`, the end of the row, on
 * @param from, to  the positions; `from` is a multiple of 8, and results reach up to the next multiple behind `to`
 * @param own  derivative of the bits by the latent itself
 * @param laplace  2 rows: the latents less their means, and the inverse of the scale
 */
export function lastLayer(weights: usize, hidden: usize, symbols: usize, offset: f32, gradients: usize, own: usize, laplace: usize, stride: i32, from: i32, to: i32, count: i32): void {
  const last = weights + LAST;
  const biases = weights + LAST_BIASES;
  const end = (to + 7) & ~7;
  for (let x = from; x < end; ++x) {
    let mean = at(biases, 0);
    let logScale = at(biases, 1) + offset;
    for (let input = 0; input < 16; ++input) {
      const value = at(hidden, input * stride + x);
      mean += at(last, input) * value;
      logScale += at(last, 16 + input) * value;
    }
    const inverseScale = exponential(-min<f32>(max<f32>(logScale, LOWEST_LOG_SCALE), HIGHEST_LOG_SCALE));
    const difference = at(symbols, x) - min<f32>(max<f32>(mean, -LARGEST_MEAN), LARGEST_MEAN);
    const distance = abs<f32>(difference);
    const inner = distance - <f32>0.5;
    const outer = distance + <f32>0.5;
    const near = exponential(-abs<f32>(inner) * inverseScale);
    const far = exponential(-outer * inverseScale);
    const mass = distance >= <f32>0.5 ? <f32>0.5 * (near - far) : <f32>1 - <f32>0.5 * (near + far);
    const common = HALF_LOG2_E * inverseScale / (mass + PROBABILITY_FLOOR);
    let byMean = copysign<f32>(1, difference) * ((far - near) * common);
    let byScale = (outer * far - inner * near) * common;
    // Outside the range only a gradient that leads back inside counts.
    if ((logScale < LOWEST_LOG_SCALE && byScale > 0) || (logScale > HIGHEST_LOG_SCALE && byScale < 0)) byScale = 0;
    if (x >= count) {
      byMean = 0;
      byScale = 0;
    }
    store<f32>(own + (<usize>x << 2), -byMean);
    store<f32>(laplace + (<usize>x << 2), difference);
    store<f32>(laplace + (<usize>(stride + x) << 2), inverseScale);
    for (let input = 0; input < 16; ++input) {
      const gradient = at(last, input) * byMean + at(last, 16 + input) * byScale;
      store<f32>(gradients + (<usize>(input * stride + x) << 2), at(hidden, input * stride + x) > 0 ? gradient : 0);
    }
  }
}

/**
 * Adds the gradients of one row's taps to the gradient of the context window.
 * @param taps  16 rows, `tapStride` floats apart, with zeros on both sides
 * @param target  the window at the row's first position, rows `targetStride` floats apart
 */
export function addTaps(taps: usize, tapStride: i32, target: usize, targetStride: i32, count: i32): void {
  for (let x = -3; x < count + 2; ++x) {
    // One sum for each row of the window, in the order of the taps.
    addTo(target, x - 3 * targetStride, tapAt(taps, tapStride, 0, x) + tapAt(taps, tapStride, 1, x - 1));
    addTo(target, x - 2 * targetStride, tapAt(taps, tapStride, 2, x + 2) + tapAt(taps, tapStride, 3, x + 1) + tapAt(taps, tapStride, 4, x) +
      tapAt(taps, tapStride, 5, x - 1) + tapAt(taps, tapStride, 6, x - 2));
    addTo(target, x - targetStride, tapAt(taps, tapStride, 7, x + 3) + tapAt(taps, tapStride, 8, x + 2) + tapAt(taps, tapStride, 9, x + 1) +
      tapAt(taps, tapStride, 10, x) + tapAt(taps, tapStride, 11, x - 1) + tapAt(taps, tapStride, 12, x - 2));
    addTo(target, x, tapAt(taps, tapStride, 13, x + 3) + tapAt(taps, tapStride, 14, x + 2) + tapAt(taps, tapStride, 15, x + 1));
  }
}

// @ts-ignore: decorator
@inline
function tapAt(taps: usize, stride: i32, tap: i32, x: i32): f32 {
  return load<f32>(taps + ((tap * stride + x) << 2));
}

// @ts-ignore: decorator
@inline
function addTo(target: usize, index: i32, value: f32): void {
  store<f32>(target + (index << 2), load<f32>(target + (index << 2)) + value);
}
