/**
 * The integer context model, SIMD twin of `arm.ts`.
 *
 * READ ME FIRST
 * - Lanes are OUTPUTS, not positions: a pair of inputs is broadcast and `dot`ted with the pair's weights for four outputs at a
 *   time, so there are no horizontal sums. A 16 → 16 layer is 8 broadcasts and 32 dots.
 * - The taps come from five wide loads; the weights of the first layer are stored in that order (`codec.ts`, TAP_ORDER).
 * - Narrowing saturates at 32,767, which is the activation's upper limit, and the activation's shift is the last step before it.
 */
import { biasesOf, fractionBits, pairsOf } from "../codec";
import { logScaleOffset } from "../memory";
import { toPrediction } from "./arm";

// @ts-ignore: decorator
@inline
function gather(position: usize, stride: usize, high: bool): v128 {
  if (!high) {
    // Row −1: columns −3…0, then +1 and +2; row −3: columns 0 and +1.
    const taps = v128.load64_zero(position - stride - 6);
    return v128.load32_lane(position - 3 * stride, v128.load32_lane(position - stride + 2, taps, 2), 3);
  }
  // Row −2: columns −2…+1; row 0: columns −3…−1; row −2: column +2 in place of the symbol itself.
  const taps = v128.load64_lane(position - 6, v128.load64_zero(position - 2 * stride - 4), 1);
  return v128.load16_lane(position - 2 * stride + 4, taps, 7);
}

// @ts-ignore: decorator
@inline
function addPair(sum: v128, inputs: v128, weights: usize): v128 {
  return i32x4.add(sum, i32x4.dot_i16x8_s(inputs, v128.load(weights)));
}

/** Four outputs of a hidden layer; `low` and `high` are the 16 inputs. */
// @ts-ignore: decorator
@inline
function fourOutputs(low: v128, high: v128, weights: usize, bias: usize, half: v128, bits: i32, columns: usize): v128 {
  let even = v128.load(bias);
  let odd = half;
  even = addPair(even, v128.shuffle<i32>(low, low, 0, 0, 0, 0), weights);
  odd = addPair(odd, v128.shuffle<i32>(low, low, 1, 1, 1, 1), weights + columns);
  even = addPair(even, v128.shuffle<i32>(low, low, 2, 2, 2, 2), weights + 2 * columns);
  odd = addPair(odd, v128.shuffle<i32>(low, low, 3, 3, 3, 3), weights + 3 * columns);
  even = addPair(even, v128.shuffle<i32>(high, high, 0, 0, 0, 0), weights + 4 * columns);
  odd = addPair(odd, v128.shuffle<i32>(high, high, 1, 1, 1, 1), weights + 5 * columns);
  even = addPair(even, v128.shuffle<i32>(high, high, 2, 2, 2, 2), weights + 6 * columns);
  odd = addPair(odd, v128.shuffle<i32>(high, high, 3, 3, 3, 3), weights + 7 * columns);
  // max(sum, 0) + half = max(sum + half, half), and `half` is already inside.
  return i32x4.shr_s(i32x4.max_s(i32x4.add(even, odd), half), bits);
}

/** Same contract as `predict` in `arm.ts`. */
export function predictSimd(codec: usize, position: usize, stride: usize, step: isize, count: i32, out: usize): void {
  const w1 = pairsOf(codec, 0);
  const w2 = pairsOf(codec, 1);
  const w3 = pairsOf(codec, 2);
  const b1 = biasesOf(codec, 0);
  const b2 = biasesOf(codec, 1);
  const b3 = biasesOf(codec, 2);
  const k1 = fractionBits(codec, 0);
  const k2 = fractionBits(codec, 1);
  const k3 = fractionBits(codec, 2);
  const half1 = i32x4.splat(1 << (k1 - 1));
  const half2 = i32x4.splat(1 << (k2 - 1));
  const zero = i32x4.splat(0);
  const offset = logScaleOffset;
  const end = out + (<usize>count << 2);
  while (out < end) {
    let low = gather(position, stride, false);
    let high = gather(position, stride, true);
    let a = fourOutputs(low, high, w1, b1, half1, k1, 64);
    let b = fourOutputs(low, high, w1 + 16, b1 + 16, half1, k1, 64);
    let c = fourOutputs(low, high, w1 + 32, b1 + 32, half1, k1, 64);
    let d = fourOutputs(low, high, w1 + 48, b1 + 48, half1, k1, 64);
    low = i16x8.narrow_i32x4_s(a, b);
    high = i16x8.narrow_i32x4_s(c, d);
    a = fourOutputs(low, high, w2, b2, half2, k2, 64);
    b = fourOutputs(low, high, w2 + 16, b2 + 16, half2, k2, 64);
    c = fourOutputs(low, high, w2 + 32, b2 + 32, half2, k2, 64);
    d = fourOutputs(low, high, w2 + 48, b2 + 48, half2, k2, 64);
    low = i16x8.narrow_i32x4_s(a, b);
    high = i16x8.narrow_i32x4_s(c, d);
    const sums = i32x4.add(lastPairs(low, w3, v128.load(b3)), lastPairs(high, w3 + 64, zero));
    store<u32>(out, toPrediction(i32x4.extract_lane(sums, 0), i32x4.extract_lane(sums, 1), k3, offset));
    position += step;
    out += 4;
  }
}

// @ts-ignore: decorator
@inline
function lastPairs(inputs: v128, weights: usize, start: v128): v128 {
  let sum = addPair(start, v128.shuffle<i32>(inputs, inputs, 0, 0, 0, 0), weights);
  sum = addPair(sum, v128.shuffle<i32>(inputs, inputs, 1, 1, 1, 1), weights + 16);
  sum = addPair(sum, v128.shuffle<i32>(inputs, inputs, 2, 2, 2, 2), weights + 32);
  return addPair(sum, v128.shuffle<i32>(inputs, inputs, 3, 3, 3, 3), weights + 48);
}
