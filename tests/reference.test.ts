/**
 * The core against the plain decoder of tests/differential, on files of the encoder and on files that the encoder never writes: random modes,
 * random latents with escapes, every kind of mode map, lane count and patch size.
 */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { engineOfPackage } from '../src/codec.js';
import { writeFile } from '../src/container.js';
import { decodeFile } from '../src/decode.js';
import { encodeDetailed } from '../src/encode.js';
import { estimateSegments } from '../src/estimate.js';
import { tileCount } from '../src/geometry.js';
import { loadPack } from '../src/models/load.js';
import { noScales } from '../src/scales.js';
import type { EncodeOptions, Header, PixelSource } from '../src/types.js';
import { type Decoded, decodePlainly, readPack } from './differential/decoder.js';
import { colourBands, crop, examples, randomNumbers, readPixels, sameBytes, synthetic, variedPack, withoutCurvatures } from './helpers.js';

const models = variedPack();
const plainPack = readPack(models.files['decoder.bin']);

/** Decodes with both and compares the pixels. */
async function compare(bytes: Uint8Array): Promise<Decoded> {
  const plain = decodePlainly(bytes, plainPack);
  const picture = await decodeFile(engineOfPackage(), bytes, { models });
  expect(sameBytes(plain.pixels, picture.data)).toBe(true);
  return plain;
}

/** Largest difference in levels between the two engines. */
async function engineDifference(bytes: Uint8Array): Promise<number> {
  const [wasm, ort] = [
    await decodeFile(engineOfPackage(), bytes, { models }),
    await decodeFile(engineOfPackage(), bytes, { models, transform: 'ort' }),
  ];
  return wasm.data.reduce((most, level, index) => Math.max(most, Math.abs(level - ort.data[index])), 0);
}

describe('files of the encoder', () => {
  test.each<[string, number, number, EncodeOptions]>([
    ['one pixel', 1, 1, {}],
    ['several patches, cut at both edges', 150, 133, { patch: 64 }],
    ['eight lanes', 90, 70, { lanes: 8 }],
    ['one codec', 70, 140, { modes: 1 }],
    ['the lowest quality', 129, 65, { quality: 0 }],
    ['the highest quality', 65, 50, { quality: 100 }],
  ])('%s', async (_, width, height, options) => {
    await compare((await encodeDetailed(engineOfPackage(), synthetic(width, height), { ...options, models })).bytes);
  });

  test('two tiles and competing codecs', async () => {
    const image = colourBands(590, 130);
    const result = await encodeDetailed(
      engineOfPackage(),
      image,
      { patch: 64, quality: 60, effort: 7, models },
      { reconstruction: true, estimate: estimateSegments },
    );
    expect(result.modeShares.filter((share) => share > 0).length).toBeGreaterThan(1);
    await compare(result.bytes);
    const picture = await decodeFile(engineOfPackage(), result.bytes, { models });
    expect(sameBytes(picture.data, (result.reconstruction as PixelSource).data as Uint8ClampedArray)).toBe(true);
    expect(Math.abs(result.estimatedBytes / result.bytes.length - 1)).toBeLessThan(0.005);
    expect(await engineDifference(result.bytes)).toBeLessThanOrEqual(1);
  });

  test('the cost that the encoder reports is that of the file it writes', async () => {
    const photograph = crop(await readPixels(examples[2].path), 100, 60, 330, 200);
    for (const [image, effort] of [
      [photograph, 1],
      [photograph, 8],
      [colourBands(590, 130), 1],
      [colourBands(590, 130), 5],
      [colourBands(590, 130), 7],
    ] as const) {
      const result = await encodeDetailed(engineOfPackage(), image, { patch: 64, effort, models });
      const picture = await decodeFile(engineOfPackage(), result.bytes, { models });
      let error = 0;
      for (let i = 0; i < image.data.length; i++) error += (image.data[i] - picture.data[i]) ** 2;
      // Besides the bits of the symbols and the map, a file has a header, lengths and coder states: 30 to 70 bytes here.
      const overhead = result.bytes.length - (result.cost - error / (3 * 255 ** 2)) / result.lambda / 8;
      expect(overhead).toBeGreaterThan(30);
      expect(overhead).toBeLessThan(70);
    }
  });

  test('competition never costs more than any codec alone, nor than less effort', async () => {
    const image = colourBands(500, 150);
    const cost = async (options: EncodeOptions): Promise<number> =>
      (await encodeDetailed(engineOfPackage(), image, { models: withoutCurvatures(models), ...options })).cost;
    const [one, single, usual, full, traded] = [
      await cost({ modes: 1 }),
      await cost({ effort: 2 }),
      await cost({ effort: 5 }),
      await cost({ effort: 7 }),
      await cost({ effort: 7, models }),
    ];
    // The same choices may be added up in another order, which moves the last bits of the sum.
    const sameSum = 1 + 1e-12;
    expect(single).toBeLessThanOrEqual(one * sameSum);
    expect(usual).toBeLessThanOrEqual(single * sameSum);
    expect(full).toBeLessThanOrEqual(usual * sameSum);
    expect(traded).toBeLessThan(full);
  });
});

