/**
 * Layers of the synthesis on integers, SIMD twins of `layers.ts` with the same bits.
 *
 * READ ME FIRST
 * - Lanes are pixels of a row, 32 bits each: a pair of 16-bit inputs, or a sum.
 * - Rows are computed in whole vectors: up to 7 results beyond the width are written into the slack of the lines and never used.
 *   Only `residualPixels` writes to the caller's rows, so it stops exactly.
 * - V8 schedules the loads of a block first: loop bodies are kept so small that all they load fits the 16 registers.
 */
import { FEATURE_LIMITS, FEATURE_MAGIC, POINTWISE, POINTWISE_END, RESIDUAL_TAPS, UNIT_PAIR_BYTES, unitsInUse } from "../codec";
import { TAPS } from "../memory";
import { BIAS_FACTOR, FEATURE_BLOCK, packedBytes } from "./layers";

/** The hidden units of eight pixels: 24 pairs × two vectors. */
const UNITS: usize = memory.data(768, 16);
/** The sums of one 3×3 layer for eight pixels: red, green, blue × left four, right four. */
const SUMS: usize = TAPS;

// @ts-ignore: decorator
@inline
function splat(address: usize, offset: usize): v128 {
  return v128.load32_splat(address + offset);
}

// @ts-ignore: decorator
@inline
function dot(a: v128, b: v128): v128 {
  return i32x4.dot_i16x8_s(a, b);
}

// @ts-ignore: decorator
@inline
function plus(a: v128, b: v128): v128 {
  return i32x4.add(a, b);
}

/** {lower half of a, upper half of b} in every lane: a blend, one instruction. */
// @ts-ignore: decorator
@inline
function halves(a: v128, b: v128): v128 {
  return v128.shuffle<i16>(a, b, 0, 9, 2, 11, 4, 13, 6, 15);
}

/** Four pixels of one feature; the low halves of the lanes are its integers. */
// @ts-ignore: decorator
@inline
function rounded(source: usize, limit: v128, magic: v128): v128 {
  const value = f32x4.pmax(f32x4.neg(limit), f32x4.pmin(limit, v128.load(source)));
  return f32x4.add(value, magic);
}

/** See `layers.ts`. */
export function packFeatures(codec: usize, features: usize, plane: usize, target: usize, width: i32): void {
  const bias = i32x4.splat(BIAS_FACTOR);
  let limit = splat(codec + FEATURE_LIMITS, 0), magic = splat(codec + FEATURE_MAGIC, 0);
  for (let x = 0; x < width; x += 4) {
    const value = rounded(features + (<usize>x << 2), limit, magic);
    v128.store(target + (<usize>x << 4), v128.or(i32x4.shl(value, 16), bias));
  }
  for (let pair: usize = 1; pair < 4; ++pair) {
    const first = features + (2 * pair - 1) * plane;
    limit = splat(codec + FEATURE_LIMITS, 8 * pair - 4);
    magic = splat(codec + FEATURE_MAGIC, 8 * pair - 4);
    const nextLimit = splat(codec + FEATURE_LIMITS, 8 * pair), nextMagic = splat(codec + FEATURE_MAGIC, 8 * pair);
    const out = target + (pair << 4);
    for (let x = 0; x < width; x += 4) {
      const source = first + (<usize>x << 2);
      v128.store(out + (<usize>x << 4), halves(rounded(source, limit, magic), i32x4.shl(rounded(source + plane, nextLimit, nextMagic), 16)));
    }
  }
}

/** The first four of eight 16-bit numbers each, a pair in a lane. */
// @ts-ignore: decorator
@inline
function firstFour(low: v128, high: v128): v128 {
  return v128.shuffle<i16>(low, high, 0, 8, 1, 9, 2, 10, 3, 11);
}

/** The last four. */
// @ts-ignore: decorator
@inline
function lastFour(low: v128, high: v128): v128 {
  return v128.shuffle<i16>(low, high, 4, 12, 5, 13, 6, 14, 7, 15);
}

