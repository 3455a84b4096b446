/**
 * Filters and layers of the synthesis, SIMD twins of `kernels.ts` with the same signatures and the same bits.
 *
 * READ ME FIRST
 * - Lanes are neighbouring pixels of a row, so every lane does the scalar twin's operations in the scalar twin's order.
 * - Rows are computed in whole vectors: up to 7 results beyond the width are written into the slack of the planes
 *   (`levelStride` in memory.ts) and never used. Only `residualPixels` writes to the caller's rows, so it stops exactly.
 * - No relaxed SIMD: a fused multiply-add would change the bits.
 */
import { HIDDEN, SYNTHESIS_B1, SYNTHESIS_B2, SYNTHESIS_W1, SYNTHESIS_W2 } from "../codec";

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

/** See `kernels.ts`. */
export function doubleAlongX(source: usize, target: usize, stride: i32, pairs: i32, rows: i32, kernel: usize): void {
  const k0 = splat(kernel, 0), k1 = splat(kernel, 1), k2 = splat(kernel, 2), k3 = splat(kernel, 3);
  for (let y = 0; y < rows; ++y) {
    for (let pair = 0; pair < pairs; pair += 4) {
      const a = source + (<usize>pair << 2);
      const out = target + (<usize>pair << 3);
      const first = row(a, 0), second = row(a, 1), third = row(a, 2), fourth = row(a, 3);
      const even = plus(plus(plus(times(k3, second), times(k2, third)), times(k1, first)), times(k0, fourth));
      const odd = plus(plus(plus(times(k3, third), times(k2, second)), times(k1, fourth)), times(k0, first));
      v128.store(out, v128.shuffle<i32>(even, odd, 0, 4, 1, 5));
      v128.store(out, v128.shuffle<i32>(even, odd, 2, 6, 3, 7), 16);
    }
    source += <usize>stride << 2;
    target += <usize>stride << 2;
  }
}

/** See `kernels.ts`. */
export function doubleAlongY(source: usize, target: usize, sourceStride: i32, targetStride: i32, width: i32, rows: i32, kernel: usize): void {
  const k0 = splat(kernel, 0), k1 = splat(kernel, 1), k2 = splat(kernel, 2), k3 = splat(kernel, 3);
  for (let y = 0; y < rows; y += 2) {
    const a = source + (<usize>((y >> 1) * sourceStride) << 2);
    const both = y + 1 < rows;
    for (let x = 0; x < width; x += 4) {
      const first = row(a, x), second = row(a, sourceStride + x), third = row(a, 2 * sourceStride + x), fourth = row(a, 3 * sourceStride + x);
      const out = target + (<usize>x << 2);
      v128.store(out, plus(plus(plus(times(k3, second), times(k2, third)), times(k1, first)), times(k0, fourth)));
      if (both) {
        const odd = plus(plus(plus(times(k3, third), times(k2, second)), times(k1, fourth)), times(k0, first));
        v128.store(out + (<usize>targetStride << 2), odd);
      }
    }
    target += <usize>targetStride << 3;
  }
}

/** See `kernels.ts`. */
export function filterAlongX(source: usize, target: usize, stride: i32, width: i32, rows: i32, kernel: usize): void {
  const s0 = splat(kernel, 4), s1 = splat(kernel, 5), s2 = splat(kernel, 6), s3 = splat(kernel, 7);
  for (let y = 0; y < rows; ++y) {
    for (let x = 0; x < width; x += 4) {
      const a = source + (<usize>x << 2);
      let sum = times(s0, row(a, 3));
      sum = plus(sum, times(s1, plus(row(a, 2), row(a, 4))));
      sum = plus(sum, times(s2, plus(row(a, 1), row(a, 5))));
      sum = plus(sum, times(s3, plus(row(a, 0), row(a, 6))));
      v128.store(target + (<usize>x << 2), sum);
    }
    source += <usize>stride << 2;
    target += <usize>stride << 2;
  }
}

