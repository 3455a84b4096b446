/**
 * The integer context model, SIMD twin of `arm.ts`.
 *
 * READ ME FIRST
 * - Lanes are outputs: four i32 sums in each of four vectors, a pair of i16 inputs is broadcast, and `dot` adds two products per lane. There are no
 *   horizontal sums before the last layer, and one position at a time wastes nothing however rare they are.
 * - Positions that `active` leaves out are not looked at, contexts that `memo.ts` knows are looked up.
 * - The layers are loops over inputs on purpose: V8 schedules straight-line code of this size so that every value is spilled. Two pairs a
 *   turn fill the registers.
 * - The taps come from six wide loads; the weights of the first layer are stored in that order (`codec.ts`, TAP_ORDER).
 * - Narrowing saturates at 32,767, which is the activation's upper limit, and the activation's shift is the last step before it.
 */
import { biasesOf, fractionBits, pairsOf, weightsOf } from "../codec";
import { TAPS, logScaleOffset } from "../memory";
import { toPrediction, zeroPrediction } from "./arm";
import { entryOf, isKnown, keyOf, known, openMemo, remember } from "./memo";

/** Bytes between the weights of two pairs of inputs: two i16 for each of 16 outputs. */
const PAIR: usize = 64;
/** Bytes of the inputs of a layer. */
const INPUTS: usize = 32;

// @ts-ignore: decorator
@inline
function gatherLow(position: usize, stride: usize): v128 {
  // Row −1: columns −3…0, then +1 and +2; row −3: columns 0 and +1.
  const taps = v128.load64_zero(position - stride - 6);
  return v128.load32_lane(position - 3 * stride, v128.load32_lane(position - stride + 2, taps, 2), 3);
}

// @ts-ignore: decorator
@inline
function gatherHigh(position: usize, stride: usize): v128 {
  // Row −2: columns −2…+1; row 0: columns −3…−1; row −2: column +2 in place of the symbol itself.
  const taps = v128.load64_lane(position - 6, v128.load64_zero(position - 2 * stride - 4), 1);
  return v128.load16_lane(position - 2 * stride + 4, taps, 7);
}

// @ts-ignore: decorator
@inline
function addPair(sum: v128, inputs: v128, weights: v128): v128 {
  return i32x4.add(sum, i32x4.dot_i16x8_s(inputs, weights));
}

// @ts-ignore: decorator
@inline
function activated(low: v128, high: v128, bits: i32): v128 {
  // (max(sum, 0) + half) >> bits = max((sum + half) >> bits, 0), and `half` is in the bias.
  return i16x8.max_s(i16x8.narrow_i32x4_s(i32x4.shr_s(low, bits), i32x4.shr_s(high, bits)), i16x8.splat(0));
}

/** A hidden layer, from 16 i16 at `inputs` to 16 i16 behind them. */
// @ts-ignore: decorator
@inline
function hiddenLayer(codec: usize, layer: i32, inputs: usize): void {
  const bits = fractionBits(codec, layer);
  let weights = pairsOf(codec, layer);
  const end = inputs + INPUTS;
  let a = v128.load(weights, 8 * PAIR), b = v128.load(weights, 8 * PAIR + 16);
  let c = v128.load(weights, 8 * PAIR + 32), d = v128.load(weights, 8 * PAIR + 48);
  while (inputs < end) {
    const first = v128.load32_splat(inputs), second = v128.load32_splat(inputs, 4);
    a = addPair(a, first, v128.load(weights));
    b = addPair(b, first, v128.load(weights, 16));
    c = addPair(c, first, v128.load(weights, 32));
    d = addPair(d, first, v128.load(weights, 48));
    a = addPair(a, second, v128.load(weights, PAIR));
    b = addPair(b, second, v128.load(weights, PAIR + 16));
    c = addPair(c, second, v128.load(weights, PAIR + 32));
    d = addPair(d, second, v128.load(weights, PAIR + 48));
    weights += 2 * PAIR;
    inputs += 8;
  }
  v128.store(end, activated(a, b, bits));
  v128.store(end, activated(c, d, bits), 16);
}

/** The prediction of the position whose taps these are. */
// @ts-ignore: decorator
@inline
function predictTaps(codec: usize, low: v128, high: v128, offset: i32): u32 {
  v128.store(TAPS, low);
  v128.store(TAPS, high, 16);
  hiddenLayer(codec, 0, TAPS);
  hiddenLayer(codec, 1, TAPS + INPUTS);
  const first = v128.load(TAPS, 2 * INPUTS), second = v128.load(TAPS, 2 * INPUTS + 16);
  const weights = weightsOf(codec, 2);
  const mean = addPair(i32x4.dot_i16x8_s(first, v128.load(weights)), second, v128.load(weights, 16));
  const scale = addPair(i32x4.dot_i16x8_s(first, v128.load(weights, 32)), second, v128.load(weights, 48));
  const halves = i32x4.add(v128.shuffle<i32>(mean, scale, 0, 4, 1, 5), v128.shuffle<i32>(mean, scale, 2, 6, 3, 7));
  const sums = i32x4.add(i32x4.add(halves, v128.shuffle<i32>(halves, halves, 2, 3, 2, 3)), v128.load(biasesOf(codec, 2)));
  return toPrediction(i32x4.extract_lane(sums, 0), i32x4.extract_lane(sums, 1), fractionBits(codec, 2), offset);
}

/** Same contract as `predict` in `arm.ts`. */
export function predictSimd(codec: usize, position: usize, stride: usize, step: isize, active: usize, count: i32, out: usize): void {
  const offset = logScaleOffset;
  openMemo(codec, offset, zeroPrediction(codec));
  for (let index = 0; index < count; ++index) {
    if (load<u8>(active + <usize>index) == 0) continue;
    const place = position + <usize>(<isize>index * step);
    const low = gatherLow(place, stride);
    const high = gatherHigh(place, stride);
    const key = keyOf(low, high);
    const entry = entryOf(key);
    if (!isKnown(entry, key)) remember(entry, key, predictTaps(codec, low, high, offset));
    store<u32>(out + (<usize>index << 2), known(entry));
  }
}
