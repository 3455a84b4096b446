/** FORMAT.md §6: from latents to levels. */

import { clamp, f, list } from './bytes.js';
import type { Latents, Span } from './latents.js';
import type { SynthesisLayer } from './pack.js';

/** Samples of a rectangle of a grid, addressed by their place in the grid. */
class Plane {
  readonly stride: number;
  readonly samples: Float32Array;

  constructor(
    readonly span: Span,
    value: (x: number, y: number) => number,
  ) {
    const { left, top, right, bottom } = span;
    this.stride = right - left + 1;
    this.samples = new Float32Array(this.stride * (bottom - top + 1));
    let index = 0;
    for (let y = top; y <= bottom; y++) for (let x = left; x <= right; x++) this.samples[index++] = value(x, y);
  }

  /** Where a sample is. */
  at(x: number, y: number): number {
    return (y - this.span.top) * this.stride + x - this.span.left;
  }
}

const grown = ({ left, top, right, bottom }: Span, by: number): Span => ({
  ...{ left: left - by, top: top - by },
  ...{ right: right + by, bottom: bottom + by },
});

/** Red, green, blue and alpha (255) of every pixel. */
export function pixelsOf(latents: Latents): Uint8ClampedArray {
  const { width, height } = latents.parts;
  const data = new Uint8ClampedArray(width * height * 4).fill(255);
  for (let patch = 0; patch < latents.columns * latents.rows; patch++) synthesise(latents, patch, upsample(latents, patch), data);
  return data;
}

/** The window of grid i around a patch, dequantised. */
function windowOf(latents: Latents, patch: number, i: number): Plane {
  const { width, height, values } = latents.grids[i];
  const scale = f(latents.pack.steps[latents.parts.step].inverseGain / 16_384);
  return new Plane(grown(latents.spanOf(i, patch), 8), (x, y) => {
    const [nearX, nearY] = [clamp(x, 0, width - 1), clamp(y, 0, height - 1)];
    return f(f(values[nearY * width + nearX]) * scale);
  });
}

/** One filter along x or y: `step` is the distance in `a` to the next sample. */
type Filter = (a: Float32Array, at: number, step: number, position: number) => number;

function alongX(plane: Plane, left: number, right: number, place: (x: number) => number, filter: Filter): Plane {
  return new Plane({ ...plane.span, left, right }, (x, y) => filter(plane.samples, plane.at(place(x), y), 1, x));
}

function alongY(plane: Plane, top: number, bottom: number, place: (y: number) => number, filter: Filter): Plane {
  return new Plane({ ...plane.span, top, bottom }, (x, y) => filter(plane.samples, plane.at(x, place(y)), plane.stride, y));
}

/** The features of a patch and two pixels around it, feature c from grid c. */
function upsample(latents: Latents, patch: number): Plane[] {
  const { upsampling } = latents.codecOf(patch);
  let planes = [windowOf(latents, patch, 6)];
  for (let i = 5; i >= 0; i--) {
    const [k0, k1, k2, k3, s0, s1, s2, s3] = upsampling[5 - i];
    // Five samples around the patch are all that the coming steps reach; of the pixels, two.
    const { left, top, right, bottom } = grown(latents.spanOf(i, patch), i === 0 ? 2 : 5);
    const double: Filter = (a, at, step, position) => {
      const side = position % 2 === 0 ? -step : step;
      return f(f(f(f(k3 * a[at]) + f(k2 * a[at + side])) + f(k1 * a[at - side])) + f(k0 * a[at + 2 * side]));
    };
    const smooth: Filter = (a, at, step) => {
      const pair = (distance: number): number => f(a[at - distance * step] + a[at + distance * step]);
      return f(f(f(f(s0 * a[at]) + f(s1 * pair(1))) + f(s2 * pair(2))) + f(s3 * pair(3)));
    };
    const half = (position: number): number => Math.floor(position / 2);
    const same = (position: number): number => position;
    planes = planes.map((plane) => alongY(alongX(plane, left, right, half, double), top, bottom, half, double));
    const own = windowOf(latents, patch, i);
    const smoothed = alongY(alongX(own, left, right, same, smooth), top, bottom, same, smooth);
    planes.push(new Plane(smoothed.span, (x, y) => f(own.samples[own.at(x, y)] + smoothed.samples[smoothed.at(x, y)])));
  }
  return planes.reverse();
}

/** The integer nearest to a feature in its fractional bits, of two the even one. */
function rounded(feature: number, bits: number): number {
  const scaled = clamp(feature * 2 ** bits, -32_767, 32_767);
  const below = Math.floor(scaled);
  const part = scaled - below;
  return part > 0.5 || (part === 0.5 && below % 2 !== 0) ? below + 1 : below;
}

/** Writes the levels of a patch. */
function synthesise(latents: Latents, patch: number, features: readonly Plane[], data: Uint8ClampedArray): void {
  const { featureBits, synthesis } = latents.codecOf(patch);
  const [first, second, third, last] = synthesis;
  const span = latents.spanOf(0, patch);
  const colour = list(3, () => new Plane(grown(span, 2), () => 0));
  for (let index = 0; index < colour[0].samples.length; index++) {
    const inputs = features.map(({ samples }, c) => rounded(samples[index], featureBits[c]));
    // Sums of the hidden units stay inside 2^31, so doubles are exact; so are bit shifts.
    const hidden = list(48, (o) =>
      Math.max(inputs.reduce((sum, value, c) => sum + first.weights[7 * o + c] * value, first.biases[o]) >> 16, 0),
    );
    for (let o = 0; o < 3; o++) {
      const sum = hidden.reduce((total, value, j) => total + second.weights[48 * o + j] * value, second.biases[o]);
      colour[o].samples[index] = clamp(sum >> second.shift, -32_768, 32_767);
    }
  }
  const convolve = (input: readonly Plane[], { shift, weights, biases }: SynthesisLayer, o: number, x: number, y: number): number => {
    let sum = biases[o];
    let weight = 27 * o;
    for (const plane of input) {
      for (let dy = -1; dy <= 1; dy++) for (let dx = -1; dx <= 1; dx++) sum += weights[weight++] * plane.samples[plane.at(x + dx, y + dy)];
    }
    return sum >> shift;
  };
  const smoothed = list(3, (o) => new Plane(grown(span, 1), (x, y) => clamp(convolve(colour, third, o, x, y), 0, 32_767)));
  for (let y = span.top; y <= span.bottom; y++) {
    for (let x = span.left; x <= span.right; x++) {
      for (let o = 0; o < 3; o++) data[4 * (y * latents.parts.width + x) + o] = clamp(convolve(smoothed, last, o, x, y), 0, 255);
    }
  }
}
