/**
 * Layers of the synthesis backwards, SIMD twins of `pixel_kernels.ts` with the same bits.
 *
 * READ ME FIRST
 * - Lanes are neighbouring pixels of a row; rows are computed in whole vectors, up to 7 results beyond the width.
 * - Signs of neighbours are much alike: a third of the units or more are shut at all of eight pixels, and left out there.
 */
import { SYNTHESIS_W2, unitsInUse } from "../codec";
import { SIGNS_BYTES } from "./scratch";
import { openLanes, shutPixels } from "./signs";
import { FEATURE_WEIGHTS, codecOf } from "./weights";
import { SUMS, convolve } from "./float_layers_simd";

/** From the weights of the hidden units in red to those in green, from those to blue (codec.ts). */
const HIDDEN_BYTES: usize = 192;

// @ts-ignore: decorator
@inline
function splat(address: usize, index: i32): v128 {
  return v128.load32_splat(address + (index << 2));
}

// @ts-ignore: decorator
@inline
function row(address: usize, index: i32): v128 {
  return v128.load(address + (index << 2));
}

// @ts-ignore: decorator
@inline
function times(a: v128, b: v128): v128 {
  return f32x4.mul(a, b);
}

// @ts-ignore: decorator
@inline
function plus(a: v128, b: v128): v128 {
  return f32x4.add(a, b);
}

// @ts-ignore: decorator
@inline
function evens(a: v128, b: v128): v128 {
  return v128.shuffle<i32>(a, b, 0, 2, 4, 6);
}

// @ts-ignore: decorator
@inline
function odds(a: v128, b: v128): v128 {
  return v128.shuffle<i32>(a, b, 1, 3, 5, 7);
}

/** See `pixel_kernels.ts`. */
export function halveAlongX(source: usize, target: usize, sourceStride: i32, targetStride: i32, width: i32, rows: i32, kernel: usize): void {
  const k0 = splat(kernel, 0), k1 = splat(kernel, 1), k2 = splat(kernel, 2), k3 = splat(kernel, 3);
  for (let y = 0; y < rows; ++y) {
    for (let x = 0; x < width; x += 4) {
      const a = source + (<usize>x << 3);
      // Pairs of inputs −6…1, −4…3, −2…5 and 0…7 ahead: their even and odd parts are the four taps of each phase.
      const first = row(a, -6), second = row(a, -4), third = row(a, -2), fourth = row(a, 0);
      const firstEnd = row(a, -2), secondEnd = row(a, 0), thirdEnd = row(a, 2), fourthEnd = row(a, 4);
      let even = plus(times(k3, evens(third, thirdEnd)), times(k2, evens(second, secondEnd)));
      even = plus(plus(even, times(k1, evens(fourth, fourthEnd))), times(k0, evens(first, firstEnd)));
      let odd = plus(times(k3, odds(second, secondEnd)), times(k2, odds(third, thirdEnd)));
      odd = plus(plus(odd, times(k1, odds(first, firstEnd))), times(k0, odds(fourth, fourthEnd)));
      v128.store(target + (<usize>x << 2), plus(even, odd));
    }
    source += <usize>sourceStride << 2;
    target += <usize>targetStride << 2;
  }
}

/** See `pixel_kernels.ts`. */
export function halveAlongY(source: usize, target: usize, stride: i32, width: i32, rows: i32, kernel: usize): void {
  const k0 = splat(kernel, 0), k1 = splat(kernel, 1), k2 = splat(kernel, 2), k3 = splat(kernel, 3);
  for (let y = 0; y < rows; ++y) {
    for (let x = 0; x < width; x += 4) {
      const a = source + (<usize>x << 2);
      let even = plus(times(k3, row(a, -2 * stride)), times(k2, row(a, -4 * stride)));
      even = plus(plus(even, times(k1, row(a, 0))), times(k0, row(a, -6 * stride)));
      let odd = plus(times(k3, row(a, -3 * stride)), times(k2, row(a, -stride)));
      odd = plus(plus(odd, times(k1, row(a, -5 * stride))), times(k0, row(a, stride)));
      v128.store(target + (<usize>x << 2), plus(even, odd));
    }
    source += <usize>stride << 3;
    target += <usize>stride << 2;
  }
}

