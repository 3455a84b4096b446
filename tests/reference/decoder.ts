/**
 * A second decoder, written from FORMAT.md alone, slow and plain, to check the core against: one function per section of
 * the document, no code shared with `assembly/` or `src/` beyond the parsed container and pack.
 */

import type { PictureSection } from '../../src/container.js';
import type { DecoderPack, ModeSet } from '../../src/models/pack.js';
import { readSynthesisWeights } from '../../src/models/pack.js';
import type { Header } from '../../src/types.js';

const clamp = (value: number, low: number, high: number): number => Math.min(Math.max(value, low), high);
const f = Math.fround;

/** Latents and modes of a picture, with the questions of FORMAT.md §2 about them. */
export class Latents {
  readonly planes: Int16Array[];
  readonly widths: number[];
  readonly heights: number[];
  readonly columns: number;
  readonly rows: number;
  modes: number[] = [];

  constructor(readonly header: Header) {
    this.widths = Array.from({ length: 7 }, (_, i) => Math.ceil(header.width / 2 ** i));
    this.heights = Array.from({ length: 7 }, (_, i) => Math.ceil(header.height / 2 ** i));
    this.planes = this.widths.map((width, i) => new Int16Array(width * this.heights[i]));
    this.columns = Math.ceil(header.width / header.patch);
    this.rows = Math.ceil(header.height / header.patch);
  }

  isInside(i: number, x: number, y: number): boolean {
    return x >= 0 && y >= 0 && x < this.widths[i] && y < this.heights[i];
  }

  patchOf(i: number, x: number, y: number): number {
    const cell = this.header.patch / 2 ** i;
    return Math.floor(y / cell) * this.columns + Math.floor(x / cell);
  }

  tileOf(i: number, x: number, y: number): string {
    return `${Math.floor((x * 2 ** i) / 512)},${Math.floor((y * 2 ** i) / 512)}`;
  }

  /** First and last sample of a patch along both axes. */
  span(i: number, patch: number): { left: number; top: number; right: number; bottom: number } {
    const cell = this.header.patch / 2 ** i;
    const left = (patch % this.columns) * cell;
    const top = Math.floor(patch / this.columns) * cell;
    return { left, top, right: Math.min(left + cell, this.widths[i]) - 1, bottom: Math.min(top + cell, this.heights[i]) - 1 };
  }

  value(i: number, x: number, y: number): number {
    return this.planes[i][y * this.widths[i] + x];
  }
}

/** §5: a stream of N lanes. */
class Stream {
  readonly states: number[];
  position: number;

  constructor(
    readonly bytes: Uint8Array,
    lanes: number,
  ) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.states = Array.from({ length: lanes }, (_, lane) => view.getUint32(4 * lane, true));
    this.position = 4 * lanes;
  }

  symbol(lane: number, frequencies: readonly number[]): number {
    const slot = this.states[lane] % 32_768;
    let start = 0;
    let symbol = 0;
    while (slot >= start + frequencies[symbol]) start += frequencies[symbol++];
    let x = frequencies[symbol] * Math.floor(this.states[lane] / 32_768) + slot - start;
    while (x < 2 ** 23) {
      if (this.position >= this.bytes.length) throw new Error('past the end');
      x = x * 256 + this.bytes[this.position++];
    }
    this.states[lane] = x;
    return symbol;
  }

  end(): void {
    if (this.position !== this.bytes.length || this.states.some((state) => state !== 2 ** 23))
      throw new Error('the stream does not end as it should');
  }
}

/** §7.2: frequencies of the row of a class and fraction. */
function rowReader(pack: DecoderPack): (classIndex: number, fraction: number) => number[] {
  const view = new DataView(pack.frequencies.buffer, pack.frequencies.byteOffset, pack.frequencies.byteLength);
  const starts: number[] = [];
  let start = 0;
  for (let c = 0; c < 64; c++) {
    starts.push(start);
    start += 9 * (2 * pack.classes[2 * c] + 3);
  }
  return (classIndex, fraction) => {
    const length = 2 * pack.classes[2 * classIndex] + 3;
    const row = starts[classIndex] + (8 - Math.abs(fraction)) * length;
    const frequencies = Array.from({ length }, (_, symbol) => view.getUint16(2 * (row + symbol), true));
    return fraction > 0 ? frequencies.reverse() : frequencies;
  };
}

