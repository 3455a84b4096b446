/**
 * Layers of the synthesis on f32 planes, SIMD twins of `float_layers.ts` with the same bits.
 *
 * READ ME FIRST
 * - Lanes are neighbouring pixels of a row, so every lane does the scalar twin's operations in the scalar twin's order.
 * - Rows are computed in whole vectors: up to 7 results beyond the width are written into the slack of the planes.
 * - The signatures are the same, but the 3×3 layer wants its weights transposed (`codec.ts`).
 * - V8 schedules the loads of a block first: loop bodies are kept so small that all they load fits the 16 registers.
 */
import { SYNTHESIS_B1, SYNTHESIS_B2, SYNTHESIS_TRANSPOSED, unitsInUse } from "../codec";
import { TAPS } from "../memory";
import { FEATURES } from "../synthesis/kernels";
import { plus, positive, splat, times } from "../synthesis/vectors";
import { SIGNS_BYTES } from "./scratch";

/** From the biases of the hidden units to their weights in red, from those to green, from those to blue (codec.ts). */
const HIDDEN_BYTES: usize = 192;

/** See `float_layers.ts`. */
export function pointwise(
  codec: usize, features: usize, colours: usize, signs: usize, plane: usize, colourPlane: usize, stride: i32, width: i32, rows: i32,
): void {
  const biases = codec + SYNTHESIS_B1;
  const biasesEnd = biases + (<usize>unitsInUse(codec) << 2);
  const featuresBytes = <usize>FEATURES * plane;
  const startRed = splat(codec + SYNTHESIS_B2, 0), startGreen = splat(codec + SYNTHESIS_B2, 1), startBlue = splat(codec + SYNTHESIS_B2, 2);
  for (let y = 0; y < rows; ++y) {
    // Eight pixels and four units at a time: eight sums fill the latency, and all fits the registers.
    for (let x = 0; x < width; x += 8) {
      const pixel = (<usize>(y * stride) + <usize>x) << 2;
      const end = features + pixel + featuresBytes;
      let start = features + pixel;
      let skipped: usize = 0;
      if (!v128.any_true(v128.or(v128.load(start), v128.load(start, 16)))) {
        // The finest grid is empty here: its products are zeros, which change no sum.
        start += plane;
        skipped = 16;
      }
      const out = colours + pixel;
      v128.store(out, startRed);
      v128.store(out, startRed, 16);
      v128.store(out + colourPlane, startGreen);
      v128.store(out + colourPlane, startGreen, 16);
      v128.store(out + 2 * colourPlane, startBlue);
      v128.store(out + 2 * colourPlane, startBlue, 16);
      let place = codec + SYNTHESIS_TRANSPOSED;
      for (let bias = biases; bias < biasesEnd; bias += 16) {
        let a0 = v128.load32_splat(bias), b0 = v128.load32_splat(bias, 4), c0 = v128.load32_splat(bias, 8), d0 = v128.load32_splat(bias, 12);
        let a1 = a0, b1 = b0, c1 = c0, d1 = d0;
        let feature = start;
        place += skipped;
        while (feature < end) {
          const f0 = v128.load(feature), f1 = v128.load(feature, 16);
          let weight = v128.load32_splat(place);
          a0 = plus(a0, times(weight, f0));
          a1 = plus(a1, times(weight, f1));
          weight = v128.load32_splat(place, 4);
          b0 = plus(b0, times(weight, f0));
          b1 = plus(b1, times(weight, f1));
          weight = v128.load32_splat(place, 8);
          c0 = plus(c0, times(weight, f0));
          c1 = plus(c1, times(weight, f1));
          weight = v128.load32_splat(place, 12);
          d0 = plus(d0, times(weight, f0));
          d1 = plus(d1, times(weight, f1));
          place += 16;
          feature += plane;
        }
        const shut = (bias - biases) >> 2;
        store<u8>(signs + shut, i32x4.bitmask(a0) | (i32x4.bitmask(a1) << 4));
        store<u8>(signs + shut, i32x4.bitmask(b0) | (i32x4.bitmask(b1) << 4), 1);
        store<u8>(signs + shut, i32x4.bitmask(c0) | (i32x4.bitmask(c1) << 4), 2);
        store<u8>(signs + shut, i32x4.bitmask(d0) | (i32x4.bitmask(d1) << 4), 3);
        a0 = positive(a0);
        a1 = positive(a1);
        b0 = positive(b0);
        b1 = positive(b1);
        c0 = positive(c0);
        c1 = positive(c1);
        d0 = positive(d0);
        d1 = positive(d1);
        let mix = bias + HIDDEN_BYTES;
        let colour = out;
        const colourEnd = out + 3 * colourPlane;
        while (colour < colourEnd) {
          let left = v128.load(colour), right = v128.load(colour, 16);
          let weight = v128.load32_splat(mix);
          left = plus(left, times(weight, a0));
          right = plus(right, times(weight, a1));
          weight = v128.load32_splat(mix, 4);
          left = plus(left, times(weight, b0));
          right = plus(right, times(weight, b1));
          weight = v128.load32_splat(mix, 8);
          left = plus(left, times(weight, c0));
          right = plus(right, times(weight, c1));
          weight = v128.load32_splat(mix, 12);
          v128.store(colour, plus(left, times(weight, d0)));
          v128.store(colour, plus(right, times(weight, d1)), 16);
          mix += HIDDEN_BYTES;
          colour += colourPlane;
        }
      }
      signs += SIGNS_BYTES;
    }
  }
}

