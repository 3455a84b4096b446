/** Efforts that refine latents: files as before, never dearer, the same from run to run. */

import { describe, expect, test, vi } from 'vitest';
import { engineOfPackage } from '../../src/codec.js';
import { decodeFile } from '../../src/decode.js';
import { type EncodeResult, encodeDetailed } from '../../src/encode.js';
import { encode } from '../../src/index.js';
import { squaredError } from '../../src/metrics.js';
import { loadPack } from '../../src/models/load.js';
import { patchesIn, regionOf, regionsOf, stretchesOf } from '../../src/refine/regions.js';
import type { EncodeOptions, PixelSource } from '../../src/types.js';
import { colourBands, crop, defaultPack, examples, readPixels, sameBytes, synthetic, variedPack, withoutCurvatures } from '../helpers.js';

const models = variedPack();

const untraded = withoutCurvatures(models);
const defaultUntraded = withoutCurvatures(defaultPack());

/** Encodes, and checks that a decoder gives the encoder's own reconstruction and that the stated J is that of the pixels and bits. */
async function encodeChecked(image: PixelSource, options: EncodeOptions): Promise<EncodeResult> {
  const result = await encodeDetailed(engineOfPackage(), image, options, { reconstruction: true });
  const picture = await decodeFile(engineOfPackage(), result.bytes, options.models === undefined ? {} : { models: options.models });
  expect(sameBytes(picture.data, result.reconstruction?.data as Uint8ClampedArray)).toBe(true);
  const bits = (result.cost - squaredError(image, picture) / (3 * 255 ** 2)) / result.lambda;
  const outside = 27 + 2 * 7 + 8 + result.adaptationBytes; // header, sections and their lengths
  expect(bits / 8).toBeLessThan(result.bytes.length);
  expect(bits / 8).toBeGreaterThan(result.bytes.length - outside - 8);
  return result;
}

describe('a photograph', () => {
  const photograph = async (): Promise<PixelSource> => crop(await readPixels(examples[0].path), 150, 30, 136, 130);

  test.each([10, 90])('quality %i: J falls by more than 3 %', async (quality) => {
    const image = await photograph();
    const before = await encodeDetailed(engineOfPackage(), image, { quality, effort: 5, models: defaultUntraded });
    const after = await encodeChecked(image, { quality, effort: 8 });
    expect(after.cost).toBeLessThan(0.97 * before.cost);
  });

  test.each([10, 50, 90])('quality %i: rounds of trades gain more than 1 %%, more rounds more', async (quality) => {
    const image = await photograph();
    const before = await encodeDetailed(engineOfPackage(), image, { quality, effort: 5, models: untraded });
    const traded = await encodeChecked(image, { quality, effort: 5, models });
    expect(traded.cost).toBeLessThan(0.99 * before.cost);
    const more = await encodeChecked(image, { quality, effort: 7, models });
    expect(more.cost).toBeLessThan(traded.cost);
    expect(more.cost).toBeLessThan(0.98 * before.cost);
  });

  test('one codec, and a rate between the anchors', async () => {
    const image = await photograph();
    const rate = { anchor: 0, step: (await loadPack()).decoder.steps.length - 1 };
    const before = await encodeDetailed(engineOfPackage(), image, { modes: 1, effort: 5, rate, models: defaultUntraded });
    const after = await encodeChecked(image, { modes: 1, effort: 8, rate });
    expect(after.cost).toBeLessThan(0.97 * before.cost);
  });

  test('the same file from run to run', async () => {
    const image = await photograph();
    const files = [await encode(image, { quality: 30, effort: 8 }), await encode(image, { quality: 30, effort: 8 })];
    expect(sameBytes(files[0], files[1])).toBe(true);
  });
});

test.each([
  [1, 1, 128],
  [3, 200, 64],
  [67, 130, 64],
  [130, 5, 256],
  [1040, 24, 128], // two regions
] as const)('%i×%i pixels in patches of %i, several codecs', async (width, height, patch) => {
  const image = colourBands(width, height);
  const before = await encodeDetailed(engineOfPackage(), image, { patch, quality: 50, effort: 5, models: untraded });
  const after = await encodeChecked(image, { patch, quality: 50, effort: 8, models });
  expect(after.cost).toBeLessThanOrEqual(before.cost);
});

