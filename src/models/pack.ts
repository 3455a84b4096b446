/**
 * Reads decoder.bin, all that a decoder needs of a model pack (FORMAT.md §7), and proves on load what the integer kernels rely on:
 * rows that add up to 2^15 with no empty symbol, mode weights that fit 16 bits, layers whose sums cannot overflow 32 bits.
 *
 * Whatever contradicts FORMAT.md §7 is `corruptModel`. Nothing is allocated by a number that the file states without
 * a check against the bytes that are there.
 */

import { crc32 } from '../container.js';
import { TesseraError } from '../errors.js';
import { gridCount } from '../geometry.js';
import type { ModeCount } from '../types.js';
import { type ContextShape, type DecoderShape, decoderShape, type SynthesisShape } from './layers.js';
import { largestFloat, largestSum, rangeOfFeatures, reachOfSum } from './range.js';

/** One row of the step table. */
export interface Step {
  /** Q14: encoders multiply latents by gain / 16384. */
  readonly gain: number;
  /** Q14: decoders multiply latents by inverseGain / 16384. */
  readonly inverseGain: number;
  /** Q8, added to the log-scale of the context model. */
  readonly logScaleOffset: number;
}

/** Which codecs compete when a file uses M of them, and the integers of the adaptive mode map. */
export interface ModeSet {
  /** Codec of each mode. */
  readonly subset: readonly number[];
  readonly prior: readonly number[];
  readonly bonus: readonly number[];
  readonly increment: number;
}

/** One codec at one anchor: the bytes for the core, and the layer shapes read from them. */
export interface DecoderWeights {
  readonly bytes: Uint8Array;
  readonly shape: DecoderShape;
}

/** A parsed decoder.bin. */
export interface DecoderPack {
  readonly id: number;
  readonly modes: ModeCount;
  readonly anchors: number;
  /** Block 1: 64 × {n u8, escape order u8}. */
  readonly classes: Uint8Array;
  /** Block 1: the frequencies, u16. */
  readonly frequencies: Uint8Array;
  readonly steps: readonly Step[];
  readonly modeSets: ReadonlyMap<ModeCount, ModeSet>;
  /** [codec][anchor] */
  readonly decoders: readonly (readonly DecoderWeights[])[];
}

const magic = [0x8b, 0x54, 0x50, 0x0a] as const;
const maxBytes = 4 * 2 ** 20;
const classCount = 64;
const storedFractions = 9;
const frequencySum = 2 ** 15;
/** Of the sums of the hidden units of the synthesis. */
const hiddenShift = 16;
/** What the biases of the hidden units are multiplied by. */
const biasFactor = 2 ** 14;

/** Reads little-endian numbers one after the other; a read past the end is `corruptModel`. */
class Reader {
  readonly #view: DataView;
  position = 0;

  constructor(
    readonly bytes: Uint8Array,
    readonly base: number,
  ) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  #advance(length: number): number {
    const position = this.position;
    if (position + length > this.bytes.length) throw this.damage('the data ends too early');
    this.position = position + length;
    return position;
  }

  u8 = (): number => this.#view.getUint8(this.#advance(1));
  u16 = (): number => this.#view.getUint16(this.#advance(2), true);
  i16 = (): number => this.#view.getInt16(this.#advance(2), true);
  u32 = (): number => this.#view.getUint32(this.#advance(4), true);
  i32 = (): number => this.#view.getInt32(this.#advance(4), true);

  take(length: number): Uint8Array {
    const start = this.#advance(length);
    return this.bytes.subarray(start, start + length);
  }

  zero(): void {
    if (this.u8() !== 0) throw this.damage('a reserved byte is not zero');
  }

  end(): void {
    if (this.position !== this.bytes.length) throw this.damage('bytes are left over');
  }

  damage(text: string): TesseraError {
    return new TesseraError('corruptModel', `decoder.bin: ${text}`, { offset: this.base + this.position });
  }
}

/**
 * Parses and checks decoder.bin.
 *
 * @throws TesseraError `corruptModel` with the offset at which the damage was noticed
 */
