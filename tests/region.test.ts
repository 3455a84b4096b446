/** Decoding a part of a picture, and rows as they are finished. */

import { beforeAll, describe, expect, test } from 'vitest';
import { engineOfPackage } from '../src/codec.js';
import { encodeDetailed } from '../src/encode.js';
import { patchesOf, tilesOf } from '../src/geometry.js';
import { decode, encode, probe } from '../src/index.js';
import type { Picture, Progress, Region, Rows } from '../src/types.js';
import { colourBands, crop, randomNumbers, sameBytes, variedPack } from './helpers.js';

const models = variedPack();
const width = 1100;
const height = 900;

describe.each([64, 128, 256] as const)('patches of %i', (patch) => {
  let file: Uint8Array;
  let whole: Picture;
  beforeAll(async () => {
    file = await encode(colourBands(width, height), { quality: 40, patch, modes: 2, effort: 7, models });
    expect(probe(file).modes).toBe(2);
    whole = await decode(file, { models });
  });

  const check = async (region: Region): Promise<void> => {
    const part = await decode(file, { models, region });
    expect([part.width, part.height]).toEqual([region.width, region.height]);
    const expected = crop(whole, region.x, region.y, region.width, region.height);
    expect(sameBytes(part.data, expected.data), JSON.stringify(region)).toBe(true);
  };

  test('a region is the crop of the whole, byte for byte', async () => {
    const random = randomNumbers(patch);
    for (let attempt = 0; attempt < 8; attempt++) {
      const x = random() % width;
      const y = random() % height;
      await check({ x, y, width: 1 + (random() % (width - x)), height: 1 + (random() % (height - y)) });
    }
  });

  test.each<[string, Region]>([
    ['the whole picture', { x: 0, y: 0, width, height }],
    ['one pixel in the last corner', { x: width - 1, y: height - 1, width: 1, height: 1 }],
    ['one tile', { x: 512, y: 0, width: 512, height: 512 }],
    ['both sides of a tile edge', { x: 511, y: 511, width: 2, height: 2 }],
    ['one row', { x: 0, y: 600, width, height: 1 }],
  ])('%s', (_, region) => check(region));

  test('rows come from top to bottom and are the picture', async () => {
    const seen: Rows[] = [];
    const region = { x: 10, y: 200, width: 700, height: 650 };
    const part = await decode(file, { models, region, onRows: (rows) => seen.push(rows) });
    expect(seen.map((rows) => rows.y)).toEqual(seen.map((_, index) => (index === 0 ? 0 : (Math.floor(200 / patch) + index) * patch - 200)));
    let next = 0;
    for (const rows of seen) {
      expect([rows.y, rows.width]).toEqual([next, 700]);
      expect(sameBytes(rows.data, part.data.subarray(next * 700 * 4, (next + rows.height) * 700 * 4))).toBe(true);
      next += rows.height;
    }
    expect(next).toBe(650);
  });
});

test('the first rows come before the last tiles are decoded', async () => {
  const file = await encode(colourBands(300, 1600), { quality: 20, effort: 1, modes: 1, models });
  const events: string[] = [];
  const onProgress = ({ stage, loaded }: Progress): void => {
    if (stage === 'code') events.push(`code ${loaded}`);
  };
  await decode(file, { models, onProgress, onRows: ({ y }) => events.push(`rows ${y}`) });
  expect(events.slice(0, 5)).toEqual(['code 1', 'code 2', 'rows 0', 'rows 128', 'rows 256']);
  expect(events.indexOf('code 5')).toBeGreaterThan(events.indexOf('rows 1024'));
  expect(events.at(-1)).toBe('rows 1536');
});

test('two rows of tiles in memory are enough for any number of them', async () => {
  const tall = { width: 150, height: 2200 };
  const picture = colourBands(tall.width, tall.height);
  const { bytes, reconstruction } = await encodeDetailed(
    engineOfPackage(),
    picture,
    { quality: 60, effort: 7, modes: 2, models },
    { reconstruction: true },
  );
  const whole = await decode(bytes, { models });
  expect(sameBytes(whole.data, (reconstruction as Picture).data)).toBe(true);
  const region = { x: 20, y: 900, width: 100, height: 1250 };
  const part = await decode(bytes, { models, region });
  expect(sameBytes(part.data, crop(whole, region.x, region.y, region.width, region.height).data)).toBe(true);
});

test('only the tiles that the windows reach are decoded', () => {
  const tiles = (x: number, y: number, side: number): number[] =>
    tilesOf(patchesOf({ x, y, width: side, height: side }, 128), 128, 2048, 2048);
  expect(tiles(200, 200, 100)).toEqual([0]);
  expect(tiles(0, 0, 512)).toEqual([0, 1, 4, 5]);
  expect(tiles(512, 512, 512)).toEqual([0, 1, 2, 4, 5, 6, 8, 9, 10]);
  expect(tiles(2047, 2047, 1)).toEqual([15]);
  expect(tiles(0, 0, 2048).length).toBe(16);
});

test('regions outside the picture and regions with onnxruntime are refused', async () => {
  const file = await encode(colourBands(100, 50), { models });
  for (const region of [
    { x: 0, y: 0, width: 101, height: 1 },
    { x: -1, y: 0, width: 1, height: 1 },
    { x: 0, y: 50, width: 1, height: 1 },
    { x: 0, y: 0, width: 0, height: 1 },
    { x: 0.5, y: 0, width: 1, height: 1 },
  ]) {
    await expect(decode(file, { models, region }), JSON.stringify(region)).rejects.toMatchObject({ code: 'invalidArgument' });
  }
  const region = { x: 0, y: 0, width: 1, height: 1 };
  await expect(decode(file, { models, region, transform: 'ort' })).rejects.toMatchObject({ code: 'invalidArgument' });
});