/** Stores four colours. @param blue  in the lower halves */
// @ts-ignore: decorator
@inline
function storeFour(target: usize, line: usize, above: usize, redGreen: v128, blue: v128): void {
  v128.store(target, redGreen);
  v128.store(target + line, blue);
  v128.store(above, halves(v128.load(above), i32x4.shl(blue, 16)));
}

// @ts-ignore: decorator
@inline
function shifted(left: v128, right: v128, shift: i32): v128 {
  return i16x8.narrow_i32x4_s(i32x4.shr_s(left, shift), i32x4.shr_s(right, shift));
}

/** Fills UNITS: two units of eight pixels a turn. */
// @ts-ignore: decorator
@inline
function hiddenUnits(pairs: usize, end: usize, features: usize): void {
  const zero = i16x8.splat(0);
  const a = v128.load(features), b = v128.load(features, 16), c = v128.load(features, 32), d = v128.load(features, 48);
  const e = v128.load(features, 64), f = v128.load(features, 80), g = v128.load(features, 96), h = v128.load(features, 112);
  let out = UNITS;
  for (let pair = pairs; pair < end; pair += UNIT_PAIR_BYTES) {
    let weight = splat(pair, 0);
    let left = dot(a, weight), right = dot(e, weight);
    weight = splat(pair, 4);
    left = plus(left, dot(b, weight));
    right = plus(right, dot(f, weight));
    weight = splat(pair, 8);
    left = plus(left, dot(c, weight));
    right = plus(right, dot(g, weight));
    weight = splat(pair, 12);
    left = plus(left, dot(d, weight));
    right = plus(right, dot(h, weight));
    weight = splat(pair, 16);
    let left2 = dot(a, weight), right2 = dot(e, weight);
    weight = splat(pair, 20);
    left2 = plus(left2, dot(b, weight));
    right2 = plus(right2, dot(f, weight));
    weight = splat(pair, 24);
    left2 = plus(left2, dot(c, weight));
    right2 = plus(right2, dot(g, weight));
    weight = splat(pair, 28);
    left2 = plus(left2, dot(d, weight));
    right2 = plus(right2, dot(h, weight));
    // The upper halves of the sums are the units: no shift, no rounding, no narrowing.
    v128.store(out, i16x8.max_s(halves(i32x4.shr_u(left, 16), left2), zero));
    v128.store(out, i16x8.max_s(halves(i32x4.shr_u(right, 16), right2), zero), 16);
    out += 32;
  }
}

/** See `layers.ts`. Both rows are one row of whole blocks of four pixels: the last vector of the first takes the first pixels of the second along. */
export function pointwise(codec: usize, features: usize, first: usize, second: usize, line: usize, above: usize, width: i32): void {
  const pairs = codec + POINTWISE;
  const end = pairs + <usize>(unitsInUse(codec) >> 1) * UNIT_PAIR_BYTES;
  const biases = codec + POINTWISE_END;
  const shift = load<i32>(biases, 12);
  const turn = first + (packedBytes(width) >> 2);
  const last = features + 2 * packedBytes(width);
  let target = first;
  for (; features < last; features += 2 * FEATURE_BLOCK) {
    hiddenUnits(pairs, end, features);
    let red = splat(biases, 0), green = splat(biases, 4), blue = splat(biases, 8);
    let red2 = red, green2 = green, blue2 = blue;
    let unit = UNITS;
    for (let pair = pairs; pair < end; pair += UNIT_PAIR_BYTES) {
      const left = v128.load(unit), right = v128.load(unit, 16);
      let weight = splat(pair, 32);
      red = plus(red, dot(left, weight));
      red2 = plus(red2, dot(right, weight));
      weight = splat(pair, 36);
      green = plus(green, dot(left, weight));
      green2 = plus(green2, dot(right, weight));
      weight = splat(pair, 40);
      blue = plus(blue, dot(left, weight));
      blue2 = plus(blue2, dot(right, weight));
      unit += 32;
    }
    red = shifted(red, red2, shift);
    green = shifted(green, green2, shift);
    blue = shifted(blue, blue2, shift);
    const zero = i16x8.splat(0);
    storeFour(target, line, above, firstFour(red, green), firstFour(blue, zero));
    target += 16;
    above += 16;
    if (target == turn) {
      target = second;
      above = first + line;
    }
    storeFour(target, line, above, lastFour(red, green), lastFour(blue, zero));
    target += 16;
    above += 16;
    if (target == turn) {
      target = second;
      above = first + line;
    }
  }
}

