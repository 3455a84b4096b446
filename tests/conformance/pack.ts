/**
 * The model pack of the conformance vectors: small, never trained, and never changed, so that the vectors do not depend on what the
 * training of the default pack comes to. Its numbers are random within the limits of FORMAT.md §7 and go to those limits:
 * classes of every reach and escape order, rows with all but a few slots on one symbol, mode weights that add up to 65,535, steps at the ends
 * of their fields, and context rows that reach 2^31 − 1.
 */

import { createHash } from 'node:crypto';
import { crc32 } from '../../src/container.js';
import type { ModelFiles } from '../../src/models/load.js';
import { Random } from './random.js';

/** Id of the conformance pack; ids of released packs count up from 1. */
export const conformancePackId = 65_535;
export const conformanceAnchors = 3;

/** Steps: the usual one, finer, coarser, and the ends of the fields. */
export const conformanceSteps = [
  { gain: 16_384, inverseGain: 16_384, offset: 0 },
  { gain: 23_170, inverseGain: 11_585, offset: 128 },
  { gain: 11_585, inverseGain: 23_170, offset: -128 },
  { gain: 1, inverseGain: 65_535, offset: -32_768 },
  { gain: 65_535, inverseGain: 1, offset: 32_767 },
  { gain: 16_000, inverseGain: 16_777, offset: -700 },
] as const;

const modeSets = [
  { subset: [3], prior: [1], bonus: [0, 0, 0, 0], increment: 0 },
  { subset: [5, 1], prior: [1, 60_000], bonus: [2000, 2000, 500, 500], increment: 1 },
  { subset: [7, 0, 2, 6], prior: [40, 10, 90, 1], bonus: [300, 300, 60, 100], increment: 9 },
  { subset: [2, 7, 4, 0, 6, 1, 5, 3], prior: [12, 30, 7, 7, 99, 1, 45, 4], bonus: [9000, 9000, 3530, 3000], increment: 20 },
] as const;

/** Appends little-endian numbers. */
class Writer {
  readonly bytes: number[] = [];
  u8 = (value: number): number => this.bytes.push(value & 255);
  u16(value: number): void {
    this.u8(value);
    this.u8(value >> 8);
  }
  u32(value: number): void {
    this.u16(value);
    this.u16(value >>> 16);
  }
}

/** Frequencies of one row: a bell of the given width around `fraction` / 16, at least 1 each, 32,768 together. */
function frequencies(n: number, width: number, fraction: number): number[] {
  const symbols = 2 * n + 3;
  // Only sums, products and quotients, which IEEE 754 rounds alike everywhere.
  const weights = Array.from({ length: symbols }, (_, symbol) => {
    const distance = (symbol - 1 - n - fraction / 16) / width;
    const square = 1 + distance * distance;
    return 1 / (square * square);
  });
  return shareOut(weights);
}

/** Whole numbers of at least 1 that add up to 32,768, in proportion to the weights; the rest goes to the largest. */
function shareOut(weights: readonly number[]): number[] {
  const sum = weights.reduce((total, weight) => total + weight, 0);
  const shares = weights.map((weight) => 1 + Math.floor((weight / sum) * (32_768 - weights.length)));
  shares[weights.indexOf(Math.max(...weights))] += 32_768 - shares.reduce((total, share) => total + share, 0);
  return shares;
}

function rows(out: Writer, random: Random): void {
  const reach = (index: number): number => 1 + Math.floor((index * 30) / 63);
  for (let index = 0; index < 64; index++) {
    out.u8(reach(index));
    out.u8(index >> 2);
  }
  let width = 0.1;
  for (let index = 0; index < 64; index++) {
    for (let fraction = -8; fraction <= 0; fraction++) {
      const symbols = 2 * reach(index) + 3;
      let row = frequencies(reach(index), width, fraction);
      // As skewed as a row can be; and rows of no shape at all.
      if (index === 1) row = shareOut(Array.from({ length: symbols }, (_, symbol) => (symbol === reach(index) + 1 ? 1 : 0)));
      if (index % 16 === 5) row = shareOut(Array.from({ length: symbols }, () => 1 + random.below(1000)));
      for (const frequency of row) out.u16(frequency);
    }
    width *= 1.09;
  }
}

function contextLayers(out: Writer, random: Random, kind: 'usual' | 'limit'): void {
  for (const outputs of [16, 16, 2]) {
    const bits = random.between(8, 12);
    const scale = 2 ** bits;
    const largest = random.pick([32_767, -32_768]);
    out.u8(bits);
    out.u8(0);
    for (let output = 0; output < outputs; output++) {
      const first = random.below(16);
      for (let input = 0; input < 16; input++) {
        if (kind === 'limit') out.u16(input === first ? largest : input === (first + 5) % 16 ? -32_767 : 0);
        else out.u16(random.spread(0.2 * scale) + (outputs === 16 && input === output ? scale : 0));
      }
    }
    // What the two weights of a row leave of 2^31 − 1.
    const most = 2 ** 31 - 1 - 32_767 * (Math.abs(largest) + 32_767) - scale / 2;
    for (let output = 0; output < outputs; output++) out.u32(kind === 'limit' ? random.pick([most, -most, 0]) : random.spread(200 * scale));
  }
}

function decoder(out: Writer, random: Random, kind: 'usual' | 'limit'): void {
  for (let byte = 0; byte < 8; byte++) out.u8(0);
  contextLayers(out, random, kind);
  const values = (shift: number, list: readonly number[]): void => {
    out.u8(shift);
    out.u8(0);
    for (const value of list) out.u16(value);
  };
  for (let step = 0; step < 6; step++) {
    const doubling = [-1147, -3441, 8585, 28_803].map((value) => value + random.spread(800));
    values(15, [...doubling, ...[0, 0, 0, 0].map(() => random.spread(2000))]);
  }
  synthesis(out, random, kind);
}

