/**
 * The kernels of reduced pictures, SIMD twins of `preview_kernels.ts` with the same bits.
 *
 * READ ME FIRST
 * - Lanes are neighbouring pixels of a row; up to 3 results beyond the width are written into the slack of the planes.
 * - `moments` sums integers, in any order.
 */
import { HIDDEN, SYNTHESIS_B1, SYNTHESIS_B2, SYNTHESIS_TRANSPOSED, SYNTHESIS_W2, unitsInUse } from "../codec";
import { TAPS } from "../memory";
import { FEATURES } from "./kernels";
import * as scalarKernels from "./preview_kernels";
import { SPREAD, flattenLayers, storeMoments } from "./preview_kernels";
import { pixelsOf, plus, positive, splat, storePixels, times } from "./vectors";

/** See `preview_kernels.ts`. */
export function moments(source: usize, width: i32, shift: i32, rows: i32, columns: i32, count: i32, means: usize, variances: usize, gainOfMean: f32, gainOfVariance: f32): void {
  // Eight latents at a time: four squares of side 2, two of side 4, one of side 8.
  const perVector = 8 >> shift;
  const whole = min(count, columns >> shift) / perVector * perVector;
  const ones = i16x8.splat(1);
  const size = rows << shift;
  for (let x = 0; x < whole; x += perVector) {
    let sums = i32x4.splat(0), squares = sums;
    let row = source + (<usize>x << shift << 1);
    for (let y = 0; y < rows; ++y) {
      const latents = v128.load(row);
      sums = i32x4.add(sums, i32x4.dot_i16x8_s(latents, ones));
      squares = i32x4.add(squares, i32x4.dot_i16x8_s(latents, latents));
      row += <usize>width << 1;
    }
    if (shift > 1) {
      sums = i32x4.add(sums, v128.shuffle<i32>(sums, sums, 1, 0, 3, 2));
      squares = i32x4.add(squares, v128.shuffle<i32>(squares, squares, 1, 0, 3, 2));
    }
    const mean = means + (<usize>x << 2), variance = variances + (<usize>x << 2);
    if (shift == 3) {
      const sum = i32x4.extract_lane(sums, 0) + i32x4.extract_lane(sums, 2);
      storeMoments(sum, i32x4.extract_lane(squares, 0) + i32x4.extract_lane(squares, 2), size, mean, variance, gainOfMean, gainOfVariance);
    } else if (shift == 2) {
      storeMoments(i32x4.extract_lane(sums, 0), i32x4.extract_lane(squares, 0), size, mean, variance, gainOfMean, gainOfVariance);
      storeMoments(i32x4.extract_lane(sums, 2), i32x4.extract_lane(squares, 2), size, mean + 4, variance + 4, gainOfMean, gainOfVariance);
    } else {
      const average = f32x4.div(f32x4.convert_i32x4_s(sums), f32x4.splat(<f32>size));
      const square = f32x4.div(f32x4.convert_i32x4_s(squares), f32x4.splat(<f32>size));
      v128.store(mean, times(average, f32x4.splat(gainOfMean)));
      v128.store(variance, times(positive(f32x4.sub(square, times(average, average))), f32x4.splat(gainOfVariance)));
    }
  }
  if (whole < count) {
    const done = <usize>whole << 2;
    const rest = columns - (whole << shift);
    scalarKernels.moments(
      source + (<usize>whole << shift << 1), width, shift, rows, rest, count - whole, means + done, variances + done, gainOfMean, gainOfVariance,
    );
  }
}

/** The mean of the ReLU of a unit. */
// @ts-ignore: decorator
@inline
function expected(hidden: v128, variance: v128): v128 {
  const root = f32x4.sqrt(plus(times(hidden, hidden), times(f32x4.splat(SPREAD), variance)));
  return times(f32x4.splat(0.5), plus(hidden, root));
}

// @ts-ignore: decorator
@inline
function spread(sum: v128, weight: v128, variance: v128): v128 {
  return plus(sum, times(weight, times(weight, variance)));
}

