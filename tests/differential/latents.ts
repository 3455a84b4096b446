/** FORMAT.md §2 to §5: from the streams to modes and latents. */

import { codecsOf } from './adaptation.js';
import { clamp, demand, list, Reader } from './bytes.js';
import type { FileParts } from './container.js';
import type { Codec, ModeSet, Pack } from './pack.js';

/** One plane of latents. */
export interface Grid {
  readonly width: number;
  readonly height: number;
  readonly values: Int16Array;
}

/** A rectangle of samples, both ends inside. */
export interface Span {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

/** §2: modes and latents of a picture, and where patches lie. */
export class Latents {
  readonly grids: readonly Grid[];
  readonly columns: number;
  readonly rows: number;
  readonly modes: number[];

  readonly #codecs: readonly Codec[];

  constructor(
    readonly parts: FileParts,
    readonly pack: Pack,
  ) {
    const { width, height, patch, modes } = parts;
    this.grids = list(7, (i) => {
      const size = { width: Math.ceil(width / 2 ** i), height: Math.ceil(height / 2 ** i) };
      return { ...size, values: new Int16Array(size.width * size.height) };
    });
    [this.columns, this.rows] = [Math.ceil(width / patch), Math.ceil(height / patch)];
    this.#codecs = codecsOf(parts, pack);
    this.modes = modes === 1 ? list(this.columns * this.rows, () => 0) : readModes(parts.modeMap, pack, modes, this.columns, this.rows);
    readSegment(this, parts.coarse, [6, 5, 4, 3], undefined);
    parts.tiles.forEach((segment, tile) => {
      readSegment(this, segment, [2, 1, 0], tile);
    });
  }

  patchOf(i: number, x: number, y: number): number {
    const side = this.parts.patch / 2 ** i;
    return Math.floor(y / side) * this.columns + Math.floor(x / side);
  }

  isInside(i: number, x: number, y: number): boolean {
    const { width, height } = this.grids[i];
    return x >= 0 && y >= 0 && x < width && y < height;
  }

  spanOf(i: number, patch: number): Span {
    const side = this.parts.patch / 2 ** i;
    const [left, top] = [(patch % this.columns) * side, Math.floor(patch / this.columns) * side];
    const { width, height } = this.grids[i];
    return { left, top, right: Math.min(left + side, width) - 1, bottom: Math.min(top + side, height) - 1 };
  }

  tileOf(i: number, x: number, y: number): number {
    const side = 512 / 2 ** i;
    return Math.floor(y / side) * Math.ceil(this.parts.width / 512) + Math.floor(x / side);
  }

  codecOf(patch: number): Codec {
    return this.#codecs[this.modes[patch]];
  }
}

/** §5: a rANS stream. */
export class Stream {
  readonly #reader: Reader;
  readonly #states: number[];

  constructor(bytes: Uint8Array, lanes: number) {
    this.#reader = new Reader(bytes, 'entropyDesync');
    this.#states = list(lanes, this.#reader.u32);
    demand(
      this.#states.every((state) => state >= 2 ** 23 && state < 2 ** 31),
      'entropyDesync',
    );
  }

