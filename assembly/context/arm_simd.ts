/**
 * The integer context model, SIMD twin of `arm.ts`.
 *
 * READ ME FIRST
 * - Lanes are four POSITIONS, not outputs: an i32 lane holds a pair of i16 inputs of one position, a pair of weights is broadcast,
 *   and `dot` adds two products per lane. There are no horizontal sums, and the rounding at the end is done for four at once.
 * - Positions whose taps are all 0, most of a fine grid, get the prediction that `createCodec` has computed for them. The others
 *   wait in a queue of four in the TAPS scratch, so that vectors are full however rare they are. The last vector of a run is
 *   filled up with what the queue held before; those results are dropped.
 * - The taps come from five wide loads; the weights of the first layer are stored in that order (`codec.ts`, TAP_ORDER).
 * - Narrowing saturates at 32,767, which is the activation's upper limit, and the activation's shift is the last step before it.
 */
import { biasesOf, fractionBits, pairsOf, zeroSums } from "../codec";
import { TAPS, logScaleOffset } from "../memory";
import { MEAN_LIMIT, toPrediction } from "./arm";

/** Bytes between the weights of two pairs of inputs: two i16 for each of 16 outputs; of the last layer, 4 outputs. */
const PAIR: usize = 64;
const LAST_PAIR: usize = 16;
/** Queue in the TAPS scratch: 4 × 16 taps i16, then 4 × the address of the prediction. */
const TARGETS: usize = TAPS + 128;

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
function addPair(sum: v128, inputs: v128, weights: usize, offset: usize): v128 {
  return i32x4.add(sum, i32x4.dot_i16x8_s(inputs, v128.load32_splat(weights, offset)));
}

/** One output at four positions: the sum of its bias, `start` and the products. */
// @ts-ignore: decorator
@inline
function output(
  start: v128, bias: usize, weights: usize, pair: usize, index: usize,
  p0: v128, p1: v128, p2: v128, p3: v128, p4: v128, p5: v128, p6: v128, p7: v128,
): v128 {
  let sum = i32x4.add(start, v128.load32_splat(bias, index << 2));
  sum = addPair(sum, p0, weights, index << 2);
  sum = addPair(sum, p1, weights, pair + (index << 2));
  sum = addPair(sum, p2, weights, 2 * pair + (index << 2));
  sum = addPair(sum, p3, weights, 3 * pair + (index << 2));
  sum = addPair(sum, p4, weights, 4 * pair + (index << 2));
  sum = addPair(sum, p5, weights, 5 * pair + (index << 2));
  sum = addPair(sum, p6, weights, 6 * pair + (index << 2));
  return addPair(sum, p7, weights, 7 * pair + (index << 2));
}

/** Two outputs of a hidden layer at four positions, as a pair of inputs of the next layer. */
// @ts-ignore: decorator
@inline
function hiddenPair(
  half: v128, bits: i32, bias: usize, weights: usize, index: usize,
  p0: v128, p1: v128, p2: v128, p3: v128, p4: v128, p5: v128, p6: v128, p7: v128,
): v128 {
  // max(sum, 0) + half = max(sum + half, half), and `half` is already inside.
  const even = i32x4.max_s(output(half, bias, weights, PAIR, index, p0, p1, p2, p3, p4, p5, p6, p7), half);
  const odd = i32x4.max_s(output(half, bias, weights, PAIR, index + 1, p0, p1, p2, p3, p4, p5, p6, p7), half);
  const narrow = i16x8.narrow_i32x4_s(i32x4.shr_s(even, bits), i32x4.shr_s(odd, bits));
  return v128.shuffle<i16>(narrow, narrow, 0, 4, 1, 5, 2, 6, 3, 7);
}

/** Rounds sums of the last layer to Q8, symmetrically around 0. */
// @ts-ignore: decorator
@inline
function roundOutputs(sums: v128, half: v128, bits: i32): v128 {
  const signs = i32x4.shr_s(sums, 31);
  const rounded = i32x4.shr_s(i32x4.add(i32x4.abs(sums), half), bits);
  return i32x4.sub(v128.xor(rounded, signs), signs);
}

