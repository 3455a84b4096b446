/**
 * Means of squares of pixels, SIMD twin of `reduce_kernels.ts`.
 *
 * READ ME FIRST
 * - A sum of at most 64 levels fits 16 bits, so two pixels share a vector.
 * - Squares that are cut are few; the scalar twin does them.
 */
import { meanOfRow } from "./reduce_kernels";

/** Same contract as `meanOfRow`. */
export function meanOfRowSimd(pixels: usize, stride: usize, width: i32, rows: i32, level: i32, out: usize): void {
  const side = 1 << level;
  const whole = rows < side ? 0 : width >> level;
  const half = i16x8.splat(<i16>(side * side / 2));
  const bytes = <usize>side << 2;
  for (let square = 0; square < whole; ++square) {
    let sums = i16x8.splat(0);
    let row = pixels;
    for (let y = 0; y < side; ++y) {
      for (let x: usize = 0; x < bytes; x += 8) sums = i16x8.add(sums, v128.load8x8_u(row + x));
      row += stride;
    }
    const both = i16x8.add(sums, v128.shuffle<i64>(sums, sums, 1, 0));
    const means = i16x8.shr_u(i16x8.add(both, half), 2 * level);
    v128.store32_lane(out, i8x16.narrow_i16x8_u(means, means), 0);
    pixels += bytes;
    out += 4;
  }
  meanOfRow(pixels, stride, width - (whole << level), rows, level, out);
}