  symbol(lane: number, frequencies: readonly number[]): number {
    const slot = this.#states[lane] % 32_768;
    let start = 0;
    let symbol = 0;
    while (slot >= start + frequencies[symbol]) start += frequencies[symbol++];
    let x = frequencies[symbol] * Math.floor(this.#states[lane] / 32_768) + slot - start;
    while (x < 2 ** 23) x = x * 256 + this.#reader.u8();
    this.#states[lane] = x;
    return symbol;
  }

  end(): void {
    demand(this.#reader.at === this.#reader.bytes.length && this.#states.every((state) => state === 2 ** 23), 'entropyDesync');
  }
}

/** §3: the mode of every patch. */
function readModes(map: Uint8Array, pack: Pack, modes: number, columns: number, rows: number): number[] {
  const [kind, high] = [map[0] & 3, (map[0] & 127) >> 2];
  // Without the list of codecs, of which `adaptation.ts` takes care.
  const payload = map.subarray(map[0] > 127 ? modes / 2 : 0);
  const count = columns * rows;
  demand(kind < 3 && (kind === 2 ? high < modes : high === 0), 'corruptSection');
  if (kind === 2) {
    demand(payload.length === 1, 'corruptSection');
    return list(count, () => high);
  }
  if (kind === 0) {
    const bits = Math.log2(modes);
    demand(payload.length === 1 + Math.ceil((bits * count) / 8), 'corruptSection');
    const bit = (position: number): number => (payload[1 + (position >> 3)] >> (position & 7)) & 1;
    for (let unused = bits * count; unused % 8 !== 0; unused++) demand(bit(unused) === 0, 'corruptSection');
    return list(count, (patch) => list(bits, (index) => bit(patch * bits + index) << index).reduce((sum, value) => sum + value));
  }
  const { prior, bonus, increment } = pack.modeSets.get(modes) as ModeSet;
  const stream = new Stream(payload.subarray(1), 1);
  const found: number[] = [];
  const seen = prior.map(() => 0);
  for (let patch = 0; patch < count; patch++) {
    const [x, y] = [patch % columns, Math.floor(patch / columns)];
    const weights = prior.map((weight, mode) => weight + increment * Math.min(255, seen[mode]));
    for (const [j, [dx, dy]] of [
      [-1, 0],
      [0, -1],
      [-1, -1],
      [1, -1],
    ].entries()) {
      const inside = x + dx >= 0 && x + dx < columns && y + dy >= 0;
      if (inside) weights[found[patch + dy * columns + dx]] += bonus[j];
    }
    const total = weights.reduce((sum, weight) => sum + weight);
    const frequencies = weights.map((weight) => 1 + Math.floor((weight * (32_768 - modes)) / total));
    frequencies[weights.indexOf(Math.max(...weights))] += 32_768 - frequencies.reduce((sum, frequency) => sum + frequency);
    const mode = stream.symbol(0, frequencies);
    seen[mode]++;
    found.push(mode);
  }
  stream.end();
  return found;
}

/** §4: where the context values come from, in their order. */
const tapRows = [-3, -3, -2, -2, -2, -2, -2, -1, -1, -1, -1, -1, -1, 0, 0, 0];
const tapColumns = [0, 1, -2, -1, 0, 1, 2, -3, -2, -1, 0, 1, 2, -3, -2, -1];

/** §4: the 16 context values of a sample. */
function contextOf(latents: Latents, i: number, patch: number, x: number, y: number): Float64Array {
  const { width, values } = latents.grids[i];
  const inputs = new Float64Array(16);
  for (let tap = 0; tap < 16; tap++) {
    const [tx, ty] = [x + tapColumns[tap], y + tapRows[tap]];
    if (!latents.isInside(i, tx, ty) || latents.patchOf(i, tx, ty) > patch) continue;
    if (i <= 2 && latents.tileOf(i, tx, ty) !== latents.tileOf(i, x, y)) continue;
    inputs[tap] = clamp(values[ty * width + tx], -127, 127) * 256;
  }
  return inputs;
}

/** §4: v[0] and v[1] of a sample. Numbers are whole and below 2^31, so a double holds them exactly. */
function predict(context: Float64Array, codec: Codec): Float64Array {
  let inputs = context;
  for (const { k, weights, biases } of codec.context) {
    const half = 2 ** (k - 1);
    const outputs = new Float64Array(biases.length);
    for (let o = 0; o < outputs.length; o++) {
      let a = biases[o];
      for (let input = 0; input < 16; input++) a += weights[o][input] * inputs[input];
      if (outputs.length === 16) outputs[o] = Math.min(Math.floor((Math.max(a, 0) + half) / 2 ** k), 32_767);
      else outputs[o] = Math.sign(a) * Math.floor((Math.abs(a) + half) / 2 ** k);
    }
    inputs = outputs;
  }
  return inputs;
}

const bitFrequencies = [16_384, 16_384];

/** §2.1 and §4: the segment of the coarse grids, or that of a tile. */
function readSegment(latents: Latents, payload: Uint8Array, grids: readonly number[], tile: number | undefined): void {
  const { pack, parts } = latents;
  const { offset } = pack.steps[parts.step];
  const stream = new Stream(payload, parts.lanes);
  let count = 0;

  const readSample = (i: number, patch: number, codec: Codec, x: number, y: number): void => {
    const lane = count++ % parts.lanes;
    const [v0, v1] = predict(contextOf(latents, i, patch, x, y), codec);
    const m = (clamp(v0, -32_512, 32_512) + 8) >> 4;
    const integer = (m + 8) >> 4;
    const fraction = m - 16 * integer;
    const { n, order, rows } = pack.classes[clamp((v1 + offset + 32 * parts.scales[i] + 768) >> 5, 0, 63)];
    const row = rows[8 - Math.abs(fraction)];
    const symbol = stream.symbol(lane, fraction > 0 ? [...row].reverse() : row);
    let residual = symbol - 1 - n;
    if (symbol === 0 || symbol === 2 * n + 2) {
      let z = 0;
      for (; stream.symbol(lane, bitFrequencies) === 1; z++) demand(z < 16, 'entropyDesync');
      let u = 1;
      for (let bit = 0; bit < z + order; bit++) u = 2 * u + stream.symbol(lane, bitFrequencies);
      const value = u - 2 ** order;
      residual = symbol === 0 ? -(n + 1 + value) : n + 1 + value;
    }
    const latent = integer + residual;
    demand(latent >= -32_768 && latent <= 32_767, 'entropyDesync');
    latents.grids[i].values[y * latents.grids[i].width + x] = latent;
  };

  for (const i of grids) {
    for (let patch = 0; patch < latents.columns * latents.rows; patch++) {
      const { left, top, right, bottom } = latents.spanOf(i, patch);
      if (tile !== undefined && latents.tileOf(i, left, top) !== tile) continue;
      const codec = latents.codecOf(patch);
      for (let t = 0; t <= right - left + 3 * (bottom - top); t++) {
        for (let y = top; y <= bottom; y++) {
          const x = left + t - 3 * (y - top);
          if (x >= left && x <= right) readSample(i, patch, codec, x, y);
        }
      }
    }
  }
  stream.end();
}