/** Writes a file of random modes and latents; returns it with the modes. */
async function randomFile(
  header: Omit<Header, 'sections' | 'alpha'>,
  seed: number,
  spread: number,
  uniform: boolean,
): Promise<{ bytes: Uint8Array; modes: Uint8Array }> {
  const { decoder } = await loadPack(models);
  const random = randomNumbers(seed);
  return engineOfPackage().withCore(async (core) => {
    core.begin(decoder, { ...header, rate: header, storage: 'sets' });
    const map = core.modes();
    for (let patch = 0; patch < map.length; patch++) map[patch] = uniform ? header.modes - 1 : random() % header.modes;
    for (let grid = 0; grid < 7; grid++) {
      const values = core.plane(0, grid).map(() => Math.round((random() / 2 ** 32 - 0.5) * 2 * (random() % 50 === 0 ? 32_767 : spread)));
      for (let set = 0; set < header.modes; set++) core.plane(set, grid).set(values);
    }
    const modes = core.modes().slice();
    const modeMap = header.modes === 1 ? new Uint8Array(0) : core.encodeModeMap();
    const segments = Array.from({ length: 1 + tileCount(header.width, header.height) }, (_, segment) => core.encodeSegment(segment, 1000));
    const [coarse, ...tiles] = segments;
    return { bytes: writeFile(header, { scales: noScales, modeMap, coarse, tiles }), modes };
  });
}

describe('files that the encoder never writes', () => {
  test('are decoded alike', async () => {
    const { hash, decoder } = await loadPack(models);
    const cases = fc.record({
      width: fc.integer({ min: 1, max: 200 }),
      height: fc.integer({ min: 1, max: 140 }),
      modes: fc.constantFrom<Header['modes']>(1, 2, 4, 8),
      patch: fc.constantFrom<Header['patch']>(64, 128, 256),
      lanes: fc.constantFrom<Header['lanes']>(1, 2, 4, 8),
      anchor: fc.nat(decoder.anchors - 1),
      step: fc.nat(decoder.steps.length - 1),
    });
    await fc.assert(
      fc.asyncProperty(cases, fc.nat(), fc.constantFrom(1, 4, 300), fc.boolean(), async (fields, seed, spread, uniform) => {
        const header = { version: 0, packId: decoder.id, packHash: hash, ...fields };
        const { bytes, modes } = await randomFile(header, seed, spread, uniform);
        const { modeMap } = await compare(bytes);
        expect(sameBytes(modeMap, modes)).toBe(true);
      }),
      { numRuns: 40 },
    );
  });

  test('differ by at most one level between the engines', async () => {
    const { hash, decoder } = await loadPack(models);
    for (const [seed, modes] of [
      [1, 1],
      [2, 4],
      [3, 8],
    ] as const) {
      const header: Omit<Header, 'sections' | 'alpha'> = {
        version: 0,
        width: 333,
        height: 201,
        modes,
        patch: 64,
        lanes: 2,
        packId: decoder.id,
        packHash: hash,
        anchor: 2,
        step: 0,
      };
      const file = await randomFile(header, seed, 3, false);
      expect(await engineDifference(file.bytes)).toBeLessThanOrEqual(1);
    }
  });
});