/** §3: the mode of every patch. */
function readModes(payload: Uint8Array, { prior, bonus, increment }: ModeSet, columns: number, rows: number): number[] {
  const count = columns * rows;
  const modes = prior.length;
  const kind = payload[0] & 3;
  if (kind === 2) return new Array<number>(count).fill(payload[0] >> 2);
  if (kind === 0) {
    const bits = Math.log2(modes);
    return Array.from({ length: count }, (_, patch) => {
      let mode = 0;
      for (let bit = 0; bit < bits; bit++) {
        const position = patch * bits + bit;
        mode |= ((payload[1 + (position >> 3)] >> (position & 7)) & 1) << bit;
      }
      return mode;
    });
  }
  const stream = new Stream(payload.subarray(1), 1);
  const map: number[] = [];
  for (let patch = 0; patch < count; patch++) {
    const x = patch % columns;
    const y = Math.floor(patch / columns);
    const neighbours: readonly (readonly [number, number])[] = [
      [x - 1, y],
      [x, y - 1],
      [x - 1, y - 1],
      [x + 1, y - 1],
    ];
    const weights = prior.map((weight, mode) => {
      let sum = weight + increment * Math.min(255, map.filter((other) => other === mode).length);
      neighbours.forEach(([nx, ny], j) => {
        if (nx >= 0 && ny >= 0 && nx < columns && map[ny * columns + nx] === mode) sum += bonus[j];
      });
      return sum;
    });
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    const frequencies = weights.map((weight) => 1 + Math.floor((weight * (32_768 - modes)) / total));
    frequencies[weights.indexOf(Math.max(...weights))] += 32_768 - frequencies.reduce((sum, frequency) => sum + frequency, 0);
    map.push(stream.symbol(0, frequencies));
  }
  stream.end();
  return map;
}

interface ContextLayer {
  readonly k: number;
  readonly weights: number[][];
  readonly biases: number[];
}

/** §7.5: the context layers of a decoder. */
function contextLayers(bytes: Uint8Array): ContextLayer[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let position = 8;
  return [16, 16, 2].map((outputs) => {
    const k = view.getUint8(position);
    position += 2;
    const weights = Array.from({ length: outputs }, () =>
      Array.from({ length: 16 }, () => {
        position += 2;
        return view.getInt16(position - 2, true);
      }),
    );
    const biases = Array.from({ length: outputs }, () => {
      position += 4;
      return view.getInt32(position - 4, true);
    });
    return { k, weights, biases };
  });
}

const taps: readonly (readonly [dy: number, dx: number])[] = [
  ...[0, 1].map((dx) => [-3, dx] as const),
  ...[-2, -1, 0, 1, 2].map((dx) => [-2, dx] as const),
  ...[-3, -2, -1, 0, 1, 2].map((dx) => [-1, dx] as const),
  ...[-3, -2, -1].map((dx) => [0, dx] as const),
];

/** §4: mean and log-scale of a sample, in Q8. */
function predict(layers: readonly ContextLayer[], latents: Latents, i: number, x: number, y: number): [number, number] {
  const patch = latents.patchOf(i, x, y);
  let values = taps.map(([dy, dx]) => {
    const [tx, ty] = [x + dx, y + dy];
    if (!latents.isInside(i, tx, ty)) return 0;
    const other = latents.patchOf(i, tx, ty);
    if (latents.modes[other] !== latents.modes[patch] || other > patch) return 0;
    if (i <= 2 && latents.tileOf(i, tx, ty) !== latents.tileOf(i, x, y)) return 0;
    return clamp(latents.value(i, tx, ty), -127, 127) * 256;
  });
  for (const { k, weights, biases } of layers) {
    const sums = biases.map((bias, o) => bias + weights[o].reduce((sum, weight, input) => sum + weight * values[input], 0));
    const half = 2 ** (k - 1);
    if (sums.length === 16) values = sums.map((sum) => Math.min(Math.floor((Math.max(sum, 0) + half) / 2 ** k), 32_767));
    else values = sums.map((sum) => Math.sign(sum) * Math.floor((Math.abs(sum) + half) / 2 ** k));
  }
  return [values[0], values[1]];
}