/** The sums of one 3×3 layer for eight pixels of three planes: red, green, blue × left four, right four. */
export const SUMS: usize = TAPS;

/** Fills SUMS; `source` is one row and one column before the pixels. `weights` are transposed. */
// @ts-ignore: decorator
@inline
export function convolve(weights: usize, biases: usize, source: usize, plane: usize, stride: usize): void {
  let a0 = splat(biases, 0), b0 = splat(biases, 1), c0 = splat(biases, 2);
  let a1 = a0, b1 = b0, c1 = c0;
  const end = source + 3 * plane;
  for (let input = source; input < end; input += plane) {
    const lines = input + 3 * stride;
    for (let line = input; line < lines; line += stride) {
      // One tap a turn: six sums, two vectors of pixels and one weight stay in registers.
      for (let pixel = line; pixel < line + 12; pixel += 4) {
        const left = v128.load(pixel), right = v128.load(pixel, 16);
        let weight = v128.load32_splat(weights);
        a0 = plus(a0, times(weight, left));
        a1 = plus(a1, times(weight, right));
        weight = v128.load32_splat(weights, 4);
        b0 = plus(b0, times(weight, left));
        b1 = plus(b1, times(weight, right));
        weight = v128.load32_splat(weights, 8);
        c0 = plus(c0, times(weight, left));
        c1 = plus(c1, times(weight, right));
        weights += 12;
      }
    }
  }
  const centre = source + stride + 4;
  v128.store(SUMS, plus(a0, v128.load(centre)));
  v128.store(SUMS, plus(a1, v128.load(centre, 16)), 16);
  v128.store(SUMS, plus(b0, v128.load(centre + plane)), 32);
  v128.store(SUMS, plus(b1, v128.load(centre + plane, 16)), 48);
  v128.store(SUMS, plus(c0, v128.load(centre + 2 * plane)), 64);
  v128.store(SUMS, plus(c1, v128.load(centre + 2 * plane, 16)), 80);
}

/** See `float_layers.ts`; `weights` are transposed. */
export function residualRelu(weights: usize, biases: usize, source: usize, target: usize, plane: usize, stride: i32, width: i32, rows: i32): void {
  for (let y = 0; y < rows; ++y) {
    for (let x = 0; x < width; x += 8) {
      const pixel = (<usize>(y * stride) + <usize>x) << 2;
      convolve(weights, biases, source + pixel, plane, <usize>stride << 2);
      const out = target + pixel;
      v128.store(out, positive(v128.load(SUMS)));
      v128.store(out, positive(v128.load(SUMS, 16)), 16);
      v128.store(out + plane, positive(v128.load(SUMS, 32)));
      v128.store(out + plane, positive(v128.load(SUMS, 48)), 16);
      v128.store(out + 2 * plane, positive(v128.load(SUMS, 64)));
      v128.store(out + 2 * plane, positive(v128.load(SUMS, 80)), 16);
    }
  }
}
