import { describe, expect, test } from 'vitest';
import { engineOfPackage } from '../src/codec.js';
import { parseHeader, parsePictureSection, parseSections } from '../src/container.js';
import { encodeDetailed } from '../src/encode.js';
import { decode } from '../src/index.js';
import { loadPack } from '../src/models/load.js';
import type { EncodeOptions, PixelSource } from '../src/types.js';
import { crop, examples, readPixels, sameBytes, synthetic } from './helpers.js';
import { referenceLatents, referencePixels } from './reference/decoder.js';

/** Encodes with the core, decodes with the core and with the plain decoder, and compares the pixels. */
async function compare(image: PixelSource, options: EncodeOptions): Promise<void> {
  const { decoder } = await loadPack();
  const { bytes } = await encodeDetailed(engineOfPackage(), image, options);
  const header = parseHeader(bytes);
  const latents = referenceLatents(header, parsePictureSection(header, parseSections(bytes)[0]), decoder);
  expect(sameBytes(referencePixels(latents, decoder), (await decode(bytes)).data)).toBe(true);
}

describe('the core against the plain decoder of tests/reference', () => {
  test.each<[string, number, number, EncodeOptions]>([
    ['one pixel', 1, 1, {}],
    ['several patches, cut at both edges', 150, 133, { patch: 64 }],
    ['three lanes would not be a power of two; eight are', 90, 70, { lanes: 8 }],
    ['one codec', 70, 140, { modes: 1 }],
    ['the lowest quality', 129, 65, { quality: 0 }],
    ['the highest quality', 65, 50, { quality: 100 }],
  ])('%s', async (_, width, height, options) => {
    await compare(synthetic(width, height), options);
  });

  test('two tiles and mixed modes', async () => {
    await compare(crop(await readPixels(examples[3].path), 20, 100, 590, 100), { patch: 64, quality: 60, effort: 9 });
  });
});
