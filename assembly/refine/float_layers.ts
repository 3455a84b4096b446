/**
 * Layers of the synthesis without their roundings, on f32 planes: the model that the gradients belong to. Scalar twins of
 * `float_layers_simd.ts`.
 *
 * READ ME FIRST
 * - Products are added one after the other in both twins, so that they give the same bits.
 * - All planes have rows `stride` floats apart; inputs reach beyond the results as the filter needs ("valid").
 */
import { HIDDEN, SYNTHESIS_B1, SYNTHESIS_B2, SYNTHESIS_W1, SYNTHESIS_W2, unitsInUse } from "../codec";
import { FEATURES, at } from "../synthesis/kernels";
import { SIGNS_BYTES } from "./scratch";

/**
 * 7 → 48 with ReLU → 3, for each pixel. Planes of features and colours are `plane` and `colourPlane` bytes apart.
 * @param signs  receives which units are shut: 48 bytes for each 8 pixels of a row, bit x of byte u for unit u at pixel x, whole eights. The
 *   layer backwards needs nothing else of the units.
 */
export function pointwise(
  codec: usize, features: usize, colours: usize, signs: usize, plane: usize, colourPlane: usize, stride: i32, width: i32, rows: i32,
): void {
  for (let y = 0; y < rows; ++y) {
    for (let x = 0; x < width; x += 8) {
      memory.fill(signs, 0, <usize>unitsInUse(codec));
      for (let lane = 0; lane < 8; ++lane) {
        const pixel = (<usize>(y * stride) + <usize>(x + lane)) << 2;
        let red = at(codec + SYNTHESIS_B2, 0), green = at(codec + SYNTHESIS_B2, 1), blue = at(codec + SYNTHESIS_B2, 2);
        for (let unit = 0; unit < unitsInUse(codec); ++unit) {
          let hidden = at(codec + SYNTHESIS_B1, unit);
          for (let feature = 0; feature < FEATURES; ++feature) {
            hidden += at(codec + SYNTHESIS_W1, unit * FEATURES + feature) * load<f32>(features + <usize>feature * plane + pixel);
          }
          const shut = reinterpret<u32>(hidden) >> 31;
          store<u8>(signs + unit, load<u8>(signs + unit) | <u8>(shut << lane));
          hidden = max<f32>(hidden, 0);
          red += at(codec + SYNTHESIS_W2, unit) * hidden;
          green += at(codec + SYNTHESIS_W2, HIDDEN + unit) * hidden;
          blue += at(codec + SYNTHESIS_W2, 2 * HIDDEN + unit) * hidden;
        }
        if (x + lane >= width) continue;
        store<f32>(colours + pixel, red);
        store<f32>(colours + colourPlane + pixel, green);
        store<f32>(colours + 2 * colourPlane + pixel, blue);
      }
      signs += SIGNS_BYTES;
    }
  }
}

// @ts-ignore: decorator
@inline
function convolved(weights: usize, biases: usize, source: usize, plane: usize, stride: i32, output: i32): f32 {
  let sum = at(biases, output);
  for (let input = 0; input < 3; ++input) {
    for (let dy = 0; dy < 3; ++dy) {
      for (let dx = 0; dx < 3; ++dx) {
        sum += at(weights, output * 27 + input * 9 + dy * 3 + dx) * at(source + <usize>input * plane, dy * stride + dx);
      }
    }
  }
  return sum + at(source + <usize>output * plane, stride + 1);
}

/** Residual 3×3 layer with ReLU on three planes. */
export function residualRelu(weights: usize, biases: usize, source: usize, target: usize, plane: usize, stride: i32, width: i32, rows: i32): void {
  for (let y = 0; y < rows; ++y) {
    for (let x = 0; x < width; ++x) {
      const pixel = (<usize>(y * stride) + <usize>x) << 2;
      for (let output = 0; output < 3; ++output) {
        const value = convolved(weights, biases, source + pixel, plane, stride, output);
        store<f32>(target + <usize>output * plane + pixel, max<f32>(value, 0));
      }
    }
  }
}