export function parseDecoderPack(bytes: Uint8Array): DecoderPack {
  const reader = new Reader(bytes, 0);
  if (bytes.length > maxBytes) throw reader.damage(`${bytes.length} bytes are over the limit of ${maxBytes}`);
  for (const byte of magic) if (reader.u8() !== byte) throw reader.damage('not a Tessera model pack');
  if (reader.u8() !== 0) throw reader.damage('unknown version');
  const modes = reader.u8();
  const anchors = reader.u8();
  if (modes !== 1 && modes !== 2 && modes !== 4 && modes !== 8) throw reader.damage(`${modes} modes`);
  if (anchors < 1 || anchors > 16) throw reader.damage(`${anchors} anchors`);
  if (reader.u8() !== gridCount) throw reader.damage('the number of grids is not 7');
  const id = reader.u16();
  if (reader.u16() !== 0) throw reader.damage('the reserved field is not zero');

  const blocks = [1, 2, 3, 4].map((tag) => {
    if (reader.u8() !== tag) throw reader.damage(`block ${tag} is missing`);
    for (let i = 0; i < 3; i++) reader.zero();
    const length = reader.u32();
    const base = reader.position;
    return new Reader(reader.take(length), base);
  });
  const stated = reader.u32();
  reader.end();
  if (stated !== crc32(bytes.subarray(0, bytes.length - 4))) throw reader.damage('the checksum is wrong');

  const rows = readRows(blocks[0]);
  const steps = readSteps(blocks[1]);
  const modeSets = readModeSets(blocks[2], modes);
  const decoders = Array.from({ length: modes }, () => Array.from({ length: anchors }, () => readDecoder(blocks[3])));
  blocks[3].end();
  for (const decoder of decoders.flat()) {
    const range = rangeOfFeatures(readSynthesisWeights(decoder).kernels, steps);
    if (!(range <= largestFloat)) throw blocks[3].damage(`a feature can reach ${range.toExponential(1)}`);
  }
  return { id, modes, anchors, ...rows, steps, modeSets, decoders };
}

function readRows(reader: Reader): { classes: Uint8Array; frequencies: Uint8Array } {
  const classes = reader.take(2 * classCount);
  const start = reader.position;
  for (let index = 0; index < classCount; index++) {
    const n = classes[2 * index];
    const order = classes[2 * index + 1];
    if (n < 1 || n > 31 || order > 15) throw reader.damage(`class ${index}: n is ${n}, escape order ${order}`);
    for (let fraction = 0; fraction < storedFractions; fraction++) {
      let sum = 0;
      for (let symbol = 0; symbol < 2 * n + 3; symbol++) {
        const frequency = reader.u16();
        if (frequency === 0) throw reader.damage(`class ${index}: a symbol has frequency 0`);
        sum += frequency;
      }
      if (sum !== frequencySum) throw reader.damage(`class ${index}: a row adds up to ${sum}`);
    }
  }
  reader.end();
  return { classes, frequencies: reader.bytes.subarray(start) };
}

function readSteps(reader: Reader): Step[] {
  const count = reader.u8();
  if (count < 1) throw reader.damage('no steps');
  const steps = Array.from({ length: count }, () => ({ gain: reader.u16(), inverseGain: reader.u16(), logScaleOffset: reader.i16() }));
  if (steps.some((step) => step.gain === 0 || step.inverseGain === 0)) throw reader.damage('a gain is 0');
  reader.end();
  return steps;
}

function readModeSets(reader: Reader, modes: number): Map<ModeCount, ModeSet> {
  const sets = new Map<ModeCount, ModeSet>();
  for (const count of [1, 2, 4, 8] as const) {
    if (count > modes) break;
    const subset = Array.from({ length: count }, reader.u8);
    const prior = Array.from({ length: count }, reader.u16);
    const bonus = Array.from({ length: 4 }, reader.u16);
    const increment = reader.u16();
    if (subset.some((codec) => codec >= modes) || new Set(subset).size !== count)
      throw reader.damage(`the subset for ${count} modes is ${subset}`);
    if (prior.includes(0)) throw reader.damage(`a prior for ${count} modes is 0`);
    const largestSum = sum(prior) + sum(bonus) + increment * 255 * count;
    if (largestSum > 65_535) throw reader.damage(`the weights for ${count} modes can add up to ${largestSum}`);
    sets.set(count, { subset, prior, bonus, increment });
  }
  reader.end();
  return sets;
}

function readDecoder(reader: Reader): DecoderWeights {
  const start = reader.position;
  for (let grid = 0; grid < gridCount; grid++) if (reader.u8() !== 0) throw reader.damage(`unknown kind of context model for grid ${grid}`);
  reader.zero();
  const context = decoderShape.context.map((layer) => readContextLayer(reader, layer));
  const { steps, doubling, smoothing } = decoderShape.upsampling;
  for (let step = 0; step < steps; step++) readValues(reader, doubling + smoothing);
  for (let grid = 0; grid < gridCount; grid++) readBits(reader, 0, 15);
  reader.zero();
  const synthesis = decoderShape.synthesis;
  synthesis.forEach((layer, index) => {
    readSynthesisLayer(reader, layer, index);
  });
  return {
    bytes: reader.bytes.subarray(start, reader.position),
    shape: { context, upsampling: { steps, doubling, smoothing }, synthesis },
  };
}