/** Features of 3 to 10 fractional bits and layers that make colours around 2048 = level 128 of them; or layers at the limit of their sums. */
function synthesis(out: Writer, random: Random, kind: 'usual' | 'limit'): void {
  const most = 2 ** 31 - 1;
  const featureBits = random.between(3, 9);
  for (let feature = 0; feature < 7; feature++) out.u8(featureBits + random.below(2));
  out.u8(0);
  const weights = (rows: number, inputs: number, row: (output: number, input: number) => number): void => {
    for (let output = 0; output < rows; output++) {
      const first = random.below(inputs);
      for (let input = 0; input < inputs; input++) {
        if (kind === 'usual') out.u16(row(output, input));
        else
          out.u16(input === first ? random.pick([32_767, -32_767]) : input === (first + 1) % inputs ? random.pick([32_000, -32_000]) : 0);
      }
    }
  };
  const left = most - 32_768 * (32_767 + 32_000);
  const biases = (spread: number, centre: number): void => {
    for (let output = 0; output < 3; output++) out.u32(kind === 'usual' ? centre + random.spread(spread) : random.pick([left, -left, 0]));
  };
  weights(48, 7, () => random.spread(3000));
  for (let unit = 0; unit < 48; unit++) out.u16(kind === 'usual' ? random.spread(300) + 2 : random.pick([left >> 14, -(left >> 14), 0]));
  out.u8(featureBits);
  out.u8(0);
  // Units in pairs of nearly opposite effect: what all units have in common does not drive the colour to its end.
  let before = 0;
  weights(3, 48, (_, unit) => {
    before = unit % 2 === 0 ? random.spread(1500) : random.spread(150) - before;
    return before;
  });
  biases(2 ** (7 + featureBits), 2 ** (11 + featureBits));
  const scale = random.between(11, 14);
  out.u8(scale);
  out.u8(0);
  weights(3, 27, (output, input) => random.spread(0.05 * 2 ** scale) + (input === output * 9 + 4 ? 2 ** scale : 0));
  biases(20 * 2 ** scale, 2 ** (scale - 1));
  const shift = random.between(12, 16);
  out.u8(shift);
  out.u8(0);
  weights(3, 27, (output, input) => random.spread(0.0025 * 2 ** shift) + (input === output * 9 + 4 ? 2 ** (shift - 4) : 0));
  biases(20 * 2 ** shift, 2 ** (shift - 1));
}

/**
 * decoder.bin of the conformance pack.
 *
 * @param seed - 1 is the conformance pack; any other gives a sound pack of other numbers
 */
export function conformanceDecoder(seed = 1): Uint8Array {
  const random = new Random(seed);
  const out = new Writer();
  for (const byte of [0x8b, 0x54, 0x50, 0x0a, 0, 8, conformanceAnchors, 7]) out.u8(byte);
  out.u16(conformancePackId);
  out.u16(0);
  const blocks: ((block: Writer) => void)[] = [
    (block) => rows(block, random),
    (block) => {
      block.u8(conformanceSteps.length);
      for (const { gain, inverseGain, offset } of conformanceSteps) for (const value of [gain, inverseGain, offset]) block.u16(value);
    },
    (block) => {
      for (const { subset, prior, bonus, increment } of modeSets) {
        for (const codec of subset) block.u8(codec);
        for (const value of [...prior, ...bonus, increment]) block.u16(value);
      }
    },
    (block) => {
      // Codec 7 at the last anchor is the one at the limit of 32-bit sums.
      for (let codec = 0; codec < 8; codec++) {
        for (let anchor = 0; anchor < conformanceAnchors; anchor++)
          decoder(block, random, codec === 7 && anchor === conformanceAnchors - 1 ? 'limit' : 'usual');
      }
    },
  ];
  blocks.forEach((write, index) => {
    const block = new Writer();
    write(block);
    out.u32(index + 1);
    out.u32(block.bytes.length);
    for (const byte of block.bytes) out.u8(byte);
  });
  out.u32(crc32(Uint8Array.from(out.bytes)));
  return Uint8Array.from(out.bytes);
}

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** manifest.json for a decoder.bin. It names an analysis model that is not there: nothing can be encoded with this pack. */
export function conformanceManifest(decoderBytes: Uint8Array): object {
  const [modes = 8, anchors = conformanceAnchors, , idLow = 0, idHigh = 0] = decoderBytes.subarray(5);
  const repeat = <Value>(count: number, value: Value): Value[] => Array.from({ length: count }, () => value);
  return {
    format: 0,
    id: idLow + 256 * idHigh,
    name: 'conformance',
    modes,
    anchors,
    lambda: repeat(anchors, 0.01),
    gains: repeat(modes, repeat(anchors, repeat(7, 1))),
    quality: repeat(101, [0, 0]),
    analysis: repeat(anchors, 'analysis.onnx'),
    files: {
      'decoder.bin': { bytes: decoderBytes.length, sha256: sha256(decoderBytes) },
      'analysis.onnx': { bytes: 0, sha256: sha256(new Uint8Array(0)) },
    },
  };
}

/** A pack made of a decoder.bin, for the `models` option. */
export function packOfDecoder(decoderBytes: Uint8Array): ModelFiles {
  const manifest = new TextEncoder().encode(JSON.stringify(conformanceManifest(decoderBytes)));
  return { files: { 'manifest.json': manifest, 'decoder.bin': decoderBytes } };
}
