import { beforeAll, describe, expect, test } from 'vitest';
import { engineOfPackage } from '../src/codec.js';
import { decodeFile } from '../src/decode.js';
import { type EncodeResult, encodeDetailed } from '../src/encode.js';
import { estimateSegments } from '../src/estimate.js';
import { decode, encode, probe } from '../src/index.js';
import { psnr } from '../src/metrics.js';
import type { EncodeOptions, PixelSource } from '../src/types.js';
import { crop, dataFolder, examples, pngFiles, readPixels, sameBytes, synthetic } from './helpers.js';

const kodak = dataFolder('kodak');
const pictures = [
  ...examples,
  ...(kodak === undefined ? [] : pngFiles(kodak).filter((_, index) => index % 8 === 4)).map((path) => ({
    name: path.slice(-11, -4),
    path,
  })),
];

function encodeWith(image: PixelSource, options: EncodeOptions): Promise<EncodeResult> {
  return encodeDetailed(engineOfPackage(), image, options, { reconstruction: true, estimate: estimateSegments });
}

/** Checks that the decoder gives the encoder's own reconstruction, byte for byte, and returns it. */
async function checkDecoded(result: EncodeResult): Promise<PixelSource> {
  const picture = await decodeFile(engineOfPackage(), result.bytes, {});
  expect(sameBytes(picture.data, result.reconstruction?.data as Uint8ClampedArray)).toBe(true);
  return picture;
}

function largestDifference(a: PixelSource, b: PixelSource): number {
  let most = 0;
  for (let i = 0; i < a.data.length; i++) most = Math.max(most, Math.abs(a.data[i] - b.data[i]));
  return most;
}

describe.each(pictures)('$name', ({ path }) => {
  let image: PixelSource;
  beforeAll(async () => {
    image = await readPixels(path);
  });

  test.each([20, 50, 80])('quality %i: decoder = encoder, estimate = file, both engines agree', async (quality) => {
    const result = await encodeWith(image, { quality });
    const picture = await checkDecoded(result);
    expect(Math.abs(result.estimatedBytes / result.bytes.length - 1)).toBeLessThan(0.005);
    expect(largestDifference(picture, await decode(result.bytes, { transform: 'ort' }))).toBeLessThanOrEqual(1);
    expect(probe(result.bytes)).toMatchObject({ width: image.width, height: image.height, patch: 128, lanes: 1 });
    expect(result.modeShares.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 12);
  });

  test('eight codecs are never worse in J than one', async () => {
    const one = await encodeWith(image, { quality: 50, modes: 1 });
    const eight = await encodeWith(image, { quality: 50, modes: 8 });
    expect(eight.lambda).toBe(one.lambda);
    expect(eight.cost).toBeLessThanOrEqual(one.cost);
  });

  test('quality is monotone in size', async () => {
    const sizes: number[] = [];
    for (let quality = 0; quality <= 100; quality += 10) sizes.push((await encode(image, { quality, effort: 3 })).length);
    expect(sizes).toEqual(sizes.toSorted((a, b) => a - b));
    expect(new Set(sizes).size).toBe(sizes.length);
  });
});

describe('sizes', () => {
  test.each([
    [1, 1],
    [2, 1],
    [1, 3],
    [7, 5],
    [63, 65],
    [64, 64],
    [127, 129],
    [128, 128],
    [130, 1],
    [1, 300],
    [257, 129],
    [511, 513],
    [1025, 70],
  ])('%i×%i', async (width, height) => {
    const result = await encodeWith(synthetic(width, height), { quality: 50 });
    const picture = await checkDecoded(result);
    expect([picture.width, picture.height, picture.data.length]).toEqual([width, height, width * height * 4]);
    expect(picture.data.every((level, index) => index % 4 !== 3 || level === 255)).toBe(true);
    expect(largestDifference(picture, await decode(result.bytes, { transform: 'ort' }))).toBeLessThanOrEqual(1);
  });

  test('4096×3072', async () => {
    const result = await encodeWith(synthetic(4096, 3072), { quality: 30, effort: 1, modes: 1 });
    await checkDecoded(result);
  });
});

describe('parameters of the format', () => {
  test.each([64, 128, 256] as const)('patches of %i', async (patch) => {
    const result = await encodeWith(synthetic(300, 200), { patch });
    expect(probe(result.bytes).patch).toBe(patch);
    const picture = await checkDecoded(result);
    expect(largestDifference(picture, await decode(result.bytes, { transform: 'ort' }))).toBeLessThanOrEqual(1);
  });

  test.each([1, 2, 4, 8] as const)('%i lanes, and the same pixels with any number of them', async (lanes) => {
    const image = synthetic(200, 150);
    const result = await encodeWith(image, { lanes });
    const two = await encodeWith(image, { lanes: 2 });
    expect(probe(result.bytes).lanes).toBe(lanes);
    expect(largestDifference(await checkDecoded(result), await checkDecoded(two))).toBe(0);
  });

  test.each([1, 2, 4, 8] as const)('%i codecs', async (modes) => {
    const image = await readPixels(examples[3].path);
    const result = await encodeWith(image, { modes, effort: 6 });
    expect(probe(result.bytes).modes).toBeLessThanOrEqual(modes);
    expect(result.modeShares.length).toBe(probe(result.bytes).modes);
    expect(result.modeShares[0]).toBeGreaterThan(0);
    await checkDecoded(result);
  });

  test.each([1, 3, 5, 6, 9])('effort %i', async (effort) => {
    const image = crop(await readPixels(examples[0].path), 100, 50, 300, 260);
    await checkDecoded(await encodeWith(image, { effort }));
  });

  test('more effort never costs more', async () => {
    const image = crop(await readPixels(examples[3].path), 0, 0, 390, 300);
    const costs: number[] = [];
    for (const effort of [1, 3, 5, 6, 8]) costs.push((await encodeWith(image, { effort })).cost);
    for (let i = 1; i < costs.length; i++) expect(costs[i]).toBeLessThanOrEqual(costs[i - 1]);
  });

  test('an anchor and a step instead of a quality', async () => {
    const image = synthetic(100, 100);
    const result = await encodeWith(image, { rate: { anchor: 1, step: 0 } });
    expect(probe(result.bytes)).toMatchObject({ anchor: 1, step: 0 });
    await expect(encode(image, { rate: { anchor: 99, step: 0 } })).rejects.toMatchObject({ code: 'invalidArgument' });
  });

  test('the same input gives the same file', async () => {
    const image = synthetic(260, 130);
    expect(sameBytes(await encode(image), await encode(image))).toBe(true);
  });

  test('higher quality means a better picture', async () => {
    const image = await readPixels(examples[1].path);
    const values: number[] = [];
    for (const quality of [10, 50, 90]) values.push(psnr(image, await decode(await encode(image, { quality, effort: 3 }))));
    expect(values).toEqual(values.toSorted((a, b) => a - b));
    expect(values[2]).toBeGreaterThan(30);
  });
});
