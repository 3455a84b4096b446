/** FORMAT.md §7: decoder.bin. */

import { createHash } from 'node:crypto';
import { checksum, demand, f, list, Reader } from './bytes.js';

/** One layer of a context network. */
export interface ContextLayer {
  readonly k: number;
  readonly weights: readonly Int16Array[];
  readonly biases: readonly number[];
}

/** Weights of one codec at one anchor. */
export interface Codec {
  readonly context: readonly ContextLayer[];
  /** k0…k3 and s0…s3 of steps 5…0. */
  readonly upsampling: readonly Float32Array[];
  /** Fractional bits of the features. */
  readonly featureBits: readonly number[];
  /** The four layers of the synthesis; that of the first is fixed. */
  readonly synthesis: readonly SynthesisLayer[];
}

/** One layer of the synthesis, flat. */
export interface SynthesisLayer {
  readonly shift: number;
  readonly weights: readonly number[];
  readonly biases: readonly number[];
}

/** §7.4, for one M. */
export interface ModeSet {
  readonly subset: readonly number[];
  readonly prior: readonly number[];
  readonly bonus: readonly number[];
  readonly increment: number;
}

/** What is in a decoder.bin. */
export interface Pack {
  readonly id: number;
  /** The first 8 bytes of the SHA-256, in hexadecimal. */
  readonly hash: string;
  /** n, escape order, and the frequencies for the fractions −8…0. */
  readonly classes: readonly { readonly n: number; readonly order: number; readonly rows: readonly (readonly number[])[] }[];
  readonly steps: readonly { readonly inverseGain: number; readonly offset: number }[];
  /** By M. */
  readonly modeSets: ReadonlyMap<number, ModeSet>;
  /** By codec and anchor. */
  readonly codecs: readonly (readonly Codec[])[];
}

/** @throws Refusal `corruptModel`, for whatever does not have the shape; the bounds of the tables are not proved here */
export function readPack(bytes: Uint8Array): Pack {
  const reader = new Reader(bytes, 'corruptModel');
  const magic = [0x8b, 0x54, 0x50, 0x0a, 0];
  demand(
    magic.every((byte) => reader.u8() === byte),
    'corruptModel',
  );
  const [modes, anchors, grids, id, reserved] = [reader.u8(), reader.u8(), reader.u8(), reader.u16(), reader.u16()];
  demand(modes <= 8 && anchors <= 16 && grids === 7 && reserved === 0, 'corruptModel');
  const [rows, steps, sets, decoders] = [1, 2, 3, 4].map((tag) => {
    demand(reader.u32() === tag, 'corruptModel');
    return new Reader(reader.take(reader.u32()), 'corruptModel');
  });
  demand(checksum(bytes.subarray(0, reader.at)) === reader.u32(), 'corruptModel');

  const reaches = list(64, () => ({ n: rows.u8(), order: rows.u8() }));
  const modeSets: Pack['modeSets'] = new Map(
    [1, 2, 4, 8]
      .filter((count) => count <= modes)
      .map((count) => [
        count,
        { subset: list(count, sets.u8), prior: list(count, sets.u16), bonus: list(4, sets.u16), increment: sets.u16() },
      ]),
  );
  const pack: Pack = {
    id,
    hash: createHash('sha256').update(bytes).digest('hex').slice(0, 16),
    classes: reaches.map(({ n, order }) => ({ n, order, rows: list(9, () => list(2 * n + 3, rows.u16)) })),
    steps: list(steps.u8(), () => {
      steps.u16();
      return { inverseGain: steps.u16(), offset: steps.i16() };
    }),
    modeSets,
    codecs: list(modes, () => list(anchors, () => readCodec(decoders))),
  };
  for (const block of [reader, rows, steps, sets, decoders]) demand(block.at === block.bytes.length, 'corruptModel');
  return pack;
}

function readCodec(reader: Reader): Codec {
  demand(
    reader.take(8).every((byte) => byte === 0),
    'corruptModel',
  );
  const context = [16, 16, 2].map((outputs) => {
    const [k] = [reader.u8(), reader.u8()];
    const weights = list(outputs, () => Int16Array.from(list(16, reader.i16)));
    return { k, weights, biases: list(outputs, reader.i32) };
  });
  const values = (count: number): Float32Array => {
    const [shift] = [reader.u8(), reader.u8()];
    return Float32Array.from(list(count, () => f(reader.i16() / 2 ** shift)));
  };
  const upsampling = list(6, () => values(8));
  const featureBits = list(7, reader.u8);
  reader.u8();
  const first = { shift: 16, weights: list(48 * 7, reader.i16), biases: list(48, () => reader.i16() * 16_384) };
  const others = [48, 27, 27].map((inputs) => {
    const [shift] = [reader.u8(), reader.u8()];
    return { shift, weights: list(3 * inputs, reader.i16), biases: list(3, reader.i32) };
  });
  return { context, upsampling, featureBits, synthesis: [first, ...others] };
}