/** See `kernels.ts`. */
export function filterAlongY(source: usize, original: usize, target: usize, stride: i32, targetStride: i32, width: i32, rows: i32, kernel: usize): void {
  const s0 = splat(kernel, 4), s1 = splat(kernel, 5), s2 = splat(kernel, 6), s3 = splat(kernel, 7);
  for (let y = 0; y < rows; ++y) {
    for (let x = 0; x < width; x += 4) {
      const a = source + (<usize>x << 2);
      let sum = times(s0, row(a, 3 * stride));
      sum = plus(sum, times(s1, plus(row(a, 2 * stride), row(a, 4 * stride))));
      sum = plus(sum, times(s2, plus(row(a, stride), row(a, 5 * stride))));
      sum = plus(sum, times(s3, plus(row(a, 0), row(a, 6 * stride))));
      v128.store(target + (<usize>x << 2), plus(row(original, 3 * stride + 3 + x), sum));
    }
    source += <usize>stride << 2;
    original += <usize>stride << 2;
    target += <usize>targetStride << 2;
  }
}

// @ts-ignore: decorator
@inline
function hiddenUnit(weights: usize, bias: v128, f0: v128, f1: v128, f2: v128, f3: v128, f4: v128, f5: v128, f6: v128): v128 {
  let sum = plus(bias, times(splat(weights, 0), f0));
  sum = plus(sum, times(splat(weights, 1), f1));
  sum = plus(sum, times(splat(weights, 2), f2));
  sum = plus(sum, times(splat(weights, 3), f3));
  sum = plus(sum, times(splat(weights, 4), f4));
  sum = plus(sum, times(splat(weights, 5), f5));
  sum = plus(sum, times(splat(weights, 6), f6));
  return f32x4.max(sum, f32x4.splat(0));
}

/** See `kernels.ts`. */
export function pointwise(codec: usize, features: usize, colours: usize, plane: usize, colourPlane: usize, stride: i32, width: i32, rows: i32): void {
  const biases = codec + SYNTHESIS_B1;
  const biasesEnd = biases + (HIDDEN << 2);
  for (let y = 0; y < rows; ++y) {
    // Eight pixels at a time, so that each weight is broadcast once for both vectors.
    for (let x = 0; x < width; x += 8) {
      const pixel = (<usize>(y * stride) + <usize>x) << 2;
      const a = features + pixel;
      const l0 = v128.load(a), r0 = v128.load(a, 16);
      const l1 = v128.load(a + plane), r1 = v128.load(a + plane, 16);
      const l2 = v128.load(a + 2 * plane), r2 = v128.load(a + 2 * plane, 16);
      const l3 = v128.load(a + 3 * plane), r3 = v128.load(a + 3 * plane, 16);
      const l4 = v128.load(a + 4 * plane), r4 = v128.load(a + 4 * plane, 16);
      const l5 = v128.load(a + 5 * plane), r5 = v128.load(a + 5 * plane, 16);
      const l6 = v128.load(a + 6 * plane), r6 = v128.load(a + 6 * plane, 16);
      let redLeft = splat(codec + SYNTHESIS_B2, 0), greenLeft = splat(codec + SYNTHESIS_B2, 1), blueLeft = splat(codec + SYNTHESIS_B2, 2);
      let redRight = redLeft, greenRight = greenLeft, blueRight = blueLeft;
      let weights = codec + SYNTHESIS_W1;
      let mix = codec + SYNTHESIS_W2;
      for (let bias = biases; bias < biasesEnd; bias += 4) {
        const start = splat(bias, 0);
        const left = hiddenUnit(weights, start, l0, l1, l2, l3, l4, l5, l6);
        const right = hiddenUnit(weights, start, r0, r1, r2, r3, r4, r5, r6);
        const toRed = splat(mix, 0), toGreen = splat(mix, HIDDEN), toBlue = splat(mix, 2 * HIDDEN);
        redLeft = plus(redLeft, times(toRed, left));
        greenLeft = plus(greenLeft, times(toGreen, left));
        blueLeft = plus(blueLeft, times(toBlue, left));
        redRight = plus(redRight, times(toRed, right));
        greenRight = plus(greenRight, times(toGreen, right));
        blueRight = plus(blueRight, times(toBlue, right));
        weights += 28;
        mix += 4;
      }
      const out = colours + pixel;
      v128.store(out, redLeft);
      v128.store(out, redRight, 16);
      v128.store(out + colourPlane, greenLeft);
      v128.store(out + colourPlane, greenRight, 16);
      v128.store(out + 2 * colourPlane, blueLeft);
      v128.store(out + 2 * colourPlane, blueRight, 16);
    }
  }
}

