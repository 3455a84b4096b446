/**
 * The integer context model: 16 taps to mean and scale of one symbol (FORMAT.md §4). Scalar twin of `arm_simd.ts`.
 *
 * READ ME FIRST
 * - Both twins compute the marked ones of up to 64 positions whose addresses in the context window differ by `step` bytes: 2 along a row,
 *   one row minus 3 samples along a wavefront.
 * - A prediction is (integer part << 16) | row index, one u32.
 * - No sum can overflow: the pack guarantees it, so the order of summation is free.
 * - Most positions of a fine grid have taps that are all 0. Their sums are computed once for each codec.
 */
import { biasesOf, fractionBits, weightsOf, zeroSums } from "../codec";
import { TAPS, logScaleOffset } from "../memory";

const INPUTS: i32 = 16;
const HIDDEN_BYTES: usize = 32;
/** The sums of one position, behind its taps and its hidden layer in the scratch. */
const SUMS: usize = TAPS + 2 * HIDDEN_BYTES;
export const MEAN_LIMIT: i32 = 127 * 256;

/** Rounds a last layer's sum to Q8, symmetrically around 0. */
// @ts-ignore: decorator
@inline
function roundOutput(sum: i32, bits: i32): i32 {
  const half = 1 << (bits - 1);
  return sum < 0 ? -((half - sum) >> bits) : (sum + half) >> bits;
}

/** @returns (integer part << 16) | (class · 16 + fraction + 8) from the two outputs, Q8 */
// @ts-ignore: decorator
@inline
export function predictionOf(mean: i32, logScale: i32, offset: i32): u32 {
  const sixteenths = (min(max(mean, -MEAN_LIMIT), MEAN_LIMIT) + 8) >> 4;
  const integer = (sixteenths + 8) >> 4;
  const fraction = sixteenths - (integer << 4);
  const scaleClass = min(max((logScale + offset + 768) >> 5, 0), 63);
  return (<u32>integer << 16) | <u32>((scaleClass << 4) + fraction + 8);
}

function toPrediction(meanSum: i32, scaleSum: i32, bits: i32, offset: i32): u32 {
  return predictionOf(roundOutput(meanSum, bits), roundOutput(scaleSum, bits), offset);
}

// @ts-ignore: decorator
@inline
export function integerOf(prediction: u32): i32 {
  return <i32>prediction >> 16;
}

// @ts-ignore: decorator
@inline
export function rowOf(prediction: u32): u32 {
  return prediction & 0xffff;
}

/** The prediction of positions whose taps are all 0. */
export function zeroPrediction(codec: usize): u32 {
  const sums = zeroSums(codec);
  return toPrediction(load<i32>(sums), load<i32>(sums, 4), fractionBits(codec, 2), logScaleOffset);
}

/**
 * Predicts up to 64 positions, `step` bytes apart in the context window.
 * @param codec  handle of the codec
 * @param position  address of the symbol of bit 0
 * @param stride  bytes from one row of the window to the next
 * @param marks  bit k is 0 where all taps of position k are 0 or nobody asks; such positions are left out
 * @param out  u32 × 64, filled where `marks` is not 0
 */
export function predict(codec: usize, position: usize, stride: usize, step: isize, marks: u64, out: usize): void {
  const bits = fractionBits(codec, 2);
  const offset = logScaleOffset;
  const empty = zeroPrediction(codec);
  for (; marks != 0; marks &= marks - 1) {
    const index = <usize>ctz(marks);
    gather(position + index * <usize>step, stride);
    let prediction = empty;
    if ((load<u64>(TAPS) | load<u64>(TAPS, 8) | load<u64>(TAPS, 16) | load<u64>(TAPS, 24)) != 0) {
      sumTaps(codec, SUMS);
      prediction = toPrediction(load<i32>(SUMS), load<i32>(SUMS, 4), bits, offset);
    }
    store<u32>(out + (index << 2), prediction);
  }
}

/** The two sums of the last layer, i32 × 2 at `out`, from the 16 taps in the scratch, which it overwrites. */
function sumTaps(codec: usize, out: usize): void {
  const hidden = TAPS + HIDDEN_BYTES;
  layer(codec, 0, TAPS, hidden);
  layer(codec, 1, hidden, TAPS);
  const biases = biasesOf(codec, 2);
  const weights = weightsOf(codec, 2);
  store<i32>(out, load<i32>(biases) + product(weights, TAPS));
  store<i32>(out, load<i32>(biases, 4) + product(weights + HIDDEN_BYTES, TAPS), 4);
}

/** Computes what `zeroSums` holds. */
export function fillZeroSums(codec: usize): void {
  memory.fill(TAPS, 0, HIDDEN_BYTES);
  sumTaps(codec, zeroSums(codec));
}

/** Copies the 16 taps around `position` in the order of FORMAT.md. */
function gather(position: usize, stride: usize): void {
  let row = position - 3 * stride;
  store<u32>(TAPS, load<u32>(row));
  row += stride;
  store<u64>(TAPS, load<u64>(row - 4), 4);
  store<u16>(TAPS, load<u16>(row, 4), 12);
  row += stride;
  store<u64>(TAPS, load<u64>(row - 6), 14);
  store<u32>(TAPS, load<u32>(row, 2), 22);
  store<u32>(TAPS, load<u32>(position - 6), 26);
  store<u16>(TAPS, load<u16>(position - 2), 30);
}

function product(weights: usize, inputs: usize): i32 {
  let sum: i32 = 0;
  for (let input: usize = 0; input < HIDDEN_BYTES; input += 2) {
    sum += <i32>load<i16>(weights + input) * <i32>load<i16>(inputs + input);
  }
  return sum;
}

function layer(codec: usize, index: i32, inputs: usize, outputs: usize): void {
  const bits = fractionBits(codec, index);
  const half = 1 << (bits - 1);
  const weights = weightsOf(codec, index);
  const biases = biasesOf(codec, index);
  for (let output = 0; output < INPUTS; ++output) {
    const sum = load<i32>(biases + (<usize>output << 2)) + product(weights + <usize>output * HIDDEN_BYTES, inputs);
    store<i16>(outputs + (<usize>output << 1), <i16>min((max(sum, 0) + half) >> bits, 32767));
  }
}
