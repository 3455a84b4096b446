/** ICC profile and EXIF: dropped by default, carried as they are on request. */

import { beforeAll, describe, expect, test } from 'vitest';
import { writeFile } from '../src/container.js';
import { decode, encode, probe } from '../src/index.js';
import { readMetadata, writeMetadata } from '../src/metadata.js';
import { readContainer } from './differential/container.js';
import { randomNumbers, sameBytes, synthetic } from './helpers.js';

const random = randomNumbers(41);
const icc = Uint8Array.from({ length: 3000 }, () => random());
const exif = Uint8Array.of(0x49, 0x49, 0x2a, 0, 8, 0, 0, 0, 0, 0);
const transparent = synthetic(70, 40);
for (let i = 3; i < transparent.data.length; i += 4) transparent.data[i] = i & 255;

describe.each([
  ['opaque', synthetic(70, 40)],
  ['with alpha', transparent],
])('a file, %s,', (_, image) => {
  let file: Uint8Array;
  let pixels: Uint8ClampedArray;
  beforeAll(async () => {
    file = await encode(image, { modes: 1, effort: 1 });
    pixels = (await decode(file)).data;
  });

  test('has none of its own', () => {
    expect(readMetadata(file)).toEqual({});
    expect(sameBytes(writeMetadata(file, {}), file)).toBe(true);
  });

  test.each([{ icc }, { exif }, { icc, exif }])('carries $icc.length and $exif.length bytes', async (metadata) => {
    const carrying = writeMetadata(file, metadata);
    expect(readMetadata(carrying)).toEqual(metadata);
    expect(sameBytes((await decode(carrying)).data, pixels)).toBe(true);
    expect(probe(carrying).sections).toBe(probe(file).sections + Object.keys(metadata).length);
    // Another decoder, from FORMAT.md alone, finds the same bytes under the same tags.
    const { sections } = readContainer(carrying);
    expect([sections.get(0x41)?.length, sections.get(0x42)?.length]).toEqual([metadata.icc?.length, metadata.exif?.length]);
    // Writing again replaces, and with nothing takes out.
    expect(readMetadata(writeMetadata(carrying, { exif: icc }))).toEqual({ exif: icc });
    expect(sameBytes(writeMetadata(carrying, {}), file)).toBe(true);
  });

  test('is refused when it is damaged, wherever that is', () => {
    const carrying = writeMetadata(file, { icc, exif });
    for (const at of [0, 22, 30, file.length + 20, carrying.length - 1]) {
      const damaged = carrying.slice();
      damaged[at] ^= 4;
      expect(() => readMetadata(damaged), `${at}`).toThrow(expect.objectContaining({ name: 'TesseraError' }));
      expect(() => writeMetadata(damaged, {}), `${at}`).toThrow(expect.objectContaining({ name: 'TesseraError' }));
    }
    for (const length of [0, 26, 30, file.length, carrying.length - 1])
      expect(() => readMetadata(carrying.subarray(0, length)), `${length}`).toThrow(expect.objectContaining({ name: 'TesseraError' }));
  });

  test('takes no metadata that are none', () => {
    for (const wrong of [new Uint8Array(0), new Uint8Array(2 ** 24 + 1), 'profile', [1]])
      expect(() => writeMetadata(file, { icc: wrong as Uint8Array })).toThrow(expect.objectContaining({ code: 'invalidArgument' }));
  });
});

test('sections that are not known stay where they are, and a full file takes no more', async () => {
  const file = await encode(synthetic(20, 20), { modes: 1, effort: 1 });
  const { scales, modeMap, coarse, tiles, packHash, ...fields } = readContainer(file);
  const others = (count: number): { tag: number; payload: Uint8Array }[] =>
    Array.from({ length: count }, (_, index) => ({ tag: index === 0 ? 0x40 : 0x42 + index, payload: Uint8Array.of(index) }));
  const header = { ...probe(file), packHash, packId: fields.packId };
  const carrying = writeMetadata(writeFile(header, { scales, modeMap, coarse, tiles }, others(3)), { icc });
  expect([...readContainer(carrying).sections.keys()]).toEqual([0x01, 0x40, 0x41, 0x43, 0x44]);
  const full = writeFile(header, { scales, modeMap, coarse, tiles }, others(31));
  expect(() => writeMetadata(full, { icc })).toThrow(expect.objectContaining({ code: 'invalidArgument' }));
});
