/**
 * J / λ of a picture for real-valued latents, in double precision, plain and slow, from FORMAT.md §4 and §6: to check gradients against.
 *
 * The code length of a latent is that of a Laplace distribution with the mean and scale of the context model; pixels are not rounded.
 */

import { type DecoderWeights, readSynthesisWeights } from '../../src/models/pack.js';

/** A picture with real-valued latents. */
export interface RealPicture {
  readonly width: number;
  readonly height: number;
  readonly patch: number;
  /** Mode of every patch. */
  readonly modes: ArrayLike<number>;
  /** One plane per grid, the latents of the patches' modes. */
  readonly planes: readonly Float64Array[];
  /** RGBA to compare with. */
  readonly pixels: ArrayLike<number>;
  /** Decoder of each mode. */
  readonly decoders: readonly DecoderWeights[];
  readonly inverseGain: number;
  /** Added to the log-scale. */
  readonly offset: number;
  readonly lambda: number;
}

const taps = [
  [-3, 0],
  [-3, 1],
  [-2, -2],
  [-2, -1],
  [-2, 0],
  [-2, 1],
  [-2, 2],
  [-1, -3],
  [-1, -2],
  [-1, -1],
  [-1, 0],
  [-1, 1],
  [-1, 2],
  [0, -3],
  [0, -2],
  [0, -1],
] as const;

const clamp = (value: number, low: number, high: number): number => Math.min(Math.max(value, low), high);
const side = (pixels: number, grid: number): number => Math.ceil(pixels / 2 ** grid);

/** J / λ, in bits. */
export function realCost(picture: RealPicture): number {
  const count = Math.ceil(picture.width / picture.patch) * Math.ceil(picture.height / picture.patch);
  let cost = 0;
  for (let patch = 0; patch < count; patch++) cost += patchBits(picture, patch) + patchError(picture, patch) / picture.lambda;
  return cost;
}

interface Span {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

function spanOf({ width, height, patch }: RealPicture, index: number, grid: number): Span {
  const columns = Math.ceil(width / patch);
  const cell = patch / 2 ** grid;
  const left = (index % columns) * cell;
  const top = Math.floor(index / columns) * cell;
  return { left, top, right: Math.min(left + cell, side(width, grid)), bottom: Math.min(top + cell, side(height, grid)) };
}

/** Number of the patch at a sample, or −1 outside the grid. */
function patchAt({ width, height, patch }: RealPicture, grid: number, x: number, y: number): number {
  if (x < 0 || y < 0 || x >= side(width, grid) || y >= side(height, grid)) return -1;
  const cell = patch / 2 ** grid;
  return Math.floor(y / cell) * Math.ceil(width / patch) + Math.floor(x / cell);
}

interface Layer {
  readonly weights: number[][];
  readonly biases: number[];
}

const contextCache = new Map<DecoderWeights, Layer[]>();

function contextLayers(decoder: DecoderWeights): Layer[] {
  const cached = contextCache.get(decoder);
  if (cached !== undefined) return cached;
  const view = new DataView(decoder.bytes.buffer, decoder.bytes.byteOffset, decoder.bytes.byteLength);
  let position = 8;
  const layers = [16, 16, 2].map((outputs) => {
    const bits = view.getUint8(position);
    position += 2;
    const weights = Array.from({ length: outputs }, (_, o) =>
      Array.from({ length: 16 }, (_, i) => view.getInt16(position + 2 * (16 * o + i), true) / 2 ** bits),
    );
    position += 32 * outputs;
    const biases = Array.from({ length: outputs }, (_, o) => view.getInt32(position + 4 * o, true) / 2 ** (bits + 8));
    position += 4 * outputs;
    return { weights, biases };
  });
  contextCache.set(decoder, layers);
  return layers;
}

const dense = ({ weights, biases }: Layer, inputs: readonly number[]): number[] =>
  weights.map((row, o) => row.reduce((sum, weight, i) => sum + weight * inputs[i], biases[o]));

function patchBits(picture: RealPicture, index: number): number {
  const mode = picture.modes[index];
  const [first, second, last] = contextLayers(picture.decoders[mode]);
  let bits = 0;
  for (let grid = 0; grid < 7; grid++) {
    const { left, top, right, bottom } = spanOf(picture, index, grid);
    const width = side(picture.width, grid);
    const tile = 512 / 2 ** grid;
    const sameTile = (x: number, y: number): boolean =>
      grid > 2 || (Math.floor(x / tile) === Math.floor(left / tile) && Math.floor(y / tile) === Math.floor(top / tile));
    for (let y = top; y < bottom; y++) {
      for (let x = left; x < right; x++) {
        const inputs = taps.map(([dy, dx]) => {
          const other = patchAt(picture, grid, x + dx, y + dy);
          if (other < 0 || other > index || !sameTile(x + dx, y + dy)) return 0;
          return clamp(picture.planes[grid][(y + dy) * width + x + dx], -127, 127);
        });
        const relu = (values: number[]): number[] => values.map((value) => Math.max(value, 0));
        const [mean, logScale] = dense(last, relu(dense(second, relu(dense(first, inputs)))));
        const scale = Math.exp(clamp(logScale + picture.offset, -3, 5));
        const distance = Math.abs(picture.planes[grid][y * width + x] - clamp(mean, -127, 127));
        const near = Math.exp(-Math.abs(distance - 0.5) / scale);
        const far = Math.exp(-(distance + 0.5) / scale);
        const mass = distance >= 0.5 ? 0.5 * (near - far) : 1 - 0.5 * (near + far);
        bits -= Math.log2(mass + 2 ** -15);
      }
    }
  }
  return bits;
}

/** A plane of a window: samples are addressed from its own origin, which lies `margin` before the patch. */
interface Plane {
  readonly margin: number;
  readonly width: number;
  readonly samples: Float64Array;
}

function planeOf(span: Span, margin: number, at: (x: number, y: number) => number): Plane {
  const width = span.right - span.left + 2 * margin;
  const height = span.bottom - span.top + 2 * margin;
  const samples = new Float64Array(width * height);
  for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) samples[y * width + x] = at(x - margin, y - margin);
  return { margin, width, samples };
}

