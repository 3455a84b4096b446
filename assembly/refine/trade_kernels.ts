/**
 * What a trade of one latent for a neighbouring whole number is judged by. Scalar twins of `trade_kernels_simd.ts`.
 *
 * READ ME FIRST
 * - Bits are no straight line around a whole number: near the mean they rise on both sides. So the change of a symbol's own bits is computed
 *   exactly, and only what it does to others comes from derivatives.
 * - A mass is a difference of two tails on the far side of the mean, where nothing cancels.
 */
import { SYNTHESIS_B1, SYNTHESIS_W1, unitsInUse } from "../codec";
import { FEATURES, at } from "../synthesis/kernels";
import { HIGHEST_LOG_SCALE, LOWEST_LOG_SCALE, PROBABILITY_FLOOR } from "./context_kernels";
import { exponential, logarithm } from "./math";
import { COLUMNS, LAST, LAST_BIASES, codecOf } from "./weights";

const LARGEST_MEAN: f32 = 127;

/** Probability beyond x of a Laplace distribution around 0. */
// @ts-ignore: decorator
@inline
function tail(x: f32, inverseScale: f32): f32 {
  const half = <f32>0.5 * exponential(-abs<f32>(x) * inverseScale);
  return x >= 0 ? half : <f32>1 - half;
}

/**
 * By how much a symbol's own bits change when it goes up or down by one, less what its derivative says of that.
 * @param hidden  16 rows of `stride` floats: the second hidden layer
 * @param symbols  the latents, whole numbers
 * @param offset  added to the log-scale
 * @param own  derivatives of the bits by the latents (`lastLayer`)
 * @param up, down  rows of results; like `own` they are written in whole eights
 * @param from, to  the positions; `from` is a multiple of 8
 */
export function bendOfBits(weights: usize, hidden: usize, symbols: usize, offset: f32, own: usize, up: usize, down: usize, stride: i32, from: i32, to: i32): void {
  const end = (to + 7) & ~7;
  for (let x = from; x < end; ++x) {
    let mean = at(weights + LAST_BIASES, 0);
    let logScale = at(weights + LAST_BIASES, 1) + offset;
    for (let input = 0; input < 16; ++input) {
      const value = at(hidden, input * stride + x);
      mean += at(weights + LAST, input) * value;
      logScale += at(weights + LAST, 16 + input) * value;
    }
    const inverseScale = exponential(-min<f32>(max<f32>(logScale, LOWEST_LOG_SCALE), HIGHEST_LOG_SCALE));
    const difference = at(symbols, x) - min<f32>(max<f32>(mean, -LARGEST_MEAN), LARGEST_MEAN);
    const distance = abs<f32>(difference);
    const first = tail(distance - <f32>1.5, inverseScale), second = tail(distance - <f32>0.5, inverseScale);
    const third = tail(distance + <f32>0.5, inverseScale), fourth = tail(distance + <f32>1.5, inverseScale);
    const bits = logarithm(second - third + PROBABILITY_FLOOR);
    const nearer = bits - logarithm(first - second + PROBABILITY_FLOOR);
    const further = bits - logarithm(third - fourth + PROBABILITY_FLOOR);
    const slope = at(own, x);
    store<f32>(up + (<usize>x << 2), (difference >= 0 ? further : nearer) - slope);
    store<f32>(down + (<usize>x << 2), (difference >= 0 ? nearer : further) + slope);
  }
}

/**
 * How strongly the colours of each pixel follow each of its features: the sum over the colours of the squared derivative.
 * @param features  7 planes, `plane` bytes apart
 * @param masks  scratch: 48 × 8 floats
 * @param target  7 rows of results, `targetPlane` bytes apart, in whole eights
 */
export function colourSlopes(weights: usize, features: usize, plane: usize, masks: usize, target: usize, targetPlane: usize, width: i32): void {
  const codec = codecOf(weights);
  const units = unitsInUse(codec);
  const end = (width + 7) & ~7;
  for (let x = 0; x < end; ++x) {
    const pixel = <usize>x << 2;
    for (let unit = 0; unit < units; ++unit) {
      let hidden = at(codec + SYNTHESIS_B1, unit);
      for (let feature = 0; feature < FEATURES; ++feature) {
        hidden += at(codec + SYNTHESIS_W1, unit * FEATURES + feature) * load<f32>(features + <usize>feature * plane + pixel);
      }
      store<u32>(masks + (<usize>unit << 5), hidden > 0 ? 1 : 0);
    }
    for (let feature = 0; feature < FEATURES; ++feature) {
      let squares: f32 = 0;
      for (let colour = 0; colour < 3; ++colour) {
        let slope: f32 = 0;
        for (let unit = 0; unit < units; ++unit) {
          if (load<u32>(masks + (<usize>unit << 5)) != 0) slope += at(weights + COLUMNS, (colour * 48 + unit) * 8 + feature);
        }
        squares += slope * slope;
      }
      store<f32>(target + <usize>feature * targetPlane + pixel, squares);
    }
  }
}
