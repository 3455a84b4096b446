/** Modes whose codecs the file chooses: the list before the mode map, and what the encoder makes of it. */

import { describe, expect, test } from 'vitest';
import { engineOfPackage } from '../src/codec.js';
import { modeSetOf } from '../src/core.js';
import { decodeModes } from '../src/decode.js';
import { encodeDetailed } from '../src/encode.js';
import { decode, probe } from '../src/index.js';
import { parseModeMap, writeModeMap } from '../src/mode-map.js';
import { loadPack } from '../src/models/load.js';
import type { PixelSource } from '../src/types.js';
import { examples, randomNumbers, readPixels, sameBytes } from './helpers.js';

const { decoder: pack } = await loadPack();
const [generalist] = modeSetOf(pack, 1).subset;

describe('the list of codecs', () => {
  const payload = Uint8Array.of(0, 0b1011);

  test.each([[[generalist, generalist]], [[3, 1]], [[7, 7, 0, 5]], [[0, 0, 0, 0, 7, 7, 7, 7]]])('%j comes back', (codecs) => {
    const written = writeModeMap({ codecs, payload }, pack);
    expect(written.length).toBe(payload.length + codecs.length / 2);
    expect(written[0]).toBe(0x80);
    expect(written[1]).toBe(codecs[0] + 16 * codecs[1]);
    expect(parseModeMap(written, pack, codecs.length as 2 | 4 | 8)).toEqual({ codecs, payload });
  });

  test('is left out where the pack says the same', () => {
    const codecs = modeSetOf(pack, 4).subset;
    expect(writeModeMap({ codecs, payload }, pack)).toBe(payload);
    expect(parseModeMap(payload, pack, 4)).toEqual({ codecs, payload });
    expect(parseModeMap(new Uint8Array(0), pack, 1).codecs).toEqual([generalist]);
  });

  test.each([
    ['is cut off', [0x80, 0x11], 4],
    ['names a codec that the pack does not have', [0x80, 0x81, 0], 2],
    ['says what the pack says', [0x80, modeSetOf(pack, 2).subset.reduce((byte, codec, mode) => byte | (codec << (4 * mode)), 0), 0], 2],
  ] as const)('one that %s is damage', (_, bytes, modes) => {
    expect(() => parseModeMap(Uint8Array.from(bytes as readonly number[]), pack, modes)).toThrow(
      expect.objectContaining({ code: 'corruptSection' }),
    );
  });
});

describe('a picture of two kinds', () => {
  /** A photograph, whose right half has other colours and more contrast. */
  const picture = async (): Promise<PixelSource> => {
    const { data, width, height } = await readPixels(examples[2].path);
    const random = randomNumbers(9);
    const changed = data.map((level, at) => {
      const channel = at & 3;
      if (channel === 3 || ((at >> 2) % width) * 2 < width) return level;
      return Math.min(255, Math.max(0, Math.round((level - 128) * (1.6 - 0.4 * channel)) + 128 + 20 * channel + (random() % 3)));
    });
    return { data: changed, width, height };
  };

  test('its patches get modes of one codec, which is worth it and goes no further than the caller says', async () => {
    const image = await picture();
    const encodeWith = (modes: 1 | 2 | 4 | 8) => encodeDetailed(engineOfPackage(), image, { quality: 80, modes }, { reconstruction: true });
    const [one, two, eight] = [await encodeWith(1), await encodeWith(2), await encodeWith(8)];
    expect([one, two, eight].map(({ bytes }) => probe(bytes).modes <= 8)).toEqual([true, true, true]);
    expect(probe(one.bytes).modes).toBe(1);
    expect(probe(two.bytes).modes).toBe(2);
    expect(probe(eight.bytes).modes).toBeGreaterThan(1);
    expect(two.cost).toBeLessThan(0.99 * one.cost);
    expect(eight.cost).toBeLessThan(0.99 * one.cost);
    for (const { bytes, reconstruction } of [two, eight]) {
      const { modes, codecs } = await decodeModes(engineOfPackage(), bytes, {});
      expect(codecs).toEqual(codecs.map(() => generalist));
      expect(new Set(modes).size).toBeGreaterThan(1);
      // The most frequent mode is the first.
      const counts = codecs.map((_, mode) => modes.filter((own) => own === mode).length);
      expect(counts).toEqual(counts.toSorted((a, b) => b - a));
      const [wasm, ort] = [await decode(bytes), await decode(bytes, { transform: 'ort' })];
      expect(sameBytes(wasm.data, reconstruction?.data as Uint8ClampedArray)).toBe(true);
      expect(wasm.data.reduce((most, level, index) => Math.max(most, Math.abs(level - ort.data[index])), 0)).toBeLessThanOrEqual(1);
    }
  });

  test('the highest efforts do it with what is left of the competition', async () => {
    const image = await picture();
    const [one, eight] = [1, 8].map((modes) => encodeDetailed(engineOfPackage(), image, { quality: 80, modes: modes as 1 | 8, effort: 6 }));
    expect((await eight).cost).toBeLessThan(0.99 * (await one).cost);
    const { codecs } = await decodeModes(engineOfPackage(), (await eight).bytes, {});
    expect(codecs.length).toBeGreaterThan(new Set(codecs).size);
  });
});
