/**
 * Layers of the synthesis backwards, and the doubling filters transposed. Scalar twins of `pixel_kernels_simd.ts`.
 *
 * READ ME FIRST
 * - Planes of gradients have zeros around them, so that every transposed filter is a plain sum over what is there.
 * - The symmetric smoothing is its own transpose; the core's kernels serve for it.
 * - `weights` of the 3×3 layers are [input, dy, dx][output]. Turned around (`weights.ts`) they carry gradients back, and the
 *   residual connection is the same in both directions.
 */
import { HIDDEN, SYNTHESIS_W2, unitsInUse } from "../codec";
import { SIGNS_BYTES } from "./scratch";
import { FEATURE_WEIGHTS, codecOf } from "./weights";

const FEATURES: i32 = 7;

// @ts-ignore: decorator
@inline
function at(address: usize, offset: i32): f32 {
  return load<f32>(address + (offset << 2));
}

/** Transpose of `doubleAlongX`: result j comes from inputs 2j−6…2j+1. */
export function halveAlongX(source: usize, target: usize, sourceStride: i32, targetStride: i32, width: i32, rows: i32, kernel: usize): void {
  const k0 = at(kernel, 0), k1 = at(kernel, 1), k2 = at(kernel, 2), k3 = at(kernel, 3);
  for (let y = 0; y < rows; ++y) {
    for (let x = 0; x < width; ++x) {
      const a = source + (<usize>x << 3);
      const even = k3 * at(a, -2) + k2 * at(a, -4) + k1 * at(a, 0) + k0 * at(a, -6);
      const odd = k3 * at(a, -3) + k2 * at(a, -1) + k1 * at(a, -5) + k0 * at(a, 1);
      store<f32>(target + (<usize>x << 2), even + odd);
    }
    source += <usize>sourceStride << 2;
    target += <usize>targetStride << 2;
  }
}

/** Transpose of `doubleAlongY`: result row j comes from input rows 2j−6…2j+1. */
export function halveAlongY(source: usize, target: usize, stride: i32, width: i32, rows: i32, kernel: usize): void {
  const k0 = at(kernel, 0), k1 = at(kernel, 1), k2 = at(kernel, 2), k3 = at(kernel, 3);
  for (let y = 0; y < rows; ++y) {
    for (let x = 0; x < width; ++x) {
      const a = source + (<usize>x << 2);
      const even = k3 * at(a, -2 * stride) + k2 * at(a, -4 * stride) + k1 * at(a, 0) + k0 * at(a, -6 * stride);
      const odd = k3 * at(a, -3 * stride) + k2 * at(a, -stride) + k1 * at(a, -5 * stride) + k0 * at(a, stride);
      store<f32>(target + (<usize>x << 2), even + odd);
    }
    source += <usize>stride << 3;
    target += <usize>stride << 2;
  }
}

// @ts-ignore: decorator
@inline
function convolved(weights: usize, biases: usize, source: usize, plane: usize, stride: i32, output: i32): f32 {
  let sum = at(biases, output);
  for (let input = 0; input < 3; ++input) {
    for (let dy = 0; dy < 3; ++dy) {
      for (let dx = 0; dx < 3; ++dx) {
        sum += at(weights, (input * 9 + dy * 3 + dx) * 3 + output) * at(source + <usize>input * plane, dy * stride + dx);
      }
    }
  }
  return sum + at(source + <usize>output * plane, stride + 1);
}

/**
 * The last layer and the derivative of its squared error: `scale` · (result − level / 255).
 * @param pixels  RGBA8 to compare with, rows `pixelStride` bytes apart
 * @param out  3 planes, `outPlane` bytes apart, rows as in the source
 */