/** Reads one layer and proves for each row that no order of summation overflows 32 bits (FORMAT.md §4). */
function readContextLayer(reader: Reader, layer: ContextShape): ContextShape {
  const k = readShift(reader, 8, 12);
  const magnitudes = Array.from({ length: layer.outputs }, () => {
    let magnitude = 0;
    for (let input = 0; input < layer.inputs; input++) magnitude += Math.abs(reader.i16());
    return magnitude;
  });
  for (const magnitude of magnitudes) {
    checkSum(reader, 'context model', magnitude * 32_767 + Math.abs(reader.i32()) + 2 ** (k - 1));
  }
  return layer;
}

function readBits(reader: Reader, least: number, most: number): number {
  const bits = reader.u8();
  if (bits < least || bits > most) throw reader.damage(`${bits} fractional bits`);
  return bits;
}

function readShift(reader: Reader, least: number, most: number): number {
  const bits = readBits(reader, least, most);
  reader.zero();
  return bits;
}

function checkSum(reader: Reader, network: string, bound: number): void {
  if (bound > largestSum) throw reader.damage(`a row of the ${network} can reach ${bound}`);
}

/** The integers of one layer of the synthesis. */
interface IntegerLayer {
  /** Bits by which sums are shifted to the right. */
  readonly shift: number;
  readonly weights: Int16Array;
  /** As they stand in the sums. */
  readonly biases: Float64Array;
}

/** Reads one layer and proves for each row that no order of summation overflows 32 bits (FORMAT.md §6). */
function readSynthesisLayer(reader: Reader, layer: SynthesisShape, index: number): IntegerLayer {
  const hidden = index === 0;
  const shift = hidden ? hiddenShift : readShift(reader, 1, 24);
  const size = layer.inputs * layer.kernel ** 2;
  const weights = Int16Array.from({ length: layer.outputs * size }, reader.i16);
  const biases = Float64Array.from({ length: layer.outputs }, hidden ? () => reader.i16() * biasFactor : reader.i32);
  biases.forEach((bias, output) => {
    const row = weights.subarray(output * size, (output + 1) * size);
    checkSum(reader, 'synthesis', reachOfSum(sum(Array.from(row, Math.abs)), bias));
  });
  return { shift, weights, biases };
}

/** Reads {shift u8, zero u8, `count` × i16}; each value stands for integer · 2^−shift. */
function readValues(reader: Reader, count: number): Float32Array {
  const shift = readShift(reader, 0, 30);
  const scale = 2 ** -shift;
  return Float32Array.from({ length: count }, () => reader.i16() * scale);
}

/**
 * Weights of the pixel part of one decoder as floats, for engines other than the core. But for the roundings of FORMAT.md §6 they give the
 * same colours: features, hidden units, colours and the third layer are in the units of the integers, the last layer's results in [0, 1].
 */
export interface SynthesisWeights {
  /** [6][8]: rows are steps 5…0, columns k0…k3, s0…s3. */
  readonly kernels: Float32Array;
  /** What the features are multiplied by, powers of two. */
  readonly scales: Float32Array;
  /**
   * Per layer, in the order of `decoderShape.synthesis`: weights [outputs][inputs][kernel][kernel] and biases [outputs]. The 3×3 layers
   * add their inputs to their results.
   */
  readonly layers: readonly { readonly weights: Float32Array; readonly biases: Float32Array }[];
}

/** Reads the upsampling and synthesis weights of a decoder that `parseDecoderPack` has accepted. */
export function readSynthesisWeights(decoder: DecoderWeights): SynthesisWeights {
  const reader = new Reader(decoder.bytes, 0);
  reader.take(gridCount + 1);
  for (const layer of decoder.shape.context) reader.take(2 + layer.outputs * layer.inputs * 2 + layer.outputs * 4);
  const { steps, doubling, smoothing } = decoder.shape.upsampling;
  const columns = doubling + smoothing;
  const kernels = new Float32Array(steps * columns);
  for (let row = 0; row < steps; row++) kernels.set(readValues(reader, columns), row * columns);
  const scales = Float32Array.from({ length: gridCount }, () => 2 ** reader.u8());
  reader.zero();
  const layers = decoder.shape.synthesis.map((layer, index) => {
    const { shift, weights, biases } = readSynthesisLayer(reader, layer, index);
    const scale = 2 ** -shift / (index < 3 ? 1 : 255);
    // The biases hold the half that rounds.
    return {
      weights: Float32Array.from(weights, (weight) => weight * scale),
      biases: Float32Array.from(biases, (bias) => (bias - 2 ** (shift - 1)) * scale),
    };
  });
  return { kernels, scales, layers };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
