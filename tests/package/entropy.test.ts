/** `tessera-codec/entropy`: the coder alone. */

import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, test } from 'vitest';
import { createEntropyCoder, type EntropyCoder, laplaceTables } from '../../src/entropy.js';
import { loadPack } from '../../src/models/load.js';
import { randomNumbers, sameBytes } from '../helpers.js';

const tables = laplaceTables();
let coder: EntropyCoder;
beforeAll(async () => {
  coder = await createEntropyCoder();
});

test('the table builder makes the rows that training starts from', () => {
  // Block 1 of decoder.bin as training/tessera/tables.py makes it; packs hold rows fitted to their codecs.
  const file = JSON.parse(readFileSync(new URL('../vectors/tables.json', import.meta.url), 'utf8')) as { tables: string };
  const block = Uint8Array.from(Buffer.from(file.tables, 'base64'));
  expect(sameBytes(tables.classes, block.subarray(0, 128))).toBe(true);
  const stored = new Uint16Array(block.slice(128).buffer);
  expect(tables.frequencies.length).toBe(stored.length);
  const furthest = tables.frequencies.reduce((most, value, index) => Math.max(most, Math.abs(value - stored[index])), 0);
  // The builder rounds in floating point; a tie may fall to either neighbour.
  expect(furthest).toBeLessThanOrEqual(1);
});

test('the rows of the default pack keep the bounds and escape orders of the builder', async () => {
  const { decoder } = await loadPack();
  expect(sameBytes(tables.classes, decoder.classes)).toBe(true);
});

describe.each([1, 2, 4, 8] as const)('%i lanes', (lanes) => {
  test('symbols come back, and damage does not pass', () => {
    const random = randomNumbers(lanes);
    const rows = Uint16Array.from({ length: 5000 }, () => random() % 1024);
    const symbols = rows.map((row) => random() % coder.symbolCount(row));
    const bytes = coder.encode(symbols, rows, lanes);
    expect(coder.decode(bytes, rows, lanes)).toEqual(symbols);
    expect(() => coder.decode(bytes.subarray(0, bytes.length - 1), rows, lanes)).toThrow(
      expect.objectContaining({ code: 'entropyDesync' }),
    );
  });
});

test('the likeliest symbols of a narrow row cost next to nothing', () => {
  const rows = new Uint16Array(10_000).fill(8);
  const middle = (coder.symbolCount(8) - 1) / 2;
  expect(coder.encode(new Uint16Array(10_000).fill(middle), rows).length).toBeLessThan(20);
});

test('no symbols', () => {
  expect(coder.encode(new Uint16Array(0), new Uint16Array(0), 1).length).toBe(4);
  expect(coder.decode(coder.encode(new Uint16Array(0), new Uint16Array(0)), new Uint16Array(0)).length).toBe(0);
});

test('wrong calls', async () => {
  const one = new Uint16Array(1);
  expect(() => coder.encode(one, new Uint16Array(2))).toThrow(expect.objectContaining({ code: 'invalidArgument' }));
  expect(() => coder.encode(one, Uint16Array.of(1024))).toThrow(expect.objectContaining({ code: 'invalidArgument' }));
  expect(() => coder.encode(Uint16Array.of(999), one)).toThrow(expect.objectContaining({ code: 'invalidArgument' }));
  expect(() => coder.encode(one, one, 3 as never)).toThrow(expect.objectContaining({ code: 'invalidArgument' }));
  await expect(createEntropyCoder({ ...tables, classes: new Uint8Array(5) })).rejects.toMatchObject({ code: 'corruptModel' });
  const unequal = tables.frequencies.slice();
  unequal[0]++;
  await expect(createEntropyCoder({ ...tables, frequencies: unequal })).rejects.toMatchObject({ code: 'corruptModel' });
});
