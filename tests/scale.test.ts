/** Decoding at 1/2, 1/4 and 1/8 of the size. */

import { beforeAll, describe, expect, test } from 'vitest';
import { decode, encode } from '../src/index.js';
import type { DecodeOptions, Picture, PixelSource, Rows } from '../src/types.js';
import { examples, readPixels, sameBytes, synthetic } from './helpers.js';

/** Means of squares of pixels. */
function reduced({ data, width, height }: PixelSource, side: number): { data: Uint8ClampedArray; width: number; height: number } {
  const size = { width: Math.ceil(width / side), height: Math.ceil(height / side) };
  const out = new Uint8ClampedArray(size.width * size.height * 4);
  for (let y = 0; y < size.height; y++) {
    for (let x = 0; x < size.width; x++) {
      for (let c = 0; c < 4; c++) {
        let [sum, count] = [0, 0];
        for (let line = y * side; line < Math.min(height, (y + 1) * side); line++) {
          for (let column = x * side; column < Math.min(width, (x + 1) * side); column++, count++)
            sum += data[(line * width + column) * 4 + c];
        }
        out[(y * size.width + x) * 4 + c] = Math.floor(sum / count + 0.5);
      }
    }
  }
  return { ...size, data: out };
}

const scales = [0.5, 0.25, 0.125] as const;

describe.each(examples)('$name', ({ path }) => {
  const files = new Map<number, { file: Uint8Array; whole: Picture }>();
  beforeAll(async () => {
    const image = await readPixels(path);
    // One quality of each group of rates: the finest grids hold something else in each.
    for (const quality of [20, 50, 80]) {
      const file = await encode(image, { quality, effort: 1 });
      files.set(quality, { file, whole: await decode(file) });
    }
  });

  test.each(scales)('at %f is the mean of the whole', async (scale) => {
    for (const { file, whole } of files.values()) {
      const small = await decode(file, { scale });
      const expected = reduced(whole, 1 / scale);
      expect([small.width, small.height]).toEqual([expected.width, expected.height]);
      expect(sameBytes(small.data, expected.data)).toBe(true);
    }
  });
});

describe('a photograph', () => {
  let file: Uint8Array;
  beforeAll(async () => {
    file = await encode(await readPixels(examples[0].path), { quality: 20, effort: 1 });
  });

  test('rows come from top to bottom and are the picture', async () => {
    const seen: Rows[] = [];
    const small = await decode(file, { scale: 0.25, onRows: (rows) => seen.push(rows) });
    let next = 0;
    for (const { y, width, height, data } of seen) {
      expect(y).toBe(next);
      expect(sameBytes(data, small.data.subarray(y * width * 4, (y + height) * width * 4))).toBe(true);
      next += height;
    }
    expect(next).toBe(small.height);
  });
});

test.each([
  [1, 1],
  [7, 3],
  [65, 129],
  [131, 515],
  [513, 20],
])('%i×%i has the rounded size, and its alpha is the mean', async (width, height) => {
  const image = synthetic(width, height);
  for (let i = 3; i < image.data.length; i += 4) image.data[i] = (i * 5) & 255;
  const file = await encode(image, { modes: 1, effort: 1 });
  for (const scale of scales) {
    const small = await decode(file, { scale });
    const expected = reduced(image, 1 / scale);
    expect([small.width, small.height]).toEqual([expected.width, expected.height]);
    for (let i = 3; i < small.data.length; i += 4) expect(small.data[i]).toBe(expected.data[i]);
  }
});

test('other scales and combinations are refused', async () => {
  const file = await encode(synthetic(20, 20), { modes: 1, effort: 1 });
  const region = { x: 0, y: 0, width: 1, height: 1 };
  for (const options of [{ scale: 0.3 }, { scale: 0.5, region }, { scale: 0.5, transform: 'ort' }, { scale: 0.5, partial: true }]) {
    await expect(decode(file, options as DecodeOptions), JSON.stringify(options)).rejects.toMatchObject({ code: 'invalidArgument' });
  }
  expect((await decode(file, { scale: 1 })).width).toBe(20);
});
