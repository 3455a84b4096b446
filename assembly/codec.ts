/**
 * One codec at one rate anchor: its weights as the kernels want them, made from the bytes of `decoder.bin` (FORMAT.md §7.5).
 *
 * READ ME FIRST
 * - A handle is the address of the block below; every part starts at a multiple of 16.
 * - The SIMD context kernel reads the taps in the order in which wide loads of the window deliver them (`TAP_ORDER`), so its
 *   first layer has permuted columns. Integer sums do not depend on the order.
 *
 * ```
 * ┌ k × 3 ┐┌ zero sums ┐┌ scalar W1 W2 W3 i16 ┐┌ B1 B2 B3 i32 ┐┌ pairs P1 P2 P3 i16, biases i32 ┐┌ kernels f32 [6][8] ┐┌ w1 b1 w2 b2 w3 b3 w4 b4 f32 ┐┌ w1 w3 w4 transposed ┐
 * ```
 */
import { fillZeroSums } from "./context/arm";
import { closeMemo } from "./context/memo";
import { allocate } from "./memory";

const TAPS: i32 = 16;
export const HIDDEN: i32 = 48;

export const FRACTION_BITS: usize = 0;
const ZERO_SUMS: usize = 16;
export const WEIGHTS: usize = 32;
const LAYER_BYTES: usize = 512;
const LAST_LAYER_BYTES: usize = 64;
export const BIASES: usize = WEIGHTS + 2 * LAYER_BYTES + LAST_LAYER_BYTES;
const BIAS_BYTES: usize = 64;
const LAST_BIAS_BYTES: usize = 16;
export const PAIRS: usize = BIASES + 2 * BIAS_BYTES + LAST_BIAS_BYTES;
/** 8 pairs of inputs and the biases, for 16 outputs of 4 bytes. */
const PAIRS_BYTES: usize = 576;
export const KERNELS: usize = PAIRS + 3 * PAIRS_BYTES;
export const SYNTHESIS_W1: usize = KERNELS + 6 * 8 * 4;
export const SYNTHESIS_B1: usize = SYNTHESIS_W1 + 48 * 7 * 4;
export const SYNTHESIS_W2: usize = SYNTHESIS_B1 + 48 * 4;
export const SYNTHESIS_B2: usize = SYNTHESIS_W2 + 3 * 48 * 4;
export const SYNTHESIS_W3: usize = SYNTHESIS_B2 + 16;
export const SYNTHESIS_B3: usize = SYNTHESIS_W3 + 336;
export const SYNTHESIS_W4: usize = SYNTHESIS_B3 + 16;
export const SYNTHESIS_B4: usize = SYNTHESIS_W4 + 336;
/** w1 again, [unit / 4][feature][unit mod 4], as the SIMD kernel reads it. */
export const SYNTHESIS_TRANSPOSED: usize = SYNTHESIS_B4 + 16;
/** w3 and w4 again, [input, dy, dx][output]. */
export const SYNTHESIS_THIRD: usize = SYNTHESIS_TRANSPOSED + 48 * 7 * 4;
export const SYNTHESIS_LAST: usize = SYNTHESIS_THIRD + 336;
const CODEC_BYTES: u32 = <u32>(SYNTHESIS_LAST + 336);

/** Which tap of FORMAT.md §4 stands at each input of the SIMD kernel. */
const TAP_ORDER: StaticArray<u8> = [7, 8, 9, 10, 11, 12, 0, 1, 2, 3, 4, 5, 13, 14, 15, 6];

/** @returns address of the fractional bits k of layer 0, 1 or 2 */
// @ts-ignore: decorator
@inline
export function fractionBits(codec: usize, layer: i32): i32 {
  return load<i32>(codec + FRACTION_BITS + (<usize>layer << 2));
}

/** Address of the two sums of the last layer, i32, for taps that are all 0. */
// @ts-ignore: decorator
@inline
export function zeroSums(codec: usize): usize {
  return codec + ZERO_SUMS;
}

// @ts-ignore: decorator
@inline
export function weightsOf(codec: usize, layer: i32): usize {
  return codec + WEIGHTS + <usize>layer * LAYER_BYTES;
}

// @ts-ignore: decorator
@inline
export function biasesOf(codec: usize, layer: i32): usize {
  return codec + BIASES + <usize>layer * BIAS_BYTES;
}

// @ts-ignore: decorator
@inline
export function pairsOf(codec: usize, layer: i32): usize {
  return codec + PAIRS + <usize>layer * PAIRS_BYTES;
}

/** Address of {k0…k3, s0…s3} f32 of the upsampling step that produces `grid`. */
// @ts-ignore: decorator
@inline
export function kernelsOf(codec: usize, grid: i32): usize {
  return codec + KERNELS + (<usize>grid << 5);
}