export function residualError(
  weights: usize, biases: usize, source: usize, plane: usize, stride: i32, width: i32, rows: i32,
  pixels: usize, pixelStride: usize, scale: f32, out: usize,
): void {
  for (let y = 0; y < rows; ++y) {
    for (let x = 0; x < width; ++x) {
      const pixel = (<usize>(y * stride) + <usize>x) << 2;
      for (let output = 0; output < 3; ++output) {
        const value = convolved(weights, biases, source + pixel, plane, stride, output);
        const level = <f32>load<u8>(pixels + (<usize>x << 2) + <usize>output);
        store<f32>(out + <usize>output * plane + pixel, (value - level * <f32>(1.0 / 255.0)) * scale);
      }
    }
    pixels += pixelStride;
  }
}

/** A residual 3×3 layer backwards: `weights` turned around; results are 0 where `gate` is not above 0. */
export function residualGated(weights: usize, source: usize, gate: usize, target: usize, zeros: usize, plane: usize, stride: i32, width: i32, rows: i32): void {
  for (let y = 0; y < rows; ++y) {
    for (let x = 0; x < width; ++x) {
      const pixel = (<usize>(y * stride) + <usize>x) << 2;
      for (let output = 0; output < 3; ++output) {
        const place = <usize>output * plane + pixel;
        const value = convolved(weights, zeros, source + pixel, plane, stride, output);
        store<f32>(target + place, load<f32>(gate + place) > 0 ? value : 0);
      }
    }
  }
}

/** Like `residualGated` without a gate. */
export function residualPlain(weights: usize, source: usize, target: usize, zeros: usize, plane: usize, stride: i32, width: i32, rows: i32): void {
  for (let y = 0; y < rows; ++y) {
    for (let x = 0; x < width; ++x) {
      const pixel = (<usize>(y * stride) + <usize>x) << 2;
      for (let output = 0; output < 3; ++output) {
        store<f32>(target + <usize>output * plane + pixel, convolved(weights, zeros, source + pixel, plane, stride, output));
      }
    }
  }
}

/**
 * 7 → 48 with ReLU → 3 backwards.
 * @param signs  which units are shut (`pointwise`)
 * @param colours  derivatives of the cost by the colours: three planes, `plane` bytes apart, rows `stride` floats apart
 * @param target  derivatives by the features: 7 planes, `targetPlane` bytes apart, rows `targetStride` floats apart
 * @param units  scratch: 48 × 12 floats
 */
export function pointwiseBack(
  weights: usize, signs: usize, colours: usize, plane: usize, stride: i32,
  target: usize, targetPlane: usize, targetStride: i32, units: usize, width: i32, rows: i32,
): void {
  const codec = codecOf(weights);
  const blocks = (width + 7) >> 3;
  for (let y = 0; y < rows; ++y) {
    for (let x = 0; x < width; ++x) {
      const pixel = (<usize>(y * stride) + <usize>x) << 2;
      const shut = signs + <usize>(y * blocks + (x >> 3)) * SIGNS_BYTES;
      for (let unit = 0; unit < unitsInUse(codec); ++unit) {
        let gradient = at(codec + SYNTHESIS_W2, unit) * load<f32>(colours + pixel);
        gradient += at(codec + SYNTHESIS_W2, HIDDEN + unit) * load<f32>(colours + plane + pixel);
        gradient += at(codec + SYNTHESIS_W2, 2 * HIDDEN + unit) * load<f32>(colours + 2 * plane + pixel);
        store<f32>(units + (<usize>unit << 5), (load<u8>(shut + unit) >> <u8>(x & 7)) & 1 ? 0 : gradient);
      }
      for (let feature = 0; feature < FEATURES; ++feature) {
        let sum: f32 = 0;
        for (let unit = 0; unit < unitsInUse(codec); ++unit) {
          sum += at(weights + FEATURE_WEIGHTS, ((feature >> 2) * HIDDEN + unit) * 4 + (feature & 3)) * load<f32>(units + (<usize>unit << 5));
        }
        store<f32>(target + <usize>feature * targetPlane + (<usize>(y * targetStride + x) << 2), sum);
      }
    }
  }
}
