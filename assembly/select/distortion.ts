/**
 * Distortion of a patch: squared error of the true synthesis against the source.
 *
 * READ ME FIRST
 * - The sum is exact: levels are integers, a row's sum fits i32 (256 · 3 · 255² < 2^26), and f64 holds the total.
 */
import { locatePatch, patchHeight, patchWidth, patchX, patchY, pixelScratch, simd } from "../memory";
import { synthesise } from "../synthesis/run";

let source: usize = 0;
export let sourceStride: u32 = 0;
let sourceRows: i32 = 0;

/**
 * The picture to compare with: RGBA8, rows `stride` bytes apart. It must stay where it is.
 * @param rows  0 when all rows are there; else a power of two, a multiple of the patch side: row y is at y mod `rows`, and the
 *   caller sees to it that the rows of a patch are there when it is evaluated
 */
export function setSource(pixels: usize, stride: u32, rows: i32): void {
  source = pixels;
  sourceStride = stride;
  sourceRows = rows;
}

/** Where the source of a patch begins; finds the patch too, in grid 0. */
export function sourceOfPatch(patch: i32): usize {
  locatePatch(patch, 0);
  return source + <usize>(patchY & (sourceRows - 1)) * sourceStride + (<usize>patchX << 2);
}

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

/** Squared level differences of pixels of a patch, RGBA8 row after row, from the source. */
export function observedError(patch: i32, pixels: usize): f64 {
  let row = sourceOfPatch(patch);
  const width = patchWidth;
  let total: f64 = 0;
  for (let y = 0; y < patchHeight; ++y) {
    total += <f64>(simd ? rowErrorSimd(pixels, row, width) : rowError(pixels, row, width));
    pixels += <usize>width << 2;
    row += sourceStride;
  }
  return total;
}

/** Squared level differences over red, green and blue if the patch had `mode` and all others theirs of the mode map. */
export function patchDistortion(patch: i32, mode: i32): f64 {
  // Grid 0 has the resolution of the pixels.
  locatePatch(patch, 0);
  synthesise(patch, mode, pixelScratch, <usize>patchWidth << 2);
  return observedError(patch, pixelScratch);
}
