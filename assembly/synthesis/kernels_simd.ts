/**
 * Filters of the upsampling, SIMD twins of `kernels.ts` with the same bits.
 *
 * READ ME FIRST
 * - Lanes are neighbouring pixels of a row, so every lane does the scalar twin's operations in the scalar twin's order.
 * - Rows are computed in whole vectors: up to 7 results beyond the width are written into the slack of the planes
 *   (`levelStride` in memory.ts) and never used.
 * - No relaxed SIMD: a fused multiply-add would change the bits.
 */
import { plus, splat, times } from "./vectors";

// @ts-ignore: decorator
@inline
function row(address: usize, index: i32): v128 {
  return v128.load(address + (index << 2));
}

/** See `kernels.ts`. The only one to stop at the width: the rest of the row may be there already. */
export function dequantise(source: usize, target: usize, count: i32, scale: f32): void {
  const factor = f32x4.splat(scale);
  let x = 0;
  for (; x + 4 <= count; x += 4) {
    const latents = v128.load64_zero(source + (<usize>x << 1));
    v128.store(target + (<usize>x << 2), times(f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(latents)), factor));
  }
  for (; x < count; ++x) store<f32>(target + (<usize>x << 2), <f32>load<i16>(source + (<usize>x << 1)) * scale);
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
// @ts-ignore: decorator
@inline
export function doublePair(a: usize, b: usize, c: usize, d: usize, even: usize, odd: usize, width: i32, kernel: usize): void {
  const k0 = splat(kernel, 0), k1 = splat(kernel, 1), k2 = splat(kernel, 2), k3 = splat(kernel, 3);
  for (let x = 0; x < width; x += 4) {
    const first = row(a, x), second = row(b, x), third = row(c, x), fourth = row(d, x);
    v128.store(odd + (<usize>x << 2), plus(plus(plus(times(k3, third), times(k2, second)), times(k1, fourth)), times(k0, first)));
    v128.store(even + (<usize>x << 2), plus(plus(plus(times(k3, second), times(k2, third)), times(k1, first)), times(k0, fourth)));
  }
}

/** See `kernels.ts`. */
export function doubleAlongY(source: usize, target: usize, sourceStride: i32, targetStride: i32, width: i32, rows: i32, kernel: usize): void {
  const line = <usize>sourceStride << 2, targetLine = <usize>targetStride << 2;
  for (let y = 0; y < rows; y += 2) {
    doublePair(source, source + line, source + 2 * line, source + 3 * line, target, y + 1 < rows ? target + targetLine : target, width, kernel);
    source += line;
    target += 2 * targetLine;
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