/** Fills SUMS for the pixels `at` bytes from the start of the lines. */
// @ts-ignore: decorator
@inline
function convolve(layer: usize, lines: usize, at: usize): void {
  let a0 = splat(layer, 0), b0 = splat(layer, 4), c0 = splat(layer, 8);
  let a1 = a0, b1 = b0, c1 = c0;
  let weights = layer + RESIDUAL_TAPS;
  const end = lines + 20;
  for (; lines < end; lines += 4) {
    const row = load<usize>(lines) + at;
    // One tap a turn: six sums, two vectors of pixels and one weight stay in registers.
    for (let pixel = row; pixel < row + 12; pixel += 4) {
      const left = v128.load(pixel), right = v128.load(pixel, 16);
      let weight = splat(weights, 0);
      a0 = plus(a0, dot(left, weight));
      a1 = plus(a1, dot(right, weight));
      weight = splat(weights, 4);
      b0 = plus(b0, dot(left, weight));
      b1 = plus(b1, dot(right, weight));
      weight = splat(weights, 8);
      c0 = plus(c0, dot(left, weight));
      c1 = plus(c1, dot(right, weight));
      weights += 12;
    }
  }
  v128.store(SUMS, a0);
  v128.store(SUMS, a1, 16);
  v128.store(SUMS, b0, 32);
  v128.store(SUMS, b1, 48);
  v128.store(SUMS, c0, 64);
  v128.store(SUMS, c1, 80);
}

// @ts-ignore: decorator
@inline
function sums(index: usize, shift: i32): v128 {
  return shifted(v128.load(SUMS + (index << 5)), v128.load(SUMS + (index << 5), 16), shift);
}

/** See `layers.ts`. */
export function residualRelu(layer: usize, lines: usize, target: usize, line: usize, above: usize, width: i32): void {
  const shift = load<i32>(layer, 12);
  const zero = i16x8.splat(0);
  for (let x = 0; x < width; x += 8) {
    const at = <usize>x << 2;
    convolve(layer, lines, at);
    const red = i16x8.max_s(sums(0, shift), zero), green = i16x8.max_s(sums(1, shift), zero), blue = i16x8.max_s(sums(2, shift), zero);
    storeFour(target + at, line, above + at, firstFour(red, green), firstFour(blue, zero));
    storeFour(target + at + 16, line, above + at + 16, lastFour(red, green), lastFour(blue, zero));
  }
}

/** Stores the first `count` pixels, at most four. */
// @ts-ignore: decorator
@inline
function storePixels(target: usize, rgba: v128, count: i32): void {
  if (count >= 4) v128.store(target, rgba);
  else if (count > 0) {
    v128.store32_lane(target, rgba, 0);
    if (count > 1) v128.store32_lane(target, rgba, 1, 4);
    if (count > 2) v128.store32_lane(target, rgba, 2, 8);
  }
}

/** See `layers.ts`. */
export function residualPixels(layer: usize, lines: usize, width: i32, out: usize): void {
  const shift = load<i32>(layer, 12);
  for (let x = 0; x < width; x += 8) {
    convolve(layer, lines, <usize>x << 2);
    // Narrowing clamps to levels.
    const redBlue = i8x16.narrow_i16x8_u(sums(0, shift), sums(2, shift));
    const greenAlpha = i8x16.narrow_i16x8_u(sums(1, shift), i16x8.splat(255));
    const redGreen = v128.shuffle<i8>(redBlue, greenAlpha, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
    const blueAlpha = v128.shuffle<i8>(redBlue, greenAlpha, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
    const target = out + (<usize>x << 2);
    storePixels(target, firstFour(redGreen, blueAlpha), width - x);
    storePixels(target + 16, lastFour(redGreen, blueAlpha), width - x - 4);
  }
}