/** Four levels of one channel, from 0 to 1. */
// @ts-ignore: decorator
@inline
function levels(rgba: v128, shift: i32): v128 {
  const bytes = v128.and(i32x4.shr_u(rgba, shift), i32x4.splat(255));
  return times(f32x4.convert_i32x4_s(bytes), f32x4.splat(<f32>(1.0 / 255.0)));
}

/** See `pixel_kernels.ts`. Reads up to 7 pixels beyond the width. */
export function residualError(
  weights: usize, biases: usize, source: usize, plane: usize, stride: i32, width: i32, rows: i32,
  pixels: usize, pixelStride: usize, scale: f32, out: usize,
): void {
  const factor = f32x4.splat(scale);
  for (let y = 0; y < rows; ++y) {
    for (let x = 0; x < width; x += 8) {
      const pixel = (<usize>(y * stride) + <usize>x) << 2;
      convolve(weights, biases, source + pixel, plane, <usize>stride << 2);
      const target = out + pixel;
      const left = v128.load(pixels + (<usize>x << 2)), right = v128.load(pixels + (<usize>x << 2), 16);
      v128.store(target, times(f32x4.sub(v128.load(SUMS), levels(left, 0)), factor));
      v128.store(target, times(f32x4.sub(v128.load(SUMS, 16), levels(right, 0)), factor), 16);
      v128.store(target + plane, times(f32x4.sub(v128.load(SUMS, 32), levels(left, 8)), factor));
      v128.store(target + plane, times(f32x4.sub(v128.load(SUMS, 48), levels(right, 8)), factor), 16);
      v128.store(target + 2 * plane, times(f32x4.sub(v128.load(SUMS, 64), levels(left, 16)), factor));
      v128.store(target + 2 * plane, times(f32x4.sub(v128.load(SUMS, 80), levels(right, 16)), factor), 16);
    }
    pixels += pixelStride;
  }
}

// @ts-ignore: decorator
@inline
function storeGated(target: usize, gate: usize, value: v128): void {
  v128.store(target, v128.and(value, f32x4.gt(v128.load(gate), f32x4.splat(0))));
}

/** See `pixel_kernels.ts`. */
export function residualGated(weights: usize, source: usize, gate: usize, target: usize, zeros: usize, plane: usize, stride: i32, width: i32, rows: i32): void {
  for (let y = 0; y < rows; ++y) {
    for (let x = 0; x < width; x += 8) {
      const pixel = (<usize>(y * stride) + <usize>x) << 2;
      convolve(weights, zeros, source + pixel, plane, <usize>stride << 2);
      let out = target + pixel;
      let open = gate + pixel;
      for (let sums = SUMS; sums < SUMS + 96; sums += 32) {
        storeGated(out, open, v128.load(sums));
        storeGated(out + 16, open + 16, v128.load(sums, 16));
        out += plane;
        open += plane;
      }
    }
  }
}

/** See `pixel_kernels.ts`. */
export function residualPlain(weights: usize, source: usize, target: usize, zeros: usize, plane: usize, stride: i32, width: i32, rows: i32): void {
  for (let y = 0; y < rows; ++y) {
    for (let x = 0; x < width; x += 8) {
      const pixel = (<usize>(y * stride) + <usize>x) << 2;
      convolve(weights, zeros, source + pixel, plane, <usize>stride << 2);
      let out = target + pixel;
      for (let sums = SUMS; sums < SUMS + 96; sums += 32) {
        v128.store(out, v128.load(sums));
        v128.store(out, v128.load(sums, 16), 16);
        out += plane;
      }
    }
  }
}

/** From a unit to the next in the list of `listUnits`: derivatives by its sum at eight pixels, then where its weights are. */
const UNIT_BYTES: usize = 48;