/** §2.1 and §4: one segment. */
function readSegment(
  payload: Uint8Array,
  latents: Latents,
  grids: readonly number[],
  tile: string | undefined,
  pack: DecoderPack,
  layersOfMode: readonly ContextLayer[][],
): void {
  const { header } = latents;
  const rowOf = rowReader(pack);
  const offset = pack.steps[header.step].logScaleOffset;
  const stream = new Stream(payload, header.lanes);
  let count = 0;
  for (const i of grids) {
    for (let patch = 0; patch < latents.columns * latents.rows; patch++) {
      const { left, top, right, bottom } = latents.span(i, patch);
      if (tile !== undefined && latents.tileOf(i, left, top) !== tile) continue;
      const positions: [number, number][] = [];
      for (let y = top; y <= bottom; y++) for (let x = left; x <= right; x++) positions.push([x, y]);
      positions.sort(([ax, ay], [bx, by]) => ax - left + 3 * (ay - top) - (bx - left + 3 * (by - top)) || ay - by);
      for (const [x, y] of positions) {
        const lane = count++ % header.lanes;
        const [v0, v1] = predict(layersOfMode[latents.modes[patch]], latents, i, x, y);
        const m = (clamp(v0, -32_512, 32_512) + 8) >> 4;
        const integer = (m + 8) >> 4;
        const classIndex = clamp((v1 + offset + 768) >> 5, 0, 63);
        const n = pack.classes[2 * classIndex];
        const symbol = stream.symbol(lane, rowOf(classIndex, m - 16 * integer));
        let residual = symbol - 1 - n;
        if (symbol === 0 || symbol === 2 * n + 2) {
          const g = pack.classes[2 * classIndex + 1];
          let z = 0;
          while (stream.symbol(lane, [16_384, 16_384]) === 1) z++;
          let u = 1;
          for (let bit = 0; bit < z + g; bit++) u = 2 * u + stream.symbol(lane, [16_384, 16_384]);
          const e = u - 2 ** g;
          residual = symbol === 0 ? -(n + 1 + e) : n + 1 + e;
        }
        latents.planes[i][y * latents.widths[i] + x] = integer + residual;
      }
    }
  }
  stream.end();
}

/** §3, §4, §5: everything up to the latents. */
export function referenceLatents(header: Header, picture: PictureSection, pack: DecoderPack): Latents {
  const latents = new Latents(header);
  const modeSet = pack.modeSets.get(header.modes) as ModeSet;
  const layersOfMode = modeSet.subset.map((codec) => contextLayers(pack.decoders[codec][header.anchor].bytes));
  const patches = latents.columns * latents.rows;
  latents.modes =
    header.modes === 1 ? new Array<number>(patches).fill(0) : readModes(picture.modeMap, modeSet, latents.columns, latents.rows);
  readSegment(picture.coarse, latents, [6, 5, 4, 3], undefined, pack, layersOfMode);
  const tileColumns = Math.ceil(header.width / 512);
  picture.tiles.forEach((payload, index) => {
    const tile = `${index % tileColumns},${Math.floor(index / tileColumns)}`;
    readSegment(payload, latents, [2, 1, 0], tile, pack, layersOfMode);
  });
  return latents;
}

/** A plane with its own origin: samples are addressed by their place in the grid. */
interface Window {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
  readonly samples: Float32Array;
}

function windowOf(left: number, top: number, right: number, bottom: number, at: (x: number, y: number) => number): Window {
  const width = right - left + 1;
  const height = bottom - top + 1;
  const samples = Float32Array.from({ length: width * height }, (_, index) => at(left + (index % width), top + Math.floor(index / width)));
  return { left, top, width, height, samples };
}

function sample({ left, top, width, height, samples }: Window, x: number, y: number): number {
  if (x < left || y < top || x >= left + width || y >= top + height) throw new Error('outside the window');
  return samples[(y - top) * width + (x - left)];
}

/** §6: the levels of all pixels, RGBA. */
export function referencePixels(latents: Latents, pack: DecoderPack): Uint8ClampedArray {
  const { header } = latents;
  const data = new Uint8ClampedArray(header.width * header.height * 4);
  for (let patch = 0; patch < latents.columns * latents.rows; patch++) synthesise(latents, pack, patch, data);
  return data;
}

