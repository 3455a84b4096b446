/**
 * Distortion of a patch: squared error of the true synthesis against the source.
 *
 * READ ME FIRST
 * - The sum is exact: levels are integers, a row's sum fits i32 (256 · 3 · 255² < 2^26), and f64 holds the total.
 */
import { locatePatch, patchHeight, patchWidth, patchX, patchY, pixelScratch, simd } from "../memory";
import { synthesise } from "../synthesis/run";

/** Squared differences of two rows of RGBA8, alpha left out. Scalar twin of `rowErrorSimd`. */
export function rowError(a: usize, b: usize, count: i32): i32 {
  let sum = 0;
  for (let x = 0; x < count; ++x) {
    for (let channel: usize = 0; channel < 3; ++channel) {
      const difference = <i32>load<u8>(a + channel) - <i32>load<u8>(b + channel);
      sum += difference * difference;
    }
    a += 4;
    b += 4;
  }
  return sum;
}

/** See `rowError`. */
export function rowErrorSimd(a: usize, b: usize, count: i32): i32 {
  const colours = i32x4.splat(0x00ffffff);
  let sums = i32x4.splat(0);
  const whole = count & ~3;
  for (let x = 0; x < whole; x += 4) {
    const left = v128.and(v128.load(a), colours);
    const right = v128.and(v128.load(b), colours);
    const low = i16x8.sub(i16x8.extend_low_i8x16_u(left), i16x8.extend_low_i8x16_u(right));
    const high = i16x8.sub(i16x8.extend_high_i8x16_u(left), i16x8.extend_high_i8x16_u(right));
    sums = i32x4.add(sums, i32x4.add(i32x4.dot_i16x8_s(low, low), i32x4.dot_i16x8_s(high, high)));
    a += 16;
    b += 16;
  }
  const sum = i32x4.extract_lane(sums, 0) + i32x4.extract_lane(sums, 1) + i32x4.extract_lane(sums, 2) + i32x4.extract_lane(sums, 3);
  return sum + rowError(a, b, count - whole);
}

/** Squared level differences of the patch that `locatePatch` found: its pixels, row after row, and the source, rows `stride` bytes apart. */
export function errorOfPixels(pixels: usize, source: usize, stride: u32): f64 {
  const width = patchWidth;
  let total: f64 = 0;
  for (let y = 0; y < patchHeight; ++y) {
    total += <f64>(simd ? rowErrorSimd(pixels, source, width) : rowError(pixels, source, width));
    pixels += <usize>width << 2;
    source += stride;
  }
  return total;
}

/**
 * Squared level differences over red, green and blue if the patch had `mode` and all others theirs of the mode map.
 * @param source  RGBA8 of the picture, rows `stride` bytes apart
 * @param rows  0, or the rows that `source` goes round in; see `setSource`
 */
export function patchDistortion(patch: i32, mode: i32, source: usize, stride: u32, rows: i32): f64 {
  // Grid 0 has the resolution of the pixels.
  locatePatch(patch, 0);
  const corner = source + <usize>(patchY & (rows - 1)) * stride + (<usize>patchX << 2);
  synthesise(patch, mode, pixelScratch, <usize>patchWidth << 2);
  // The synthesis has looked at other grids.
  locatePatch(patch, 0);
  return errorOfPixels(pixelScratch, corner, stride);
}
