/** Which analysis models an effort asks for. */

import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { engineOfPackage } from '../src/codec.js';
import { encodeDetailed } from '../src/encode.js';
import { decode, encode, probe } from '../src/index.js';
import { psnr } from '../src/metrics.js';
import { latentsOfFile } from '../src/research.js';
import type { EncodeOptions } from '../src/types.js';
import { crop, examples, fromRoot, readPixels, sameBytes } from './helpers.js';

/** The default pack as files from elsewhere, which are written down as they are asked for. */
function recorded(manifest: (text: string) => string = (text) => text) {
  const asked: string[] = [];
  const fetchFile = async (url: URL | RequestInfo): Promise<Response> => {
    const name = String(url).split('/').at(-1) as string;
    asked.push(name);
    const bytes = readFileSync(fromRoot(`models/tessera-1/${name}`));
    return new Response(name === 'manifest.json' ? manifest(bytes.toString()) : new Uint8Array(bytes));
  };
  return { asked, models: { source: 'https://example.org/pack', fetch: fetchFile } };
}

const image = crop(await readPixels(examples[0].path), 150, 30, 200, 180);

test('effort 1 asks for the small analysis alone, and codes with one codec', async () => {
  const { asked, models } = recorded();
  const file = await encode(image, { effort: 1, models });
  expect(asked).toEqual(['manifest.json', 'decoder.bin', expect.stringMatching(/^quick-\w+\.onnx$/)]);
  expect(probe(file).modes).toBe(1);
  // It does nearly what the large one does.
  const large = await encode(image, { effort: 2, modes: 1, models });
  expect(asked.slice(3)).toEqual([expect.stringMatching(/^analysis-\w+\.onnx$/)]);
  const [quickly, fully] = [await decode(file), await decode(large)];
  expect(psnr(image, quickly)).toBeGreaterThan(psnr(image, fully) - 1.5);
  expect(file.length).toBeLessThan(1.2 * large.length);
});

test('effort 1 takes the large analysis of a pack without small ones', async () => {
  const { asked, models } = recorded((text) => JSON.stringify({ ...JSON.parse(text), quick: undefined }));
  const file = await encode(image, { effort: 1, models });
  expect(asked[2]).toMatch(/^analysis-\w+\.onnx$/);
  // Effort 2 fits synthesis and scales beside.
  const latentsOf = async (bytes: Uint8Array) => (await latentsOfFile(engineOfPackage(), bytes, { models })).latents;
  expect(await latentsOf(file)).toEqual(await latentsOf(await encode(image, { effort: 2, modes: 1, models })));
});

test('small analyses have a scale of qualities of their own', async () => {
  const { models } = recorded((text) => JSON.stringify({ ...JSON.parse(text), quickQuality: Array.from({ length: 101 }, () => [3, 40]) }));
  const rate = { anchor: 3, step: 40 };
  expect(sameBytes(await encode(image, { effort: 1, quality: 9, models }), await encode(image, { effort: 1, rate, models }))).toBe(true);
  expect(sameBytes(await encode(image, { effort: 2, quality: 9, models }), await encode(image, { effort: 2, rate, models }))).toBe(false);
});

test.each([15, 85])('quality %i: whole numbers in the analysis cost next to nothing against floats', async (quality) => {
  const asFloats = recorded((text) => JSON.stringify({ ...JSON.parse(text), analysis: JSON.parse(text).floatAnalysis }));
  const costOf = async (options: EncodeOptions): Promise<number> =>
    (await encodeDetailed(engineOfPackage(), image, { effort: 2, quality, ...options })).cost;
  const floats = await costOf({ models: asFloats.models });
  expect(asFloats.asked.at(-1)).toMatch(/^float-/);
  expect(await costOf({})).toBeLessThan(1.02 * floats);
});