/** See `preview_kernels.ts`. */
export function expectedColours(codec: usize, features: usize, variances: usize, level: i32, colours: usize, plane: usize, stride: i32, width: i32, rows: i32): void {
  const fromVariances = variances - features;
  for (let y = 0; y < rows; ++y) {
    for (let x = 0; x < width; x += 4) {
      const pixel = <usize>(y * stride + x) << 2;
      const first = features + pixel;
      const averaged = first + <usize>level * plane;
      const end = first + <usize>FEATURES * plane;
      let red = splat(codec + SYNTHESIS_B2, 0), green = splat(codec + SYNTHESIS_B2, 1), blue = splat(codec + SYNTHESIS_B2, 2);
      let weights = codec + SYNTHESIS_TRANSPOSED;
      for (let unit = 0; unit < unitsInUse(codec); unit += 4) {
        const bias = codec + SYNTHESIS_B1 + (<usize>unit << 2);
        let a = splat(bias, 0), b = splat(bias, 1), c = splat(bias, 2), d = splat(bias, 3);
        let va = f32x4.splat(0), vb = va, vc = va, vd = va;
        let feature = first;
        while (feature < averaged) {
          const value = v128.load(feature), variance = v128.load(feature + fromVariances);
          let weight = splat(weights, 0);
          a = plus(a, times(weight, value));
          va = spread(va, weight, variance);
          weight = splat(weights, 1);
          b = plus(b, times(weight, value));
          vb = spread(vb, weight, variance);
          weight = splat(weights, 2);
          c = plus(c, times(weight, value));
          vc = spread(vc, weight, variance);
          weight = splat(weights, 3);
          d = plus(d, times(weight, value));
          vd = spread(vd, weight, variance);
          weights += 16;
          feature += plane;
        }
        while (feature < end) {
          const value = v128.load(feature);
          a = plus(a, times(splat(weights, 0), value));
          b = plus(b, times(splat(weights, 1), value));
          c = plus(c, times(splat(weights, 2), value));
          d = plus(d, times(splat(weights, 3), value));
          weights += 16;
          feature += plane;
        }
        a = expected(a, va);
        b = expected(b, vb);
        c = expected(c, vc);
        d = expected(d, vd);
        let mix = codec + SYNTHESIS_W2 + (<usize>unit << 2);
        red = plus(plus(plus(plus(red, times(splat(mix, 0), a)), times(splat(mix, 1), b)), times(splat(mix, 2), c)), times(splat(mix, 3), d));
        mix += <usize>HIDDEN << 2;
        green = plus(plus(plus(plus(green, times(splat(mix, 0), a)), times(splat(mix, 1), b)), times(splat(mix, 2), c)), times(splat(mix, 3), d));
        mix += <usize>HIDDEN << 2;
        blue = plus(plus(plus(plus(blue, times(splat(mix, 0), a)), times(splat(mix, 1), b)), times(splat(mix, 2), c)), times(splat(mix, 3), d));
      }
      v128.store(colours + pixel, red);
      v128.store(colours + plane + pixel, green);
      v128.store(colours + 2 * plane + pixel, blue);
    }
  }
}

/** See `preview_kernels.ts`. */
export function flatPixels(codec: usize, colours: usize, plane: usize, stride: i32, width: i32, rows: i32, out: usize, outStride: usize): void {
  flattenLayers(codec);
  for (let y = 0; y < rows; ++y) {
    for (let x = 0; x < width; x += 4) {
      const pixel = colours + (<usize>(y * stride + x) << 2);
      const red = v128.load(pixel), green = v128.load(pixel + plane), blue = v128.load(pixel + 2 * plane);
      const a = positive(mixed(0, 0, red, green, blue));
      const b = positive(mixed(0, 1, red, green, blue));
      const c = positive(mixed(0, 2, red, green, blue));
      const rgba = pixelsOf(mixed(1, 0, a, b, c), mixed(1, 1, a, b, c), mixed(1, 2, a, b, c));
      storePixels(out + (<usize>x << 2), rgba, width - x);
    }
    out += outStride;
  }
}

// @ts-ignore: decorator
@inline
function mixed(layer: i32, output: i32, red: v128, green: v128, blue: v128): v128 {
  const gains = TAPS + ((layer * 9 + output * 3) << 2);
  const sum = plus(splat(TAPS, 18 + layer * 3 + output), times(splat(gains, 0), red));
  return plus(plus(sum, times(splat(gains, 1), green)), times(splat(gains, 2), blue));
}