/**
 * Prepares a codec from the bytes of one decoder, which the caller has checked.
 * @returns a handle, or 0 when there is no memory
 */
export function createCodec(block: usize): usize {
  const codec = allocate(CODEC_BYTES);
  if (codec == 0) return 0;
  closeMemo();
  memory.fill(codec, 0, <usize>CODEC_BYTES);
  let source = block + 8;
  for (let layer = 0; layer < 3; ++layer) {
    const outputs = layer < 2 ? TAPS : 2;
    store<i32>(codec + FRACTION_BITS + (<usize>layer << 2), <i32>load<u8>(source));
    source += 2;
    memory.copy(weightsOf(codec, layer), source, <usize>outputs * 32);
    pairWeights(source, pairsOf(codec, layer), outputs, layer == 0);
    source += <usize>outputs * 32;
    memory.copy(biasesOf(codec, layer), source, <usize>outputs * 4);
    roundBiases(codec, layer, outputs);
    source += <usize>outputs * 4;
  }
  fillZeroSums(codec);
  for (let grid = 5; grid >= 0; --grid) source = toFloats(source, kernelsOf(codec, grid), 8);
  source = toFloats(source, codec + SYNTHESIS_W1, 48 * 7);
  source = toFloats(source, codec + SYNTHESIS_B1, 48);
  source = toFloats(source, codec + SYNTHESIS_W2, 3 * 48);
  source = toFloats(source, codec + SYNTHESIS_B2, 3);
  source = toFloats(source, codec + SYNTHESIS_W3, 81);
  source = toFloats(source, codec + SYNTHESIS_B3, 3);
  source = toFloats(source, codec + SYNTHESIS_W4, 81);
  toFloats(source, codec + SYNTHESIS_B4, 3);
  transposeHidden(codec);
  transposeResidual(codec + SYNTHESIS_W3, codec + SYNTHESIS_THIRD);
  transposeResidual(codec + SYNTHESIS_W4, codec + SYNTHESIS_LAST);
  return codec;
}

/** [input pair][output] × {weight of the even input, of the odd one}, outputs padded with zeros to 16. */
function pairWeights(source: usize, target: usize, outputs: i32, permuted: bool): void {
  for (let pair = 0; pair < 8; ++pair) {
    for (let half = 0; half < 2; ++half) {
      const position = 2 * pair + half;
      const input = permuted ? <i32>unchecked(TAP_ORDER[position]) : position;
      for (let output = 0; output < outputs; ++output) {
        const weight = load<i16>(source + ((<usize>output * 16 + <usize>input) << 1));
        store<i16>(target + ((<usize>(pair * TAPS + output) * 2 + <usize>half) << 1), weight);
      }
    }
  }
}

/** Behind a layer's pairs: its biases, those of the hidden layers with the half that rounds their sums. */
function roundBiases(codec: usize, layer: i32, outputs: i32): void {
  const half = layer < 2 ? 1 << (fractionBits(codec, layer) - 1) : 0;
  const target = pairsOf(codec, layer) + <usize>(8 * TAPS * 4);
  for (let output: usize = 0; output < <usize>outputs; ++output) {
    store<i32>(target + (output << 2), load<i32>(biasesOf(codec, layer) + (output << 2)) + half);
  }
}

function transposeHidden(codec: usize): void {
  for (let unit = 0; unit < HIDDEN; ++unit) {
    for (let feature = 0; feature < 7; ++feature) {
      const place = <usize>((unit >> 2) * 28 + feature * 4 + (unit & 3)) << 2;
      store<f32>(codec + SYNTHESIS_TRANSPOSED + place, load<f32>(codec + SYNTHESIS_W1 + (<usize>(unit * 7 + feature) << 2)));
    }
  }
}

function transposeResidual(source: usize, target: usize): void {
  for (let output = 0; output < 3; ++output) {
    for (let tap = 0; tap < 27; ++tap) {
      store<f32>(target + (<usize>(tap * 3 + output) << 2), load<f32>(source + (<usize>(output * 27 + tap) << 2)));
    }
  }
}

/** Integers i16 after {shift u8, 0} to integer · 2^−shift. @returns the address after them */
function toFloats(source: usize, target: usize, count: i32): usize {
  const scale: f32 = <f32>1.0 / <f32>(1 << load<u8>(source));
  source += 2;
  for (let index = 0; index < count; ++index) {
    store<f32>(target + (<usize>index << 2), <f32>load<i16>(source + (<usize>index << 1)) * scale);
  }
  return source + (<usize>count << 1);
}