// The four steps of transposing 4 × 4 lanes.

// @ts-ignore: decorator
@inline
function firstPairs(a: v128, b: v128): v128 {
  return v128.shuffle<i32>(a, b, 0, 4, 1, 5);
}

// @ts-ignore: decorator
@inline
function lastPairs(a: v128, b: v128): v128 {
  return v128.shuffle<i32>(a, b, 2, 6, 3, 7);
}

// @ts-ignore: decorator
@inline
function lowHalves(a: v128, b: v128): v128 {
  return v128.shuffle<i64>(a, b, 0, 2);
}

// @ts-ignore: decorator
@inline
function highHalves(a: v128, b: v128): v128 {
  return v128.shuffle<i64>(a, b, 1, 3);
}

/** Predicts the four queued positions and stores the results where the queue says. */
function predictQueue(codec: usize, offset: i32): void {
  const w1 = pairsOf(codec, 0);
  const w2 = pairsOf(codec, 1);
  const w3 = pairsOf(codec, 2);
  const b1 = biasesOf(codec, 0);
  const b2 = biasesOf(codec, 1);
  const b3 = biasesOf(codec, 2);

  // Taps of four positions to pairs of inputs.
  let a = firstPairs(v128.load(TAPS, 0), v128.load(TAPS, 32));
  let b = firstPairs(v128.load(TAPS, 64), v128.load(TAPS, 96));
  const p0 = lowHalves(a, b), p1 = highHalves(a, b);
  a = lastPairs(v128.load(TAPS, 0), v128.load(TAPS, 32));
  b = lastPairs(v128.load(TAPS, 64), v128.load(TAPS, 96));
  const p2 = lowHalves(a, b), p3 = highHalves(a, b);
  a = firstPairs(v128.load(TAPS, 16), v128.load(TAPS, 48));
  b = firstPairs(v128.load(TAPS, 80), v128.load(TAPS, 112));
  const p4 = lowHalves(a, b), p5 = highHalves(a, b);
  a = lastPairs(v128.load(TAPS, 16), v128.load(TAPS, 48));
  b = lastPairs(v128.load(TAPS, 80), v128.load(TAPS, 112));
  const p6 = lowHalves(a, b), p7 = highHalves(a, b);

  const k1 = fractionBits(codec, 0);
  const half1 = i32x4.splat(1 << (k1 - 1));
  const q0 = hiddenPair(half1, k1, b1, w1, 0, p0, p1, p2, p3, p4, p5, p6, p7);
  const q1 = hiddenPair(half1, k1, b1, w1, 2, p0, p1, p2, p3, p4, p5, p6, p7);
  const q2 = hiddenPair(half1, k1, b1, w1, 4, p0, p1, p2, p3, p4, p5, p6, p7);
  const q3 = hiddenPair(half1, k1, b1, w1, 6, p0, p1, p2, p3, p4, p5, p6, p7);
  const q4 = hiddenPair(half1, k1, b1, w1, 8, p0, p1, p2, p3, p4, p5, p6, p7);
  const q5 = hiddenPair(half1, k1, b1, w1, 10, p0, p1, p2, p3, p4, p5, p6, p7);
  const q6 = hiddenPair(half1, k1, b1, w1, 12, p0, p1, p2, p3, p4, p5, p6, p7);
  const q7 = hiddenPair(half1, k1, b1, w1, 14, p0, p1, p2, p3, p4, p5, p6, p7);

  const k2 = fractionBits(codec, 1);
  const half2 = i32x4.splat(1 << (k2 - 1));
  const r0 = hiddenPair(half2, k2, b2, w2, 0, q0, q1, q2, q3, q4, q5, q6, q7);
  const r1 = hiddenPair(half2, k2, b2, w2, 2, q0, q1, q2, q3, q4, q5, q6, q7);
  const r2 = hiddenPair(half2, k2, b2, w2, 4, q0, q1, q2, q3, q4, q5, q6, q7);
  const r3 = hiddenPair(half2, k2, b2, w2, 6, q0, q1, q2, q3, q4, q5, q6, q7);
  const r4 = hiddenPair(half2, k2, b2, w2, 8, q0, q1, q2, q3, q4, q5, q6, q7);
  const r5 = hiddenPair(half2, k2, b2, w2, 10, q0, q1, q2, q3, q4, q5, q6, q7);
  const r6 = hiddenPair(half2, k2, b2, w2, 12, q0, q1, q2, q3, q4, q5, q6, q7);
  const r7 = hiddenPair(half2, k2, b2, w2, 14, q0, q1, q2, q3, q4, q5, q6, q7);

  // The last layer and what `toPrediction` of arm.ts does.
  const k3 = fractionBits(codec, 2);
  const half3 = i32x4.splat(1 << (k3 - 1));
  const zero = i32x4.splat(0);
  const meanSums = output(zero, b3, w3, LAST_PAIR, 0, r0, r1, r2, r3, r4, r5, r6, r7);
  const scaleSums = output(zero, b3, w3, LAST_PAIR, 1, r0, r1, r2, r3, r4, r5, r6, r7);
  const limit = i32x4.splat(MEAN_LIMIT);
  const eight = i32x4.splat(8);
  const mean = i32x4.max_s(i32x4.min_s(roundOutputs(meanSums, half3, k3), limit), i32x4.neg(limit));
  const sixteenths = i32x4.shr_s(i32x4.add(mean, eight), 4);
  const integer = i32x4.shr_s(i32x4.add(sixteenths, eight), 4);
  const fraction = i32x4.sub(sixteenths, i32x4.shl(integer, 4));
  const scale = i32x4.shr_s(i32x4.add(roundOutputs(scaleSums, half3, k3), i32x4.splat(offset + 768)), 5);
  const scaleClass = i32x4.min_s(i32x4.max_s(scale, zero), i32x4.splat(63));
  const row = i32x4.add(i32x4.add(i32x4.shl(scaleClass, 4), fraction), eight);
  const predictions = v128.or(i32x4.shl(integer, 16), row);
  // Backwards: empty slots have the first slot's address.
  v128.store32_lane(load<u32>(TARGETS, 12), predictions, 3);
  v128.store32_lane(load<u32>(TARGETS, 8), predictions, 2);
  v128.store32_lane(load<u32>(TARGETS, 4), predictions, 1);
  v128.store32_lane(load<u32>(TARGETS, 0), predictions, 0);
}

/** Same contract as `predict` in `arm.ts`. */
export function predictSimd(codec: usize, position: usize, stride: usize, step: isize, count: i32, out: usize): void {
  const offset = logScaleOffset;
  const sums = zeroSums(codec);
  const zeroPrediction = toPrediction(load<i32>(sums), load<i32>(sums, 4), fractionBits(codec, 2), offset);
  const end = out + (<usize>count << 2);
  let queued: usize = 0;
  while (out < end) {
    const low = gatherLow(position, stride);
    const high = gatherHigh(position, stride);
    if (v128.any_true(v128.or(low, high))) {
      const slot = TAPS + (queued << 5);
      v128.store(slot, low);
      v128.store(slot, high, 16);
      store<u32>(TARGETS + (queued << 2), <u32>out);
      if (++queued == 4) {
        predictQueue(codec, offset);
        queued = 0;
      }
    } else {
      store<u32>(out, zeroPrediction);
    }
    position += step;
    out += 4;
  }
  if (queued > 0) {
    // Empty slots write to the place of the first, which is written last.
    for (let slot = queued; slot < 4; ++slot) store<u32>(TARGETS + (slot << 2), load<u32>(TARGETS));
    predictQueue(codec, offset);
  }
}
