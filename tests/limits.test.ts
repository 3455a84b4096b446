import { describe, expect, test } from 'vitest';
import { checkStatus, errorNumbers, TesseraError } from '../src/errors.js';
import { gridSide, patchLayout, symbolCount, tileCount } from '../src/geometry.js';
import { checkSize, defaultLimits, estimateMemory, resolveLimits } from '../src/limits.js';

describe('limits', () => {
  test('defaults, zero for unlimited, and refusal of nonsense', () => {
    expect(resolveLimits()).toEqual(defaultLimits);
    expect(resolveLimits({ maxPixels: 5 }).maxPixels).toBe(5);
    expect(resolveLimits({ maxPixels: 0, maxDimension: 0 })).toMatchObject({ maxPixels: 2 ** 28, maxDimension: 65_536 });
    expect(resolveLimits({ maxPixels: 2 ** 40 }).maxPixels).toBe(2 ** 28);
    for (const value of [-1, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(() => resolveLimits({ maxPixels: value })).toThrow(expect.objectContaining({ code: 'invalidArgument' }));
    }
  });

  test('the first limit that is exceeded is named', () => {
    checkSize(8192, 8192, 1, defaultLimits);
    expect(() => checkSize(8193, 8192, 1, defaultLimits)).toThrow(/67117056 pixels, over the limit of 67108864 \(limits.maxPixels\)/);
    expect(() => checkSize(32_769, 1, 1, defaultLimits)).toThrow(expect.objectContaining({ code: 'limitDimension' }));
    expect(() => checkSize(1, 32_769, 1, defaultLimits)).toThrow(expect.objectContaining({ code: 'limitDimension' }));
    expect(() => checkSize(100, 100, 1, resolveLimits({ maxMemory: 2 ** 24 }))).toThrow(expect.objectContaining({ code: 'limitMemory' }));
  });

  test('memory is computed beyond 32 bits', () => {
    expect(estimateMemory(65_536, 65_536, 8)).toBeGreaterThan(2 ** 36);
    expect(estimateMemory(1, 1, 1)).toBeLessThan(17 * 2 ** 20);
  });

  test('pixels, a strip of them and a row of tiles of alpha are counted', () => {
    expect(estimateMemory(2000, 600, 0) - estimateMemory(1000, 600, 0)).toBeGreaterThan(1000 * (600 * 4 + 256 * 4 + 512));
  });
});

describe('geometry', () => {
  test('grids, patches and tiles are rounded up', () => {
    expect([0, 1, 2, 3, 4, 5, 6].map((grid) => gridSide(129, grid))).toEqual([129, 65, 33, 17, 9, 5, 3]);
    expect(patchLayout(129, 128, 128)).toEqual({ columns: 2, rows: 1, count: 2 });
    expect(tileCount(512, 513)).toBe(2);
    expect(symbolCount(1, 1)).toBe(7);
    expect(symbolCount(768, 512)).toBe(524_256);
  });
});

describe('errors', () => {
  test('numbers are those of FORMAT.md §8 and never meet twice', () => {
    expect(new TesseraError('truncated', 'x', { offset: 5 })).toMatchObject({
      name: 'TesseraError',
      code: 'truncated',
      number: 30,
      offset: 5,
    });
    expect(new Set(Object.values(errorNumbers)).size).toBe(20);
  });

  test('statuses of the core become errors', () => {
    checkStatus(0, 'nothing');
    expect(() => checkStatus(34, 'decoding tile 3')).toThrow(/decoding tile 3: the coded data does not decode/);
    expect(() => checkStatus(77, 'x')).toThrow(expect.objectContaining({ code: 'internal' }));
  });
});