const get = ({ margin, width, samples }: Plane, x: number, y: number): number => samples[(y + margin) * width + x + margin];

function windowOf(picture: RealPicture, index: number, grid: number, margin: number): Plane {
  const span = spanOf(picture, index, grid);
  const width = side(picture.width, grid);
  const height = side(picture.height, grid);
  return planeOf(span, margin, (dx, dy) => {
    const x = clamp(span.left + dx, 0, width - 1);
    const y = clamp(span.top + dy, 0, height - 1);
    return picture.planes[grid][y * width + x] * picture.inverseGain;
  });
}

function patchError(picture: RealPicture, index: number): number {
  const { kernels, scales, layers } = readSynthesisWeights(picture.decoders[picture.modes[index]]);
  let planes = [windowOf(picture, index, 6, 8)];
  for (let grid = 5; grid >= 0; grid--) {
    const [k0, k1, k2, k3, s0, s1, s2, s3] = kernels.subarray((5 - grid) * 8, (5 - grid) * 8 + 8);
    const span = spanOf(picture, index, grid);
    const coarse = spanOf(picture, index, grid + 1);
    const double = (at: (n: number) => number, position: number): number => {
      const n = Math.floor(position / 2);
      const s = position % 2 === 0 ? -1 : 1;
      return k3 * at(n) + k2 * at(n + s) + k1 * at(n - s) + k0 * at(n + 2 * s);
    };
    planes = planes.map((plane) => {
      const tall = { left: span.left, right: span.right, top: coarse.top, bottom: coarse.bottom };
      const alongX = planeOf(tall, 3, (x, y) => double((n) => get(plane, n, y), x));
      return planeOf(span, 3, (x, y) => double((n) => get(alongX, x, n), y));
    });
    const own = windowOf(picture, index, grid, 6);
    const smooth = (at: (n: number) => number): number =>
      s0 * at(0) + s1 * (at(-1) + at(1)) + s2 * (at(-2) + at(2)) + s3 * (at(-3) + at(3));
    const tall = { left: span.left, right: span.right, top: span.top - 3, bottom: span.bottom + 3 };
    const rows = planeOf(tall, 3, (x, y) => smooth((n) => get(own, x + n, y - 3)));
    planes.push(planeOf(span, 3, (x, y) => get(own, x, y) + smooth((n) => get(rows, x, y + 3 + n))));
  }
  planes.reverse();

  const [w1, w2, w3, w4] = layers.map((layer) => layer.weights);
  const [b1, b2, b3, b4] = layers.map((layer) => layer.biases);
  const span = spanOf(picture, index, 0);
  const colours = [0, 1, 2].map(() => planeOf(span, 2, () => 0));
  for (let y = -2; y < span.bottom - span.top + 2; y++) {
    for (let x = -2; x < span.right - span.left + 2; x++) {
      const sums = Array.from(b2);
      for (let unit = 0; unit < 48; unit++) {
        let hidden = b1[unit];
        for (let feature = 0; feature < 7; feature++) hidden += w1[unit * 7 + feature] * scales[feature] * get(planes[feature], x, y);
        if (hidden > 0) for (let o = 0; o < 3; o++) sums[o] += w2[o * 48 + unit] * hidden;
      }
      for (let o = 0; o < 3; o++) colours[o].samples[(y + 2) * colours[o].width + x + 2] = sums[o];
    }
  }
  const convolve = (input: readonly Plane[], weights: Float32Array, biases: Float32Array, o: number, x: number, y: number): number => {
    let sum = biases[o];
    for (let c = 0; c < 3; c++) {
      for (let dy = 0; dy < 3; dy++)
        for (let dx = 0; dx < 3; dx++) sum += weights[((o * 3 + c) * 3 + dy) * 3 + dx] * get(input[c], x + dx - 1, y + dy - 1);
    }
    return sum;
  };
  const third = [0, 1, 2].map((o) => planeOf(span, 1, (x, y) => Math.max(convolve(colours, w3, b3, o, x, y), 0)));
  let error = 0;
  for (let y = 0; y < span.bottom - span.top; y++) {
    for (let x = 0; x < span.right - span.left; x++) {
      const pixel = ((span.top + y) * picture.width + span.left + x) * 4;
      for (let o = 0; o < 3; o++) error += (convolve(third, w4, b4, o, x, y) - picture.pixels[pixel + o] / 255) ** 2 / 3;
    }
  }
  return error;
}
