/**
 * One codec at one rate anchor: its weights as the kernels want them, made from the bytes of `decoder.bin` (FORMAT.md §7.5).
 *
 * READ ME FIRST
 * - A handle is the address of the block below; every part starts at a multiple of 16.
 * - The SIMD context kernel reads the taps in the order in which wide loads of the window deliver them (`TAP_ORDER`), so its
 *   first layer has permuted columns. Integer sums do not depend on the order.
 *
 * - Hidden units of the synthesis whose weights to all colours are 0 are left out; those in use stand first, filled up with zeros to whole fours.
 * - The layers of the synthesis are stored once: the scalar and the SIMD kernels read the same pairs (`synthesis/kernels.ts`).
 *
 * ```
 * ┌ k × 3 ┐┌ units in use ┐┌ zero sums ┐┌ scalar W1 W2 W3 i16 ┐┌ B1 B2 B3 i32 ┐┌ pairs P1 P2 P3 i16, biases i32 ┐┌ kernels f32 [6][8] ┐┌ features ┐┌ 1×1 layers ┐┌ 3×3 layers × 2 ┐┌ the same as floats ┐
 * ```
 */
import { fillZeroSums } from "./context/arm";
import { closeMemo } from "./context/memo";
import { allocate } from "./memory";

const TAPS: i32 = 16;
export const HIDDEN: i32 = 48;

export const FRACTION_BITS: usize = 0;
const UNITS_IN_USE: usize = 12;
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
/** f32 × 7: the largest feature that its 16 bits hold; then f32 × 7: the number whose sum with a feature has those bits at its end. */
export const FEATURE_LIMITS: usize = KERNELS + 6 * 8 * 4;
export const FEATURE_MAGIC: usize = FEATURE_LIMITS + 32;
/** The 1×1 layers: 24 pairs of units × `UNIT_PAIR_BYTES`, then biases i32 × 3 and shift i32 of the second layer. */
export const POINTWISE: usize = FEATURE_MAGIC + 32;
/** Of two units {b1, w1[0…6]} i16 each, then {w2 of the one, of the other} i16 for red, green, blue. */
export const UNIT_PAIR_BYTES: usize = 44;
export const POINTWISE_END: usize = POINTWISE + <usize>(HIDDEN / 2) * UNIT_PAIR_BYTES;
/**
 * A 3×3 layer: biases i32 × 3, shift i32, then 15 taps × 3 outputs × {i16, i16}. The taps of five lines of three, for what lies there in
 * memory: red and green of the row above, {blue, 0} of it, red and green of the row, blue of the row and of the one below, red and
 * green of the row below.
 */
export const RESIDUAL_TAPS: usize = 16;
const RESIDUAL_BYTES: usize = 208;
export const RESIDUAL_THIRD: usize = POINTWISE_END + 16;
export const RESIDUAL_LAST: usize = RESIDUAL_THIRD + RESIDUAL_BYTES;
/** The synthesis as floats (`float_model.ts`): w1 [48][7], b1 [48], w2 [3][48], b2 [3], then w3, b3, w4, b4 with w [output][input, dy, dx]. */
export const SYNTHESIS_W1: usize = RESIDUAL_LAST + RESIDUAL_BYTES;
export const SYNTHESIS_B1: usize = SYNTHESIS_W1 + 48 * 7 * 4;
export const SYNTHESIS_W2: usize = SYNTHESIS_B1 + 48 * 4;
export const SYNTHESIS_B2: usize = SYNTHESIS_W2 + 3 * 48 * 4;
export const SYNTHESIS_W3: usize = SYNTHESIS_B2 + 16;
export const SYNTHESIS_B3: usize = SYNTHESIS_W3 + 336;
export const SYNTHESIS_W4: usize = SYNTHESIS_B3 + 16;
export const SYNTHESIS_B4: usize = SYNTHESIS_W4 + 336;
/** w1 again, [unit / 4][feature][unit mod 4], as the SIMD kernels read it. */
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

/** @returns the hidden units that kernels have to compute, a multiple of 4 */
// @ts-ignore: decorator
@inline
export function unitsInUse(codec: usize): i32 {
  return load<i32>(codec + UNITS_IN_USE);
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
  source = featureScales(source, codec);
  source = pointwiseLayers(source, codec);
  source = residualLayer(source, codec + RESIDUAL_THIRD);
  residualLayer(source, codec + RESIDUAL_LAST);
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

/** Fractional bits of the features, u8 × 7, and a zero. @returns the address after them */
function featureScales(source: usize, codec: usize): usize {
  for (let feature: usize = 0; feature < 7; ++feature) {
    const scale: f32 = <f32>(1 << <i32>load<u8>(source + feature));
    store<f32>(codec + FEATURE_LIMITS + (feature << 2), 32767 / scale);
    store<f32>(codec + FEATURE_MAGIC + (feature << 2), 12582912 / scale);
  }
  return source + 8;
}

/** w1 [48][7], b1 [48]; shift, w2 [3][48], b2 [3]. @returns the address after them */
function pointwiseLayers(source: usize, codec: usize): usize {
  const units: usize = HIDDEN;
  const biases = source + 14 * units;
  const second = biases + 2 * units;
  let place: usize = 0;
  for (let unit: usize = 0; unit < units; ++unit) {
    const mix = second + 2 + (unit << 1);
    if ((load<u16>(mix) | load<u16>(mix + 2 * units) | load<u16>(mix + 4 * units)) == 0) continue;
    const pair = codec + POINTWISE + (place >> 1) * UNIT_PAIR_BYTES;
    const target = pair + ((place & 1) << 4);
    store<i16>(target, load<i16>(biases + (unit << 1)));
    memory.copy(target + 2, source + unit * 14, 14);
    for (let output: usize = 0; output < 3; ++output) {
      store<i16>(pair + 32 + (output << 2) + ((place & 1) << 1), load<i16>(mix + output * 2 * units));
    }
    ++place;
  }
  store<i32>(codec + UNITS_IN_USE, (<i32>place + 3) & ~3);
  const end = codec + POINTWISE_END;
  memory.copy(end, second + 2 + 6 * units, 12);
  store<i32>(end, load<u8>(second), 12);
  return second + 2 + 6 * units + 12;
}

/** Shift, weights [3][3][3][3], biases [3]. @returns the address after them */
function residualLayer(source: usize, target: usize): usize {
  memory.copy(target, source + 2 + 162, 12);
  store<i32>(target, load<u8>(source), 12);
  const weights = source + 2;
  let out = target + RESIDUAL_TAPS;
  for (let line = 0; line < 5; ++line) {
    for (let dx = 0; dx < 3; ++dx) {
      for (let output = 0; output < 3; ++output) {
        const blue = (line & 1) != 0;
        const row = line == 3 ? 1 : line >> 1;
        store<i16>(out, weightOf(weights, output, blue ? 2 : 0, row, dx));
        store<i16>(out, blue ? (line == 3 ? weightOf(weights, output, 2, 2, dx) : 0) : weightOf(weights, output, 1, row, dx), 2);
        out += 4;
      }
    }
  }
  return source + 2 + 162 + 12;
}

function weightOf(weights: usize, output: i32, input: i32, dy: i32, dx: i32): i16 {
  return load<i16>(weights + (<usize>(output * 27 + input * 9 + dy * 3 + dx) << 1));
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