// The three results of one 3×3 layer; AssemblyScript functions return one value.
let first: v128 = f32x4.splat(0);
let second: v128 = f32x4.splat(0);
let third: v128 = f32x4.splat(0);

// @ts-ignore: decorator
@inline
function convolve(weights: usize, biases: usize, source: usize, plane: usize, stride: i32): void {
  let a = splat(biases, 0), b = splat(biases, 1), c = splat(biases, 2);
  let tap = weights;
  for (let input: usize = 0; input < 3; ++input) {
    let line = source + input * plane;
    for (let dy = 0; dy < 3; ++dy) {
      let pixels = row(line, 0);
      a = plus(a, times(splat(tap, 0), pixels));
      b = plus(b, times(splat(tap, 27), pixels));
      c = plus(c, times(splat(tap, 54), pixels));
      pixels = row(line, 1);
      a = plus(a, times(splat(tap, 1), pixels));
      b = plus(b, times(splat(tap, 28), pixels));
      c = plus(c, times(splat(tap, 55), pixels));
      pixels = row(line, 2);
      a = plus(a, times(splat(tap, 2), pixels));
      b = plus(b, times(splat(tap, 29), pixels));
      c = plus(c, times(splat(tap, 56), pixels));
      line += <usize>stride << 2;
      tap += 12;
    }
  }
  first = plus(a, row(source, stride + 1));
  second = plus(b, row(source + plane, stride + 1));
  third = plus(c, row(source + 2 * plane, stride + 1));
}

/** See `kernels.ts`. */
export function residualRelu(weights: usize, biases: usize, source: usize, target: usize, plane: usize, stride: i32, width: i32, rows: i32): void {
  const zero = f32x4.splat(0);
  for (let y = 0; y < rows; ++y) {
    for (let x = 0; x < width; x += 4) {
      const pixel = (<usize>(y * stride) + <usize>x) << 2;
      convolve(weights, biases, source + pixel, plane, stride);
      v128.store(target + pixel, f32x4.max(first, zero));
      v128.store(target + plane + pixel, f32x4.max(second, zero));
      v128.store(target + 2 * plane + pixel, f32x4.max(third, zero));
    }
  }
}

// @ts-ignore: decorator
@inline
function toLevels(values: v128): v128 {
  const levels = f32x4.floor(plus(times(values, f32x4.splat(255)), f32x4.splat(0.5)));
  return i32x4.max_s(i32x4.min_s(i32x4.trunc_sat_f32x4_s(levels), i32x4.splat(255)), i32x4.splat(0));
}

/** See `kernels.ts`. */
export function residualPixels(weights: usize, biases: usize, source: usize, plane: usize, stride: i32, width: i32, rows: i32, out: usize, outStride: usize): void {
  for (let y = 0; y < rows; ++y) {
    for (let x = 0; x < width; x += 4) {
      const pixel = (<usize>(y * stride) + <usize>x) << 2;
      convolve(weights, biases, source + pixel, plane, stride);
      const redGreen = v128.or(toLevels(first), i32x4.shl(toLevels(second), 8));
      const blueAlpha = v128.or(i32x4.shl(toLevels(third), 16), i32x4.splat(0xff000000));
      const rgba = v128.or(redGreen, blueAlpha);
      const target = out + (<usize>x << 2);
      const left = width - x;
      if (left >= 4) v128.store(target, rgba);
      else {
        v128.store32_lane(target, rgba, 0);
        if (left > 1) v128.store32_lane(target, rgba, 1, 4);
        if (left > 2) v128.store32_lane(target, rgba, 2, 8);
      }
    }
    out += outStride;
  }
}
