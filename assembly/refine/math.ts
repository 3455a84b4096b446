/**
 * exp and log2 in single precision, scalar and SIMD with the same bits: no engine's own mathematics enters a result.
 */

const LOG2_E: f32 = 1.44269504;
const LN_2: f32 = 0.693147181;

/** exp(x) with a relative error of about 10^−7; below about −87 it stays at 10^−38. */
// @ts-ignore: decorator
@inline
export function exponential(x: f32): f32 {
  const t = min<f32>(max<f32>(x * LOG2_E, -126), 126);
  // Truncation of a positive number is its floor; the offset makes it positive.
  const n = <i32>(t + <f32>128.5) - 128;
  const r = (t - <f32>n) * LN_2;
  let e: f32 = <f32>(1.0 / 5040.0) * r + <f32>(1.0 / 720.0);
  e = e * r + <f32>(1.0 / 120.0);
  e = e * r + <f32>(1.0 / 24.0);
  e = e * r + <f32>(1.0 / 6.0);
  e = e * r + <f32>0.5;
  e = e * r + <f32>1.0;
  e = e * r + <f32>1.0;
  return reinterpret<f32>(reinterpret<i32>(e) + (n << 23));
}

// @ts-ignore: decorator
@inline
function step(e: v128, r: v128, coefficient: f32): v128 {
  return f32x4.add(f32x4.mul(e, r), f32x4.splat(coefficient));
}

/** See `exponential`. */
// @ts-ignore: decorator
@inline
export function exponentialSimd(x: v128): v128 {
  const t = f32x4.pmin(f32x4.pmax(f32x4.mul(x, f32x4.splat(LOG2_E)), f32x4.splat(-126)), f32x4.splat(126));
  const n = i32x4.sub(i32x4.trunc_sat_f32x4_s(f32x4.add(t, f32x4.splat(128.5))), i32x4.splat(128));
  const r = f32x4.mul(f32x4.sub(t, f32x4.convert_i32x4_s(n)), f32x4.splat(LN_2));
  let e = f32x4.add(f32x4.mul(f32x4.splat(<f32>(1.0 / 5040.0)), r), f32x4.splat(<f32>(1.0 / 720.0)));
  e = step(e, r, <f32>(1.0 / 120.0));
  e = step(e, r, <f32>(1.0 / 24.0));
  e = step(e, r, <f32>(1.0 / 6.0));
  e = step(e, r, 0.5);
  e = step(e, r, 1);
  e = step(e, r, 1);
  return i32x4.add(e, i32x4.shl(n, 23));
}

/** tanh of a number of either sign. */
// @ts-ignore: decorator
@inline
export function hyperbolicTangent(x: f32): f32 {
  return <f32>1 - <f32>2 / (exponential(<f32>2 * x) + <f32>1);
}

// @ts-ignore: decorator
@inline
export function hyperbolicTangentSimd(x: v128): v128 {
  const one = f32x4.splat(1);
  const two = f32x4.splat(2);
  return f32x4.sub(one, f32x4.div(two, f32x4.add(exponentialSimd(f32x4.mul(two, x)), one)));
}

/** log2(x) of a normal number above 0, with an error of about 10^−6. */
// @ts-ignore: decorator
@inline
export function logarithm(x: f32): f32 {
  const bits = reinterpret<i32>(x);
  const t = reinterpret<f32>((bits & 0x7fffff) | 0x3f800000) - <f32>1;
  let p: f32 = <f32>0.0204905896 * t + <f32>-0.0960673753;
  p = p * t + <f32>0.215590359;
  p = p * t + <f32>-0.33924912;
  p = p * t + <f32>0.477706397;
  p = p * t + <f32>-0.721162802;
  p = p * t + <f32>1.44269326;
  return p * t + <f32>((bits >> 23) - 127);
}

/** See `logarithm`. */
// @ts-ignore: decorator
@inline
export function logarithmSimd(x: v128): v128 {
  const mantissa = v128.or(v128.and(x, i32x4.splat(0x7fffff)), i32x4.splat(0x3f800000));
  const t = f32x4.sub(mantissa, f32x4.splat(1));
  let p = f32x4.add(f32x4.mul(f32x4.splat(0.0204905896), t), f32x4.splat(-0.0960673753));
  p = step(p, t, 0.215590359);
  p = step(p, t, -0.33924912);
  p = step(p, t, 0.477706397);
  p = step(p, t, -0.721162802);
  p = step(p, t, 1.44269326);
  return f32x4.add(f32x4.mul(p, t), f32x4.convert_i32x4_s(i32x4.sub(i32x4.shr_s(x, 23), i32x4.splat(127))));
}
