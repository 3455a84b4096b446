/**
 * The integer context model, SIMD twin of `arm.ts`.
 *
 * READ ME FIRST
 * - Lanes are four POSITIONS, not outputs: an i32 lane holds a pair of i16 inputs of one position, a pair of weights is broadcast,
 *   and `dot` adds two products per lane. There are no horizontal sums, and the rounding at the end is done for four at once.
 * - Positions whose taps are all 0, most of a fine grid, get the prediction that `createCodec` has computed for them. The others
 *   wait in a queue of four in the TAPS scratch, so that vectors are full however rare they are. The last vector of a run is
 *   filled up with what the queue held before; those results are dropped.
 * - The layers are loops over outputs on purpose: V8 schedules straight-line code of this size so that every value is spilled.
 * - The taps come from five wide loads; the weights of the first layer are stored in that order (`codec.ts`, TAP_ORDER).
 * - Narrowing saturates at 32,767, which is the activation's upper limit, and the activation's shift is the last step before it.
 */
import { fractionBits, pairsOf, zeroSums } from "../codec";
import { TAPS, logScaleOffset } from "../memory";
import { MEAN_LIMIT, toPrediction } from "./arm";

/** Bytes between the weights of two pairs of inputs: two i16 for each of 16 outputs. */
const PAIR: usize = 64;
/** Queue in the TAPS scratch: 4 × 16 taps i16, then 4 × the address of the prediction. */
const TARGETS: usize = TAPS + 128;
/** Outputs of a hidden layer: 16 × 4 positions × i16. */
const HIDDEN: usize = TAPS + 144;
const HIDDEN_END: usize = HIDDEN + 128;

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

/**
 * One output at four positions: its bias and the products. `column` is the address of its weight in the first pair; the offsets are
 * literals so that they cost no addition.
 */
// @ts-ignore: decorator
@inline
function output(column: usize, p0: v128, p1: v128, p2: v128, p3: v128, p4: v128, p5: v128, p6: v128, p7: v128): v128 {
  let sum = addPair(v128.load32_splat(column, 8 * PAIR), p0, v128.load32_splat(column));
  sum = addPair(sum, p1, v128.load32_splat(column, PAIR));
  sum = addPair(sum, p2, v128.load32_splat(column, 2 * PAIR));
  sum = addPair(sum, p3, v128.load32_splat(column, 3 * PAIR));
  sum = addPair(sum, p4, v128.load32_splat(column, 4 * PAIR));
  sum = addPair(sum, p5, v128.load32_splat(column, 5 * PAIR));
  sum = addPair(sum, p6, v128.load32_splat(column, 6 * PAIR));
  return addPair(sum, p7, v128.load32_splat(column, 7 * PAIR));
}

/** A hidden layer at four positions, from pairs of inputs to HIDDEN: 16 outputs × 4 positions, i16. */
// @ts-ignore: decorator
@inline
function hiddenLayer(codec: usize, layer: i32, p0: v128, p1: v128, p2: v128, p3: v128, p4: v128, p5: v128, p6: v128, p7: v128): void {
  const bits = fractionBits(codec, layer);
  let column = pairsOf(codec, layer);
  let out = HIDDEN;
  while (out < HIDDEN_END) {
    // (max(sum, 0) + half) >> bits = max((sum + half) >> bits, 0), and `half` is in the bias.
    const shifted = i32x4.shr_s(output(column, p0, p1, p2, p3, p4, p5, p6, p7), bits);
    v128.store64_lane(out, i16x8.max_s(i16x8.narrow_i32x4_s(shifted, shifted), i16x8.splat(0)), 0);
    column += 4;
    out += 8;
  }
}

/** Two outputs of a hidden layer as a pair of inputs of the next one. */
// @ts-ignore: decorator
@inline
function pairAt(address: usize): v128 {
  return v128.shuffle<i16>(v128.load64_zero(address), v128.load64_zero(address, 8), 0, 8, 1, 9, 2, 10, 3, 11);
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
  // Taps of four positions to pairs of inputs.
  let a = firstPairs(v128.load(TAPS, 0), v128.load(TAPS, 32));
  let b = firstPairs(v128.load(TAPS, 64), v128.load(TAPS, 96));
  let p0 = lowHalves(a, b), p1 = highHalves(a, b);
  a = lastPairs(v128.load(TAPS, 0), v128.load(TAPS, 32));
  b = lastPairs(v128.load(TAPS, 64), v128.load(TAPS, 96));
  let p2 = lowHalves(a, b), p3 = highHalves(a, b);
  a = firstPairs(v128.load(TAPS, 16), v128.load(TAPS, 48));
  b = firstPairs(v128.load(TAPS, 80), v128.load(TAPS, 112));
  let p4 = lowHalves(a, b), p5 = highHalves(a, b);
  a = lastPairs(v128.load(TAPS, 16), v128.load(TAPS, 48));
  b = lastPairs(v128.load(TAPS, 80), v128.load(TAPS, 112));
  let p6 = lowHalves(a, b), p7 = highHalves(a, b);

  for (let layer = 0; layer < 2; ++layer) {
    hiddenLayer(codec, layer, p0, p1, p2, p3, p4, p5, p6, p7);
    p0 = pairAt(HIDDEN);
    p1 = pairAt(HIDDEN + 16);
    p2 = pairAt(HIDDEN + 32);
    p3 = pairAt(HIDDEN + 48);
    p4 = pairAt(HIDDEN + 64);
    p5 = pairAt(HIDDEN + 80);
    p6 = pairAt(HIDDEN + 96);
    p7 = pairAt(HIDDEN + 112);
  }

  // The last layer and what `toPrediction` of arm.ts does.
  const k3 = fractionBits(codec, 2);
  const half3 = i32x4.splat(1 << (k3 - 1));
  const zero = i32x4.splat(0);
  const last = pairsOf(codec, 2);
  const meanSums = output(last, p0, p1, p2, p3, p4, p5, p6, p7);
  const scaleSums = output(last + 4, p0, p1, p2, p3, p4, p5, p6, p7);
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
