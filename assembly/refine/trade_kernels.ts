/**
 * What a trade of one latent for a neighbouring whole number is judged by. Scalar twins of `trade_kernels_simd.ts`.
 *
 * READ ME FIRST
 * - Bits are no straight line around a whole number: near the mean they rise on both sides. So the change of a symbol's own bits is computed
 *   exactly, and only what it does to others comes from derivatives.
 * - A mass is a difference of two tails on the far side of the mean, where nothing cancels.
 */
import { unitsInUse } from "../codec";
import { FEATURES, at } from "../synthesis/kernels";
import { PROBABILITY_FLOOR } from "./context_kernels";
import { exponential, logarithm } from "./math";
import { SIGNS_BYTES } from "./scratch";
import { SLOPES, codecOf } from "./weights";

/** Probability beyond x of a Laplace distribution around 0. */
// @ts-ignore: decorator
@inline
function tail(x: f32, inverseScale: f32): f32 {
  const half = <f32>0.5 * exponential(-abs<f32>(x) * inverseScale);
  return x >= 0 ? half : <f32>1 - half;
}

/**
 * By how much a symbol's own bits change when it goes up or down by one, less what its derivative says of that.
 * @param laplace  2 rows of `stride` floats: the latents less their means, and the inverse of the scale (`lastLayer`)
 * @param own  derivatives of the bits by the latents (`lastLayer`)
 * @param up, down  rows of results; like `own` they are written in whole eights
 * @param from, to  the positions; `from` is a multiple of 8
 */
export function bendOfBits(laplace: usize, own: usize, up: usize, down: usize, stride: i32, from: i32, to: i32): void {
  const end = (to + 7) & ~7;
  for (let x = from; x < end; ++x) {
    const difference = at(laplace, x), inverseScale = at(laplace, stride + x);
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
 * How strongly the colours of each pixel follow each of its features: the squared derivative of the mixture of colours that follows it most.
 * @param signs  which units are shut at the pixels of the row (`pointwise`)
 * @param target  7 rows of results, `targetPlane` bytes apart, in whole eights
 */
export function colourSlopes(weights: usize, signs: usize, target: usize, targetPlane: usize, width: i32): void {
  const units = unitsInUse(codecOf(weights));
  const end = (width + 7) & ~7;
  for (let x = 0; x < end; ++x) {
    const shut = signs + <usize>(x >> 3) * SIGNS_BYTES;
    for (let feature = 0; feature < FEATURES; ++feature) {
      let slope: f32 = 0;
      for (let unit = 0; unit < units; ++unit) {
        if (((load<u8>(shut + unit) >> <u8>(x & 7)) & 1) == 0) slope += at(weights + SLOPES, unit * 8 + feature);
      }
      store<f32>(target + <usize>feature * targetPlane + (<usize>x << 2), slope * slope);
    }
  }
}
