/**
 * Filters of the upsampling on f32 planes (FORMAT.md §6). Scalar twins of `kernels_simd.ts`.
 *
 * READ ME FIRST
 * - The order of operations is normative: products are added one after the other, nothing is fused or regrouped.
 * - All planes have rows `stride` floats apart; widths and heights count results, and inputs reach beyond them as the filter
 *   needs ("valid").
 */
export const FEATURES: i32 = 7;

// @ts-ignore: decorator
@inline
export function at(address: usize, offset: i32): f32 {
  return load<f32>(address + (offset << 2));
}

/** Latents i16 as floats, times `scale`. */
export function dequantise(source: usize, target: usize, count: i32, scale: f32): void {
  for (let x = 0; x < count; ++x) store<f32>(target + (<usize>x << 2), <f32>load<i16>(source + (<usize>x << 1)) * scale);
}

/** Doubles rows along x: results 2j and 2j+1 come from inputs j…j+3. `pairs` is half the number of results. */
export function doubleAlongX(source: usize, target: usize, stride: i32, pairs: i32, rows: i32, kernel: usize): void {
  const k0 = at(kernel, 0), k1 = at(kernel, 1), k2 = at(kernel, 2), k3 = at(kernel, 3);
  for (let y = 0; y < rows; ++y) {
    for (let pair = 0; pair < pairs; ++pair) {
      const a = source + (<usize>pair << 2);
      const out = target + (<usize>pair << 3);
      store<f32>(out, k3 * at(a, 1) + k2 * at(a, 2) + k1 * at(a, 0) + k0 * at(a, 3));
      store<f32>(out, k3 * at(a, 2) + k2 * at(a, 1) + k1 * at(a, 3) + k0 * at(a, 0), 4);
    }
    source += <usize>stride << 2;
    target += <usize>stride << 2;
  }
}

/** Two result rows from four rows, wherever these are. `odd` may be `even`, which then holds the even row. */
export function doublePair(a: usize, b: usize, c: usize, d: usize, even: usize, odd: usize, width: i32, kernel: usize): void {
  const k0 = at(kernel, 0), k1 = at(kernel, 1), k2 = at(kernel, 2), k3 = at(kernel, 3);
  for (let x = 0; x < width; ++x) {
    const first = at(a, x), second = at(b, x), third = at(c, x), fourth = at(d, x);
    store<f32>(odd + (<usize>x << 2), k3 * third + k2 * second + k1 * fourth + k0 * first);
    store<f32>(even + (<usize>x << 2), k3 * second + k2 * third + k1 * first + k0 * fourth);
  }
}

/** Doubles columns along y: result rows 2j and 2j+1 come from input rows j…j+3. */
export function doubleAlongY(source: usize, target: usize, sourceStride: i32, targetStride: i32, width: i32, rows: i32, kernel: usize): void {
  const line = <usize>sourceStride << 2, targetLine = <usize>targetStride << 2;
  for (let y = 0; y < rows; y += 2) {
    doublePair(source, source + line, source + 2 * line, source + 3 * line, target, y + 1 < rows ? target + targetLine : target, width, kernel);
    source += line;
    target += 2 * targetLine;
  }
}

/** Seven symmetric taps along x: result x comes from inputs x…x+6. */
export function filterAlongX(source: usize, target: usize, stride: i32, width: i32, rows: i32, kernel: usize): void {
  const s0 = at(kernel, 4), s1 = at(kernel, 5), s2 = at(kernel, 6), s3 = at(kernel, 7);
  for (let y = 0; y < rows; ++y) {
    for (let x = 0; x < width; ++x) {
      const a = source + (<usize>x << 2);
      const value = s0 * at(a, 3) + s1 * (at(a, 2) + at(a, 4)) + s2 * (at(a, 1) + at(a, 5)) + s3 * (at(a, 0) + at(a, 6));
      store<f32>(target + (<usize>x << 2), value);
    }
    source += <usize>stride << 2;
    target += <usize>stride << 2;
  }
}

/** Seven symmetric taps along y, plus `original` at the centre (3 rows and 3 columns further in). */
export function filterAlongY(source: usize, original: usize, target: usize, stride: i32, targetStride: i32, width: i32, rows: i32, kernel: usize): void {
  const s0 = at(kernel, 4), s1 = at(kernel, 5), s2 = at(kernel, 6), s3 = at(kernel, 7);
  for (let y = 0; y < rows; ++y) {
    for (let x = 0; x < width; ++x) {
      const a = source + (<usize>x << 2);
      const filtered = s0 * at(a, 3 * stride) + s1 * (at(a, 2 * stride) + at(a, 4 * stride)) +
        s2 * (at(a, stride) + at(a, 5 * stride)) + s3 * (at(a, 0) + at(a, 6 * stride));
      store<f32>(target + (<usize>x << 2), at(original, 3 * stride + 3 + x) + filtered);
    }
    source += <usize>stride << 2;
    original += <usize>stride << 2;
    target += <usize>targetStride << 2;
  }
}

// @ts-ignore: decorator
@inline
export function toLevel(value: f32): u32 {
  const level = floor<f32>(value * 255 + 0.5);
  // Not a number becomes 0, as the saturating conversion of the SIMD twin has it.
  return level >= 0 ? <u32>min<f32>(level, 255) : 0;
}
