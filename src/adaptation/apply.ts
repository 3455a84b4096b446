/** Decoders with the changes of one picture (FORMAT.md §1.2). All of it is integers. */

import type { Section } from '../container.js';
import { TesseraError } from '../errors.js';
import { synthesisOffsets } from '../models/layers.js';
import type { DecoderPack, DecoderWeights } from '../models/pack.js';
import { largestSum, reachOfSum } from '../models/range.js';
import type { Rate } from '../quality.js';
import { type Adaptation, type Changes, type LayerChanges, parseAdaptation } from './section.js';

const hidden = 48;
/** Of the last layer, what `middle`, `sides` and `corners` change. */
export const rings = [[4], [1, 3, 5, 7], [0, 2, 6, 8]] as const;
/** A bias changes by eighths of a level. */
export const biasShift = 3;

/** The weights of a decoder that an adaptation changes, and what these changes are measured by. */
export class SynthesisView {
  readonly #bytes: DataView;

  /** @param bytes - of a decoder that `parseDecoderPack` has accepted */
  constructor(bytes: Uint8Array) {
    this.#bytes = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  #i16(layer: number, index: number): number {
    return this.#bytes.getInt16(synthesisOffsets[layer].weights + 2 * index, true);
  }

  /** b1[unit], then w1[unit][feature]. */
  first(unit: number): number[] {
    const row = Array.from({ length: 7 }, (_, feature) => this.#i16(0, 7 * unit + feature));
    return [this.#bytes.getInt16(synthesisOffsets[0].biases + 2 * unit, true), ...row];
  }

  /** w2[output][unit]. */
  mixing(output: number, unit: number): number {
    return this.#i16(1, hidden * output + unit);
  }

  /** The largest magnitude of a unit's weights in w2. */
  unitNorm(unit: number): number {
    return Math.max(Math.abs(this.mixing(0, unit)), Math.abs(this.mixing(1, unit)), Math.abs(this.mixing(2, unit)));
  }

  /** What green in w4 adds up to: about as much as makes a level of a level. */
  lastNorm(): number {
    return Array.from({ length: 9 }, (_, tap) => this.#i16(3, 27 + 9 + tap)).reduce((sum, weight) => sum + weight, 0);
  }

  /** Bits by which the sums of layer 1 (w2) or 3 (w4) are shifted. */
  shift(layer: 1 | 3): number {
    return this.#bytes.getUint8(synthesisOffsets[layer].start);
  }

  /** The largest magnitude of the sums of a layer, whatever its inputs (FORMAT.md §7.5). */
  reach(layer: 1 | 3): number {
    const inputs = layer === 1 ? hidden : 27;
    let most = 0;
    for (let output = 0; output < 3; output++) {
      let sum = 0;
      for (let input = 0; input < inputs; input++) sum += Math.abs(this.#i16(layer, inputs * output + input));
      most = Math.max(most, reachOfSum(sum, this.#bytes.getInt32(synthesisOffsets[layer].biases + 4 * output, true)));
    }
    return most;
  }

  /**
   * By how many levels a pixel may differ where one of its features is rounded the other way. Sums of floats in another order do that now and
   * then, in onnxruntime (`transform: 'ort'`), and where it is much more than a level, so do levels.
   */
  sensitivity(): number {
    const level = this.lastNorm() / 2 ** (this.shift(1) + this.shift(3)) / 65_536;
    let most = 0;
    for (let output = 0; output < 3; output++) {
      const [ups, downs] = [new Float64Array(8), new Float64Array(8)];
      for (let unit = 0; unit < hidden; unit++) {
        const factor = this.mixing(output, unit) * level;
        if (factor !== 0)
          this.first(unit).forEach((weight, index) => {
            const change = weight * factor;
            (change > 0 ? ups : downs)[index] += Math.abs(change);
          });
      }
      // The first number is the bias.
      most = Math.max(most, ...ups.subarray(1), ...downs.subarray(1));
    }
    return most;
  }

  /** @throws TesseraError `corruptSection` when the weight leaves 16 bits */
  addToMixing(output: number, unit: number, change: number): void {
    this.#add(synthesisOffsets[1].weights + 2 * (hidden * output + unit), change);
  }

  /**
   * @param index - 27 · output + 9 · input + tap
   * @throws TesseraError `corruptSection` when the weight leaves 16 bits
   */
  addToLast(index: number, change: number): void {
    this.#add(synthesisOffsets[3].weights + 2 * index, change);
  }

  /** @throws TesseraError `corruptSection` when the bias leaves 32 bits */
  addToBias(output: number, change: number): void {
    const place = synthesisOffsets[3].biases + 4 * output;
    const value = this.#bytes.getInt32(place, true) + change;
    if (Math.abs(value) > largestSum) throw tooLarge();
    this.#bytes.setInt32(place, value, true);
  }

  #add(place: number, change: number): void {
    const value = this.#bytes.getInt16(place, true) + change;
    if (value < -32_768 || value > 32_767) throw tooLarge();
    this.#bytes.setInt16(place, value, true);
  }
}

/** The hidden units of a decoder whose weights in w2 are not all 0. */
export function unitsInUse(decoder: DecoderWeights): number[] {
  const view = new SynthesisView(decoder.bytes);
  return Array.from({ length: hidden }, (_, unit) => unit).filter((unit) => view.unitNorm(unit) > 0);
}

/** Reads the adaptation of a file, if it has one. @throws TesseraError `corruptSection` */
export function adaptationOf(
  pack: DecoderPack,
  codecs: readonly number[],
  { anchor }: Rate,
  section: Section | undefined,
): Adaptation | undefined {
  return section && parseAdaptation(section, codecs.length, unitsInUse(pack.decoders[codecs[0]][anchor]).length);
}

/**
 * The decoders of a file's modes at its rate, as its adaptation has them.
 *
 * @param codecs - of each mode
 * @throws TesseraError `corruptSection` when a weight leaves 16 bits, or sums could leave 32
 */
export function decodersOf(pack: DecoderPack, codecs: readonly number[], rate: Rate, adaptation?: Adaptation): readonly DecoderWeights[] {
  const decoders = codecs.map((codec) => pack.decoders[codec][rate.anchor]);
  if (adaptation === undefined) return decoders;
  const units = unitsInUse(decoders[0]);
  return decoders.map((decoder, mode) => adaptDecoder(decoder, units, adaptation, mode));
}

/** Bytes of `decodersOf`, as the core takes them. */
export const weightsOf = (...what: Parameters<typeof decodersOf>): Uint8Array[] => bytesOf(decodersOf(...what));

/** Bytes of decoders, as the core takes them. */
export const bytesOf = (decoders: readonly DecoderWeights[]): Uint8Array[] => decoders.map(({ bytes }) => bytes);

function adaptDecoder(decoder: DecoderWeights, units: readonly number[], adaptation: Adaptation, mode: number): DecoderWeights {
  // Not `slice`: that of a Buffer is no copy.
  const bytes = new Uint8Array(decoder.bytes);
  const view = new SynthesisView(bytes);
  const norms = units.map((unit) => view.unitNorm(unit));
  const lastNorm = view.lastNorm();
  for (const { exponent, changes } of changesOf(adaptation.mixing, mode)) {
    changes.forEach((change, index) => {
      const unit = index % units.length;
      view.addToMixing(Math.floor(index / units.length), units[unit], scaled(change * norms[unit], exponent));
    });
  }
  for (const { exponent, changes } of changesOf(adaptation.last, mode)) {
    changes.forEach((change, index) => {
      if (index >= 27) view.addToBias(index - 27, Math.floor((change * 2 ** view.shift(3)) / 2 ** biasShift));
      else for (const tap of rings[index % 3]) view.addToLast(9 * Math.floor(index / 3) + tap, scaled(change * lastNorm, exponent));
    });
  }
  for (const layer of [1, 3] as const) if (view.reach(layer) > largestSum) throw tooLarge();
  return { ...decoder, bytes };
}

/** Those of all modes, then the mode's own. */
const changesOf = (layer: Changes | undefined, mode: number): LayerChanges[] =>
  [layer?.all, layer?.each?.[mode]].filter((changes) => changes !== undefined);

/** value / 2^exponent, rounded. */
const scaled = (value: number, exponent: number): number => Math.floor(value / 2 ** exponent + 0.5);

function tooLarge(): TesseraError {
  return new TesseraError('corruptSection', 'the adaptation makes weights too large');
}