function synthesise(latents: Latents, pack: DecoderPack, patch: number, data: Uint8ClampedArray): void {
  const { header } = latents;
  const mode = latents.modes[patch];
  const codec = (pack.modeSets.get(header.modes) as ModeSet).subset[mode];
  const { kernels, layers } = readSynthesisWeights(pack.decoders[codec][header.anchor]);
  const scale = f(pack.steps[header.step].inverseGain / 16_384);

  // Windows and dequantisation.
  const windows = Array.from({ length: 7 }, (_, i) => {
    const { left, top, right, bottom } = latents.span(i, patch);
    const isValid = (x: number, y: number): boolean => latents.isInside(i, x, y) && latents.modes[latents.patchOf(i, x, y)] === mode;
    return windowOf(left - 8, top - 8, right + 8, bottom + 8, (x, y) => {
      const cx = clamp(x, left, right);
      const cy = clamp(y, top, bottom);
      const [sx, sy] = [
        [x, y],
        [x, cy],
        [cx, y],
        [cx, cy],
      ].find(([vx, vy]) => isValid(vx, vy)) as [number, number];
      return f(latents.value(i, sx, sy) * scale);
    });
  });

  // Upsampling: `planes[j]` came from grid 6 − j.
  let planes = [windows[6]];
  for (let i = 5; i >= 0; i--) {
    const [k0, k1, k2, k3, s0, s1, s2, s3] = kernels.subarray((5 - i) * 8, (5 - i) * 8 + 8);
    const { left, top, right, bottom } = latents.span(i, patch);
    // What later steps can use: at most the window of the next grid.
    const margin = i === 0 ? 2 : 5;
    const area = [left - margin, top - margin, right + margin, bottom + margin] as const;
    const double = (a: (n: number) => number, position: number): number => {
      const n = Math.floor(position / 2);
      const s = position % 2 === 0 ? -1 : 1;
      return f(f(f(f(k3 * a(n)) + f(k2 * a(n + s))) + f(k1 * a(n - s))) + f(k0 * a(n + 2 * s)));
    };
    const smooth = (a: (n: number) => number, n: number): number =>
      f(f(f(f(s0 * a(n)) + f(s1 * f(a(n - 1) + a(n + 1)))) + f(s2 * f(a(n - 2) + a(n + 2)))) + f(s3 * f(a(n - 3) + a(n + 3))));
    planes = planes.map((plane) => {
      const alongX = windowOf(area[0], plane.top, area[2], plane.top + plane.height - 1, (x, y) => double((n) => sample(plane, n, y), x));
      return windowOf(...area, (x, y) => double((n) => sample(alongX, x, n), y));
    });
    const own = windows[i];
    const rows = windowOf(area[0], own.top, area[2], own.top + own.height - 1, (x, y) => smooth((n) => sample(own, n, y), x));
    planes.push(windowOf(...area, (x, y) => f(sample(own, x, y) + smooth((n) => sample(rows, x, n), y))));
  }
  const features = planes.reverse();

  // Synthesis.
  const [w1, w2, w3, w4] = layers.map((layer) => layer.weights);
  const [b1, b2, b3, b4] = layers.map((layer) => layer.biases);
  const { left, top, right, bottom } = latents.span(0, patch);
  const colour = [0, 1, 2].map(() => windowOf(left - 2, top - 2, right + 2, bottom + 2, () => 0));
  colour[0].samples.forEach((_, index) => {
    const x = colour[0].left + (index % colour[0].width);
    const y = colour[0].top + Math.floor(index / colour[0].width);
    const inputs = features.map((plane) => sample(plane, x, y));
    const hidden = Array.from(b1, (bias, o) =>
      Math.max(
        inputs.reduce((sum, value, c) => f(sum + f(w1[o * 7 + c] * value)), bias),
        0,
      ),
    );
    for (let o = 0; o < 3; o++) colour[o].samples[index] = hidden.reduce((sum, value, j) => f(sum + f(w2[o * 48 + j] * value)), b2[o]);
  });
  const convolve = (input: readonly Window[], weights: Float32Array, bias: number, o: number, x: number, y: number): number => {
    let sum = bias;
    for (let c = 0; c < 3; c++) {
      for (let dy = -1; dy <= 1; dy++) {
        for (let dx = -1; dx <= 1; dx++)
          sum = f(sum + f(weights[((o * 3 + c) * 3 + dy + 1) * 3 + dx + 1] * sample(input[c], x + dx, y + dy)));
      }
    }
    return f(sum + sample(input[o], x, y));
  };
  const third = [0, 1, 2].map((o) =>
    windowOf(left - 1, top - 1, right + 1, bottom + 1, (x, y) => Math.max(convolve(colour, w3, b3[o], o, x, y), 0)),
  );
  for (let y = top; y <= bottom; y++) {
    for (let x = left; x <= right; x++) {
      const pixel = (y * header.width + x) * 4;
      for (let o = 0; o < 3; o++) data[pixel + o] = clamp(Math.floor(f(f(convolve(third, w4, b4[o], o, x, y) * 255) + 0.5)), 0, 255);
      data[pixel + 3] = 255;
    }
  }
}
