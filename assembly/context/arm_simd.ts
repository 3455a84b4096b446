/**
 * The integer context model, SIMD twin of `arm.ts`.
 *
 * READ ME FIRST
 * - Lanes are outputs: four i32 sums in each of four vectors, a pair of i16 inputs is broadcast, and `dot` adds two products per lane. There are no
 *   horizontal sums before the last layer.
 * - Positions that `marks` leaves out are not looked at, contexts that `memo.ts` knows are looked up. The others wait for one more, since
 *   two share the loads of the weights; a last one is computed beside whatever the scratch holds.
 * - The layers are loops over inputs on purpose: V8 schedules straight-line code of this size so that every value is spilled.
 * - The taps come from six wide loads; the weights of the first layer are stored in that order (`codec.ts`, TAP_ORDER).
 * - Narrowing saturates at 32,767, which is the activation's upper limit, and the activation's shift is the last step before it.
 */
import { biasesOf, fractionBits, pairsOf, weightsOf } from "../codec";
import { TAPS, logScaleOffset } from "../memory";
import { predictionOf, zeroPrediction } from "./arm";
import { entryOf, isKnown, isMemoOf, keyOf, known, openMemo, remember } from "./memo";

/** Bytes between the weights of two pairs of inputs: two i16 for each of 16 outputs. */
const PAIR: usize = 64;
/** Bytes of the inputs of a layer. */
const INPUTS: usize = 32;
/** Bytes of the taps and the hidden units of a position in the scratch. */
const POSITION: usize = 3 * INPUTS;

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

/** A hidden layer of two positions, from 16 i16 at `inputs` to 16 i16 behind them. */
// @ts-ignore: decorator
@inline
function hiddenLayer(codec: usize, layer: i32, inputs: usize): void {
  const bits = fractionBits(codec, layer);
  let weights = pairsOf(codec, layer);
  const end = inputs + INPUTS;
  let a = v128.load(weights, 8 * PAIR), b = v128.load(weights, 8 * PAIR + 16);
  let c = v128.load(weights, 8 * PAIR + 32), d = v128.load(weights, 8 * PAIR + 48);
  let e = a, f = b, g = c, h = d;
  while (inputs < end) {
    const first = v128.load32_splat(inputs), second = v128.load32_splat(inputs, POSITION);
    let pair = v128.load(weights);
    a = addPair(a, first, pair);
    e = addPair(e, second, pair);
    pair = v128.load(weights, 16);
    b = addPair(b, first, pair);
    f = addPair(f, second, pair);
    pair = v128.load(weights, 32);
    c = addPair(c, first, pair);
    g = addPair(g, second, pair);
    pair = v128.load(weights, 48);
    d = addPair(d, first, pair);
    h = addPair(h, second, pair);
    weights += PAIR;
    inputs += 4;
  }
  v128.store(end, activated(a, b, bits));
  v128.store(end, activated(c, d, bits), 16);
  v128.store(end, activated(e, f, bits), POSITION);
  v128.store(end, activated(g, h, bits), POSITION + 16);
}

/** {mean, mean, log-scale, log-scale} in halves: two of the four summands of each output of the position whose hidden units these are. */
// @ts-ignore: decorator
@inline
function lastLayer(weights: usize, hidden: usize): v128 {
  const first = v128.load(hidden), second = v128.load(hidden, 16);
  const mean = addPair(i32x4.dot_i16x8_s(first, v128.load(weights)), second, v128.load(weights, 16));
  const scale = addPair(i32x4.dot_i16x8_s(first, v128.load(weights, 32)), second, v128.load(weights, 48));
  return i32x4.add(v128.shuffle<i32>(mean, scale, 0, 4, 1, 5), v128.shuffle<i32>(mean, scale, 2, 6, 3, 7));
}

/** The outputs {mean, log-scale} of the two positions whose taps are in the scratch, Q8. */
function outputsOfTwo(codec: usize): v128 {
  hiddenLayer(codec, 0, TAPS);
  hiddenLayer(codec, 1, TAPS + INPUTS);
  const weights = weightsOf(codec, 2);
  const first = lastLayer(weights, TAPS + 2 * INPUTS);
  const second = lastLayer(weights, TAPS + POSITION + 2 * INPUTS);
  const sums = i32x4.add(v128.shuffle<i32>(first, second, 0, 1, 4, 5), v128.shuffle<i32>(first, second, 2, 3, 6, 7));
  const biased = i32x4.add(sums, v128.load64_splat(biasesOf(codec, 2)));
  // Rounded symmetrically around 0.
  const bits = fractionBits(codec, 2);
  const sign = i32x4.shr_s(biased, 31);
  const magnitude = i32x4.shr_s(i32x4.add(i32x4.abs(biased), i32x4.splat(1 << (bits - 1))), bits);
  return i32x4.sub(v128.xor(magnitude, sign), sign);
}

// @ts-ignore: decorator
@inline
function learn(taps: usize, prediction: u32, out: usize): void {
  const key = keyOf(v128.load(taps), v128.load(taps, 16));
  remember(entryOf(key), key, prediction);
  store<u32>(out, prediction);
}

/** Same contract as `predict` in `arm.ts`. */
export function predictSimd(codec: usize, position: usize, stride: usize, step: isize, marks: u64, out: usize): void {
  const offset = logScaleOffset;
  if (!isMemoOf(codec, offset)) openMemo(codec, offset, zeroPrediction(codec));
  // Where the prediction of the position goes that waits for another one; 0 without.
  let waiting: usize = 0;
  for (; marks != 0; marks &= marks - 1) {
    const index = <usize>ctz(marks);
    const place = position + index * <usize>step;
    const low = gatherLow(place, stride);
    const high = gatherHigh(place, stride);
    const key = keyOf(low, high);
    const entry = entryOf(key);
    const target = out + (index << 2);
    if (isKnown(entry, key)) {
      store<u32>(target, known(entry));
      continue;
    }
    const taps = waiting == 0 ? TAPS : TAPS + POSITION;
    v128.store(taps, low);
    v128.store(taps, high, 16);
    if (waiting == 0) {
      waiting = target;
      continue;
    }
    const outputs = outputsOfTwo(codec);
    learn(TAPS, predictionOf(i32x4.extract_lane(outputs, 0), i32x4.extract_lane(outputs, 1), offset), waiting);
    learn(TAPS + POSITION, predictionOf(i32x4.extract_lane(outputs, 2), i32x4.extract_lane(outputs, 3), offset), target);
    waiting = 0;
  }
  if (waiting != 0) {
    const outputs = outputsOfTwo(codec);
    learn(TAPS, predictionOf(i32x4.extract_lane(outputs, 0), i32x4.extract_lane(outputs, 1), offset), waiting);
  }
}
