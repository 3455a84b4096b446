/** Notation for the vector kernels of the synthesis: four floats at a time, and pixels of them. */

// @ts-ignore: decorator
@inline
export function splat(address: usize, index: i32): v128 {
  return v128.load32_splat(address + (index << 2));
}

// @ts-ignore: decorator
@inline
export function times(a: v128, b: v128): v128 {
  return f32x4.mul(a, b);
}

// @ts-ignore: decorator
@inline
export function plus(a: v128, b: v128): v128 {
  return f32x4.add(a, b);
}

/**
 * max(a, 0) as one instruction: `f32x4.max` takes eight, for the sake of −0 and NaN. Here −0 stays −0, which no later sum can
 * tell from 0, since none starts at −0; NaN stays NaN.
 */
// @ts-ignore: decorator
@inline
export function positive(a: v128): v128 {
  return f32x4.pmax(a, f32x4.splat(0));
}

// @ts-ignore: decorator
@inline
function toLevels(values: v128): v128 {
  const levels = f32x4.floor(plus(times(values, f32x4.splat(255)), f32x4.splat(0.5)));
  return i32x4.max_s(i32x4.min_s(i32x4.trunc_sat_f32x4_s(levels), i32x4.splat(255)), i32x4.splat(0));
}

/** RGBA8 of four pixels from their sums. */
// @ts-ignore: decorator
@inline
export function pixelsOf(red: v128, green: v128, blue: v128): v128 {
  const redGreen = v128.or(toLevels(red), i32x4.shl(toLevels(green), 8));
  return v128.or(redGreen, v128.or(i32x4.shl(toLevels(blue), 16), i32x4.splat(0xff000000)));
}

/** Stores the first `count` pixels, at most four. */
// @ts-ignore: decorator
@inline
export function storePixels(target: usize, rgba: v128, count: i32): void {
  if (count >= 4) v128.store(target, rgba);
  else if (count > 0) {
    v128.store32_lane(target, rgba, 0);
    if (count > 1) v128.store32_lane(target, rgba, 1, 4);
    if (count > 2) v128.store32_lane(target, rgba, 2, 8);
  }
}