test('progress of the stage rises to its total, and a signal stops it', async () => {
  const image = synthetic(70, 40);
  const steps: [loaded: number, total: number][] = [];
  await encode(image, { effort: 8, onProgress: ({ stage, loaded, total }) => void (stage === 'refine' && steps.push([loaded, total])) });
  expect(steps.map(([loaded]) => loaded)).toEqual(steps.map((_, index) => index));
  expect(steps.at(-1)?.[0]).toBe(steps[0][1]);

  const controller = new AbortController();
  const aborted = encode(image, {
    effort: 9,
    signal: controller.signal,
    onProgress: ({ stage, loaded }) => stage === 'refine' && loaded === 5 && controller.abort(),
  });
  await expect(aborted).rejects.toMatchObject({ code: 'aborted' });
});

test('the limit of memory counts what refinement holds', async () => {
  const image = synthetic(300, 200);
  const limits = { maxMemory: 20 * 2 ** 20 };
  expect((await encode(image, { effort: 2, limits })).length).toBeGreaterThan(0);
  await expect(encode(image, { effort: 5, limits })).rejects.toMatchObject({ code: 'limitMemory' });
  const more = { maxMemory: 26 * 2 ** 20 };
  expect((await encode(image, { effort: 5, limits: more })).length).toBeGreaterThan(0);
  await expect(encode(image, { effort: 8, limits: more })).rejects.toMatchObject({ code: 'limitMemory' });
});

test('where no code may be compiled: no trades at effort 5, backendUnavailable above', async () => {
  const image = crop(await readPixels(examples[0].path), 150, 30, 136, 130);
  vi.resetModules();
  const fresh = await import('../../src/index.js');
  const untraded = await fresh.encode(image, { modes: 1, effort: 2 });
  const compile = vi.spyOn(WebAssembly, 'compile').mockRejectedValue(new WebAssembly.CompileError('code generation disallowed'));
  expect(sameBytes(await fresh.encode(image, { modes: 1, effort: 5 }), untraded)).toBe(true);
  await expect(fresh.encode(image, { effort: 6 })).rejects.toMatchObject({ code: 'backendUnavailable' });
  compile.mockRestore();
  // A failure is not kept.
  expect((await fresh.encode(image, { modes: 1, effort: 5 })).length).toBeLessThan(untraded.length);
});

describe('regions', () => {
  const picture = { width: 2100, height: 1030, patch: 64, modes: new Uint8Array(33 * 17) };

  test('hold every patch once', () => {
    const regions = regionsOf(picture, 1024);
    expect(regions).toHaveLength(6);
    const patches = regions.flatMap((region) => patchesIn(picture, region));
    expect([...patches].sort((a, b) => a - b)).toEqual(Array.from({ length: 33 * 17 }, (_, index) => index));
  });

  test('are never smaller than a patch', () => {
    const large = { ...picture, patch: 256, modes: new Uint8Array(9 * 5) };
    expect(regionsOf(large, 128)).toEqual(Array.from({ length: 45 }, (_, patch) => regionOf(large, patch)));
  });

  test('stretches cover every latent once', () => {
    const seen = new Map<string, number>();
    for (const region of regionsOf(picture, 1024)) {
      for (const { grid, x, y, length, start } of stretchesOf(picture, region)) {
        expect(start).toBe(y * Math.ceil(2100 / 2 ** grid) + x);
        for (let i = 0; i < length; i++) if (grid > 1) seen.set(`${grid} ${x + i} ${y}`, (seen.get(`${grid} ${x + i} ${y}`) ?? 0) + 1);
      }
    }
    expect(seen.size).toBe([2, 3, 4, 5, 6].reduce((sum, grid) => sum + Math.ceil(2100 / 2 ** grid) * Math.ceil(1030 / 2 ** grid), 0));
    expect(new Set(seen.values())).toEqual(new Set([1]));
  });

  test('a margin reaches into the picture around, and not beyond it', () => {
    const rows = [...stretchesOf(picture, { left: 0, top: 2, right: 2, bottom: 4 }, 8)].filter(({ grid }) => grid === 1);
    expect(rows.map(({ y }) => y)).toEqual(Array.from({ length: 64 + 16 }, (_, row) => 64 - 8 + row));
    expect(rows.every(({ x, length }) => x === 0 && length === 64 + 8)).toBe(true);
  });
});
