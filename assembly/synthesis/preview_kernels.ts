/**
 * The kernels of reduced pictures. Scalar twins of `preview_kernels_simd.ts`.
 *
 * READ ME FIRST
 * - Between the pixels of a square a hidden unit varies around the value a that the mean features give it. With the variance v of that,
 *   the mean of max(·, 0) is near (a + √(a² + 2v/π)) / 2: right far from 0, and at 0 for a normal distribution.
 * - The variances of the features add up, weighted by the squares of the unit's weights, as if the features were not correlated.
 */
import {
  HIDDEN, SYNTHESIS_B1, SYNTHESIS_B2, SYNTHESIS_B3, SYNTHESIS_B4, SYNTHESIS_W1, SYNTHESIS_W2, SYNTHESIS_W3, SYNTHESIS_W4, unitsInUse,
} from "../codec";
import { TAPS } from "../memory";
import { FEATURES, at, toLevel } from "./kernels";

/** 2/π. */
export const SPREAD: f32 = 0.636619772;

/**
 * Means and variances of one row of squares of 2^shift × 2^shift latents, times gains.
 * @param source  the first square's first latent, i16, rows `width` latents apart
 * @param rows  rows of the squares that the picture has
 * @param columns  latents from the first one to the picture's right edge; the last square may have fewer than its side
 */
export function moments(source: usize, width: i32, shift: i32, rows: i32, columns: i32, count: i32, means: usize, variances: usize, gainOfMean: f32, gainOfVariance: f32): void {
  const side = 1 << shift;
  for (let x = 0; x < count; ++x) {
    const present = min(side, columns - (x << shift));
    let sum = 0, squares = 0;
    for (let y = 0; y < rows; ++y) {
      const row = source + (<usize>(y * width + (x << shift)) << 1);
      for (let column = 0; column < present; ++column) {
        const latent = <i32>load<i16>(row + (<usize>column << 1));
        sum += latent;
        squares += latent * latent;
      }
    }
    storeMoments(sum, squares, rows * present, means + (<usize>x << 2), variances + (<usize>x << 2), gainOfMean, gainOfVariance);
  }
}

/** Mean and variance from a sum and a sum of squares. Latents so large that these overflow are not of pictures. */
// @ts-ignore: decorator
@inline
export function storeMoments(sum: i32, squares: i32, count: i32, mean: usize, variance: usize, gainOfMean: f32, gainOfVariance: f32): void {
  const average = <f32>sum / <f32>count;
  store<f32>(mean, average * gainOfMean);
  store<f32>(variance, max<f32>(<f32>squares / <f32>count - average * average, 0) * gainOfVariance);
}

/** 7 → 48 with the mean of its ReLU → 3, for each pixel; see above. Planes are `plane` bytes apart, `level` of them have variances. */
export function expectedColours(codec: usize, features: usize, variances: usize, level: i32, colours: usize, plane: usize, stride: i32, width: i32, rows: i32): void {
  for (let y = 0; y < rows; ++y) {
    for (let x = 0; x < width; ++x) {
      const pixel = <usize>(y * stride + x) << 2;
      let red = at(codec + SYNTHESIS_B2, 0), green = at(codec + SYNTHESIS_B2, 1), blue = at(codec + SYNTHESIS_B2, 2);
      for (let unit = 0; unit < unitsInUse(codec); ++unit) {
        let hidden = at(codec + SYNTHESIS_B1, unit);
        let variance: f32 = 0;
        for (let feature = 0; feature < FEATURES; ++feature) {
          const weight = at(codec + SYNTHESIS_W1, unit * FEATURES + feature);
          hidden += weight * load<f32>(features + <usize>feature * plane + pixel);
          if (feature < level) variance += weight * (weight * load<f32>(variances + <usize>feature * plane + pixel));
        }
        hidden = 0.5 * (hidden + sqrt<f32>(hidden * hidden + SPREAD * variance));
        red += at(codec + SYNTHESIS_W2, unit) * hidden;
        green += at(codec + SYNTHESIS_W2, HIDDEN + unit) * hidden;
        blue += at(codec + SYNTHESIS_W2, 2 * HIDDEN + unit) * hidden;
      }
      store<f32>(colours + pixel, red);
      store<f32>(colours + plane + pixel, green);
      store<f32>(colours + 2 * plane + pixel, blue);
    }
  }
}

/** Sum of the taps of one 3×3 filter: what it makes of a flat plane. */
function gainOf(weights: usize, output: i32, input: i32): f32 {
  let sum: f32 = output == input ? 1 : 0;
  for (let tap = 0; tap < 9; ++tap) sum += at(weights, output * 27 + input * 9 + tap);
  return sum;
}

/** Fills TAPS with what the two residual 3×3 layers are on flat colours: 3×3 gains of the third layer, of the last, three biases of each. */
export function flattenLayers(codec: usize): void {
  for (let output = 0; output < 3; ++output) {
    for (let input = 0; input < 3; ++input) {
      store<f32>(TAPS + ((output * 3 + input) << 2), gainOf(codec + SYNTHESIS_W3, output, input));
      store<f32>(TAPS + ((9 + output * 3 + input) << 2), gainOf(codec + SYNTHESIS_W4, output, input));
    }
    store<f32>(TAPS + ((18 + output) << 2), at(codec + SYNTHESIS_B3, output));
    store<f32>(TAPS + ((21 + output) << 2), at(codec + SYNTHESIS_B4, output));
  }
}

/** The two residual 3×3 layers on colours that are locally flat: each filter counts by the sum of its taps. RGBA8 rows `outStride` bytes apart. */
export function flatPixels(codec: usize, colours: usize, plane: usize, stride: i32, width: i32, rows: i32, out: usize, outStride: usize): void {
  flattenLayers(codec);
  for (let y = 0; y < rows; ++y) {
    for (let x = 0; x < width; ++x) {
      const pixel = colours + (<usize>(y * stride + x) << 2);
      const red = load<f32>(pixel), green = load<f32>(pixel + plane), blue = load<f32>(pixel + 2 * plane);
      const a = max<f32>(mixed(0, 0, red, green, blue), 0);
      const b = max<f32>(mixed(0, 1, red, green, blue), 0);
      const c = max<f32>(mixed(0, 2, red, green, blue), 0);
      const rgba = 0xff000000 | toLevel(mixed(1, 0, a, b, c)) | (toLevel(mixed(1, 1, a, b, c)) << 8) | (toLevel(mixed(1, 2, a, b, c)) << 16);
      store<u32>(out + (<usize>x << 2), rgba);
    }
    out += outStride;
  }
}

// @ts-ignore: decorator
@inline
function mixed(layer: i32, output: i32, red: f32, green: f32, blue: f32): f32 {
  const gains = TAPS + ((layer * 9 + output * 3) << 2);
  return at(TAPS, 18 + layer * 3 + output) + at(gains, 0) * red + at(gains, 1) * green + at(gains, 2) * blue;
}
