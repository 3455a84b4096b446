/**
 * Layers of the synthesis on integers (FORMAT.md §6). Scalar twins of `layers_simd.ts`.
 *
 * READ ME FIRST
 * - Two 16-bit numbers that are multiplied by neighbouring weights share 32 bits, so that one instruction of the SIMD twin
 *   multiplies both and adds. The weights are stored the same way (`codec.ts`).
 * - Every kernel computes one row. The pack's checks exclude overflow (src/models/range.ts).
 *
 * ```
 * features of a row, 4 pixels after the other: ┌ {16384, f0} × 4 ┐┌ {f1, f2} × 4 ┐┌ {f3, f4} × 4 ┐┌ {f5, f6} × 4 ┐
 * colours, two lines for a row:                ┌ {red, green} of each pixel ┐┌ {blue, blue of the row below} of each pixel ┐
 * ```
 */
import {
  FEATURE_LIMITS, FEATURE_MAGIC, POINTWISE, POINTWISE_END, RESIDUAL_TAPS, UNIT_PAIR_BYTES, unitsInUse,
} from "../codec";

/** What the biases of the hidden units are multiplied by. */
export const BIAS_FACTOR: i32 = 16384;
/** Bytes of the features of four pixels. */
export const FEATURE_BLOCK: usize = 64;

/** Bits 0…15 or 16…31 of what is stored at an address. */
// @ts-ignore: decorator
@inline
function half(address: usize, index: i32): i32 {
  return load<i16>(address + (<usize>index << 1));
}

// @ts-ignore: decorator
@inline
function clamped(value: i32, low: i32, high: i32): i32 {
  return min(max(value, low), high);
}

/** Rounds one feature: the sum has it in its low bits, ties to even, as FORMAT.md has it. There is no NaN; it would be as in the SIMD twin. */
function rounded(codec: usize, feature: i32, value: f32): i32 {
  const limit = load<f32>(codec + FEATURE_LIMITS + (<usize>feature << 2));
  const magic = load<f32>(codec + FEATURE_MAGIC + (<usize>feature << 2));
  const below = value < limit ? value : limit;
  return reinterpret<i32>((-limit < below ? below : -limit) + magic) & 0xffff;
}

/** Seven features of a row as integers. `features`: f32 planes `plane` bytes apart. */
export function packFeatures(codec: usize, features: usize, plane: usize, target: usize, width: i32): void {
  for (let x = 0; x < width; ++x) {
    const out = target + <usize>(x >> 2) * FEATURE_BLOCK + (<usize>(x & 3) << 2);
    const source = features + (<usize>x << 2);
    store<i32>(out, BIAS_FACTOR | (rounded(codec, 0, load<f32>(source)) << 16));
    for (let pair = 1; pair < 4; ++pair) {
      const first = rounded(codec, 2 * pair - 1, load<f32>(source + <usize>(2 * pair - 1) * plane));
      const second = rounded(codec, 2 * pair, load<f32>(source + <usize>(2 * pair) * plane));
      store<i32>(out + (<usize>pair << 4), first | (second << 16));
    }
  }
}

/** Stores a colour: red and green, blue, and blue again beside that of the row above. */
// @ts-ignore: decorator
@inline
function storeColour(target: usize, line: usize, above: usize, red: i32, green: i32, blue: i32): void {
  store<i32>(target, (red & 0xffff) | (green << 16));
  store<i32>(target + line, blue & 0xffff);
  store<i16>(above, <i16>blue, 2);
}

/** Bytes of the integers of a row of features, whole blocks of four pixels. */
// @ts-ignore: decorator
@inline
export function packedBytes(width: i32): usize {
  return <usize>((width + 3) >> 2) * FEATURE_BLOCK;
}

/**
 * 7 → 48 with ReLU → 3, for each pixel of two rows.
 * @param features  the integers of the first row and, `packedBytes` further on, of the second
 * @param first, second  two lines of colours each, `line` bytes apart
 * @param above  second line of the row above the first, which gets its second halves
 */
export function pointwise(codec: usize, features: usize, first: usize, second: usize, line: usize, above: usize, width: i32): void {
  mixRow(codec, features, first, line, above, width);
  mixRow(codec, features + packedBytes(width), second, line, first + line, width);
}

function mixRow(codec: usize, features: usize, target: usize, line: usize, above: usize, width: i32): void {
  const shift = load<i32>(codec + POINTWISE_END, 12);
  const units = unitsInUse(codec);
  for (let x = 0; x < width; ++x) {
    const pixel = features + <usize>(x >> 2) * FEATURE_BLOCK + (<usize>(x & 3) << 2);
    let red = load<i32>(codec + POINTWISE_END), green = load<i32>(codec + POINTWISE_END, 4), blue = load<i32>(codec + POINTWISE_END, 8);
    for (let unit = 0; unit < units; ++unit) {
      const pair = codec + POINTWISE + <usize>(unit >> 1) * UNIT_PAIR_BYTES;
      const weights = pair + (<usize>(unit & 1) << 4);
      let sum = 0;
      for (let input = 0; input < 8; ++input) sum += half(weights, input) * half(pixel + (<usize>(input >> 1) << 4), input & 1);
      const hidden = max(sum >> 16, 0);
      red += half(pair + 32, unit & 1) * hidden;
      green += half(pair + 36, unit & 1) * hidden;
      blue += half(pair + 40, unit & 1) * hidden;
    }
    storeColour(
      target + (<usize>x << 2), line, above + (<usize>x << 2),
      clamped(red >> shift, -32768, 32767), clamped(green >> shift, -32768, 32767), clamped(blue >> shift, -32768, 32767),
    );
  }
}

// @ts-ignore: decorator
@inline
function convolved(layer: usize, lines: usize, at: usize, output: i32): i32 {
  let sum = load<i32>(layer + (<usize>output << 2));
  let weights = layer + RESIDUAL_TAPS + (<usize>output << 2);
  for (let index = 0; index < 5; ++index) {
    const source = load<usize>(lines + (<usize>index << 2)) + at;
    for (let dx = 0; dx < 3; ++dx) {
      const pixel = source + (<usize>dx << 2);
      sum += half(weights, 0) * half(pixel, 0) + half(weights, 1) * half(pixel, 1);
      weights += 12;
    }
  }
  return sum >> load<i32>(layer, 12);
}

/**
 * 3×3 layer with ReLU, one row.
 * @param lines  addresses of five lines of colours from that of the row above on, one pixel to the left
 * @param target  as for `pointwise`
 */
export function residualRelu(layer: usize, lines: usize, target: usize, line: usize, above: usize, width: i32): void {
  for (let x = 0; x < width; ++x) {
    const at = <usize>x << 2;
    storeColour(
      target + (<usize>x << 2), line, above + (<usize>x << 2),
      clamped(convolved(layer, lines, at, 0), 0, 32767), clamped(convolved(layer, lines, at, 1), 0, 32767),
      clamped(convolved(layer, lines, at, 2), 0, 32767),
    );
  }
}

/** 3×3 layer to RGBA8, one row; `lines` as for `residualRelu`. */
export function residualPixels(layer: usize, lines: usize, width: i32, out: usize): void {
  for (let x = 0; x < width; ++x) {
    const at = <usize>x << 2;
    let rgba: u32 = 0xff000000;
    for (let output = 0; output < 3; ++output) rgba |= clamped(convolved(layer, lines, at, output), 0, 255) << (output << 3);
    store<u32>(out + (<usize>x << 2), rgba);
  }
}