/** Lists the hidden units that are not shut at all of eight pixels. @returns the end of the list */
// @ts-ignore: decorator
@inline
function listUnits(codec: usize, signs: usize, colours: usize, plane: usize, units: usize): usize {
  const count = <usize>unitsInUse(codec);
  const red = colours, green = colours + plane, blue = colours + 2 * plane;
  const leftRed = v128.load(red), rightRed = v128.load(red, 16);
  const leftGreen = v128.load(green), rightGreen = v128.load(green, 16);
  const leftBlue = v128.load(blue), rightBlue = v128.load(blue, 16);
  for (let unit: usize = 0; unit < count; ++unit) {
    if (load<u8>(signs + unit) == 255) continue;
    const shut = shutPixels(signs, unit);
    const mix = codec + SYNTHESIS_W2 + (unit << 2);
    let weight = v128.load32_splat(mix);
    let left = times(weight, leftRed), right = times(weight, rightRed);
    weight = v128.load32_splat(mix, HIDDEN_BYTES);
    left = plus(left, times(weight, leftGreen));
    right = plus(right, times(weight, rightGreen));
    weight = v128.load32_splat(mix, 2 * HIDDEN_BYTES);
    left = plus(left, times(weight, leftBlue));
    right = plus(right, times(weight, rightBlue));
    v128.store(units, v128.and(left, openLanes(shut, i32x4(1, 2, 4, 8))));
    v128.store(units, v128.and(right, openLanes(shut, i32x4(16, 32, 64, 128))), 16);
    store<u32>(units, <u32>(unit << 4), 32);
    units += UNIT_BYTES;
  }
  return units;
}

/** See `pixel_kernels.ts`. */
export function pointwiseBack(
  weights: usize, signs: usize, colours: usize, plane: usize, stride: i32,
  target: usize, targetPlane: usize, targetStride: i32, units: usize, width: i32, rows: i32,
): void {
  const codec = codecOf(weights);
  const zero = f32x4.splat(0);
  for (let y = 0; y < rows; ++y) {
    for (let x = 0; x < width; x += 8) {
      const pixel = (<usize>(y * stride) + <usize>x) << 2;
      const end = listUnits(codec, signs, colours + pixel, plane, units);
      signs += SIGNS_BYTES;
      let out = target + (<usize>(y * targetStride + x) << 2);
      for (let half: usize = 0; half < 2; ++half) {
        const group = weights + FEATURE_WEIGHTS + half * 4 * HIDDEN_BYTES;
        let a0 = zero, a1 = zero, b0 = zero, b1 = zero, c0 = zero, c1 = zero, d0 = zero, d1 = zero;
        for (let unit = units; unit < end; unit += UNIT_BYTES) {
          const left = v128.load(unit), right = v128.load(unit, 16);
          const weight = group + <usize>load<u32>(unit, 32);
          let factor = v128.load32_splat(weight);
          a0 = plus(a0, times(factor, left));
          a1 = plus(a1, times(factor, right));
          factor = v128.load32_splat(weight, 4);
          b0 = plus(b0, times(factor, left));
          b1 = plus(b1, times(factor, right));
          factor = v128.load32_splat(weight, 8);
          c0 = plus(c0, times(factor, left));
          c1 = plus(c1, times(factor, right));
          factor = v128.load32_splat(weight, 12);
          d0 = plus(d0, times(factor, left));
          d1 = plus(d1, times(factor, right));
        }
        v128.store(out, a0);
        v128.store(out, a1, 16);
        out += targetPlane;
        v128.store(out, b0);
        v128.store(out, b1, 16);
        out += targetPlane;
        v128.store(out, c0);
        v128.store(out, c1, 16);
        out += targetPlane;
        // There is no eighth feature.
        if (half == 0) {
          v128.store(out, d0);
          v128.store(out, d1, 16);
          out += targetPlane;
        }
      }
    }
  }
}
