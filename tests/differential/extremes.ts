/**
 * Sound packs whose upsampling and synthesis go to the ends of their fields: weights of −32,768, biases and sums at the limits that FORMAT.md
 * §7.5 sets, the smallest and largest shifts, features without fractional bits and with 15, filters that come near 2^127.
 */

import { crc32 } from '../../src/container.js';
import { parseDecoderPack } from '../../src/models/pack.js';
import { conformanceDecoder } from '../conformance/pack.js';
import { Random } from '../conformance/random.js';

/** Where the upsampling starts in the bytes of one decoder: behind the kinds and the three layers of the context model. */
const upsamplingStart = 8 + 2 * (2 + 16 * 36) + (2 + 2 * 36);

/** decoder.bin of such a pack. The context model and the tables are those of `conformanceDecoder`. */
export function extremeDecoder(seed: number): Uint8Array {
  const bytes = conformanceDecoder(seed);
  const random = new Random(seed);
  for (const decoder of parseDecoderPack(bytes).decoders.flat()) {
    const view = new DataView(decoder.bytes.buffer, decoder.bytes.byteOffset, decoder.bytes.length);
    const features = filters(view, upsamplingStart, random);
    for (let feature = 0; feature < 7; feature++) view.setUint8(features + feature, random.pick([0, 1, 8, 14, 15]));
    let at = features + 8;
    const hiddenBiases = at + 48 * 14;
    for (let unit = 0; unit < 48; unit++) {
      // 2^14 · 32,768 leaves 49,151 · 2^15 of 2^31 − 1; 2^14 leaves 65,535 · 2^15 less 2^14.
      const large = random.once(3);
      row(view, at + 14 * unit, 7, large ? [-32_768, 16_383] : [-32_768, 32_766], random);
      view.setInt16(hiddenBiases + 2 * unit, large ? random.pick([-32_768, 32_767]) : random.pick([-1, 0, 1]), true);
    }
    at = hiddenBiases + 96;
    for (const inputs of [48, 27, 27]) {
      view.setUint8(at, random.pick([1, 2, 12, 23, 24]));
      for (let output = 0; output < 3; output++) {
        row(view, at + 2 + 2 * inputs * output, inputs, random.pick(rowEnds), random);
        view.setInt32(at + 2 + 6 * inputs + 4 * output, random.pick([-32_767, 0, 32_767]), true);
      }
      at += 2 + 6 * inputs + 12;
    }
  }
  new DataView(bytes.buffer).setUint32(bytes.length - 4, crc32(bytes.subarray(0, bytes.length - 4)), true);
  return bytes;
}

/** The weights of a row that are not 0: 65,535 · 2^15 + 32,767 is 2^31 − 1. */
const rowEnds = [[-32_768, 32_767], [-32_768, -32_767], [-32_767, 32_767, 1], [-32_768], [1, -1, 1, -1], [300, -200, 100]] as const;

function row(view: DataView, at: number, inputs: number, weights: readonly number[], random: Random): void {
  for (let input = 0; input < inputs; input++) view.setInt16(at + 2 * input, 0, true);
  const first = random.below(inputs);
  weights.forEach((weight, index) => {
    view.setInt16(at + 2 * ((first + 5 * index) % inputs), weight, true);
  });
}

/** Latents reach 2^17 and a step of shift 0 multiplies by up to 2^34, so three of the six may have it. @returns where the filters end */
function filters(view: DataView, start: number, random: Random): number {
  const steps = [0, 1, 2, 3, 4, 5];
  const large = new Set([random.pick(steps), random.pick(steps), random.pick(steps)]);
  for (const step of steps) {
    const at = start + 18 * step;
    view.setUint8(at, large.has(step) ? random.pick([0, 15]) : random.pick([15, 30]));
    for (let value = 0; value < 8; value++) view.setInt16(at + 2 + 2 * value, random.pick([-32_768, 32_767, 0, 1, -1]), true);
  }
  return start + 18 * 6;
}
