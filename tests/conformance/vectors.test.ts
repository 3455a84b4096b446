/**
 * The conformance vectors: the library, scalar and SIMD, and the plain decoder of `tests/reference` must all come to the mode map,
 * the latents and the pixels whose SHA-256 stands in the JSON file beside each vector.
 */

import { createHash } from 'node:crypto';
import { beforeAll, describe, expect, test } from 'vitest';
import { engineOfPackage } from '../../src/codec.js';
import { parseHeader, parsePictureSection, parseSections } from '../../src/container.js';
import { decodeFile } from '../../src/decode.js';
import { loadPack, type Pack } from '../../src/models/load.js';
import { wasmSynthesis } from '../../src/transforms/wasm.js';
import { Core, compileCore } from '../../src/wasm.js';
import { sameBytes } from '../helpers.js';
import { referenceLatents, referencePixels } from '../reference/decoder.js';
import { conformanceDecoderFile, conformanceManifestFile, conformanceModels as models, vectors } from './files.js';
import { latentBytes, writeContents } from './harness.js';
import { conformanceDecoder, conformanceManifest } from './pack.js';
import { contentsOf, plans } from './plans.js';

const sha256 = (bytes: Uint8Array | Uint8ClampedArray): string => createHash('sha256').update(bytes).digest('hex');

let pack: Pack;
let core: Core;
beforeAll(async () => {
  pack = await loadPack(models);
  core = await Core.create(await compileCore());
});

/** Hashes of what the core makes of a file. */
async function decodeWithCore(bytes: Uint8Array, simd: boolean): Promise<object> {
  const header = parseHeader(bytes);
  const picture = parsePictureSection(header, parseSections(header, bytes)[0]);
  core.useSimd(simd);
  core.begin(pack.decoder, { ...header, rate: header, storage: 'whole' });
  if (header.modes > 1) core.decodeModeMap(picture.modeMap);
  [picture.coarse, ...picture.tiles].forEach((segment, index) => {
    core.decodeSegment(index, segment);
  });
  const modeMap = sha256(core.modes());
  const latents = sha256(latentBytes([0, 1, 2, 3, 4, 5, 6].map((grid) => core.plane(0, grid))));
  const pixels = new Uint8ClampedArray(header.width * header.height * 4);
  await wasmSynthesis.run({ core, width: header.width, height: header.height, patch: header.patch }, pixels, async () => {});
  core.reset();
  return { modeMap, latents, pixels: sha256(pixels) };
}

describe.each(vectors)('$name', ({ name, bytes, stated }) => {
  const { file, ...decoded } = stated.sha256;

  test('is the file that its description and its plan name', () => {
    expect(sha256(bytes)).toBe(file);
    expect(stated).toMatchObject({ ...parseHeaderFields(bytes), bytes: bytes.length });
    const plan = plans.find((other) => other.name === name);
    expect(plan?.purpose).toBe(stated.purpose);
    if (plan !== undefined) expect(sameBytes(writeContents(pack.decoder, contentsOf(plan, pack.hash)), bytes)).toBe(true);
  });

  test('is decoded by the library, scalar and SIMD', async () => {
    expect(await decodeWithCore(bytes, true)).toEqual(decoded);
    expect(await decodeWithCore(bytes, false)).toEqual(decoded);
    expect(sha256((await decodeFile(engineOfPackage(), bytes, { models })).data)).toBe(decoded.pixels);
  });

  test('is decoded by the plain decoder', () => {
    const header = parseHeader(bytes);
    const latents = referenceLatents(header, parsePictureSection(header, parseSections(header, bytes)[0]), pack.decoder);
    expect({
      modeMap: sha256(Uint8Array.from(latents.modes)),
      latents: sha256(latentBytes(latents.planes)),
      pixels: sha256(referencePixels(latents, pack.decoder)),
    }).toEqual(decoded);
  });
});

function parseHeaderFields(bytes: Uint8Array): object {
  const { width, height, modes, patch, lanes, anchor, step } = parseHeader(bytes);
  return { width, height, modes, patch, lanes, anchor, step };
}

describe('the set', () => {
  test('has a file for every plan, and its pack is the generated one', () => {
    expect(vectors.map(({ name }) => name).toSorted()).toEqual(plans.map(({ name }) => name).toSorted());
    expect(vectors.length).toBeGreaterThanOrEqual(64);
    expect(sameBytes(conformanceDecoder(), conformanceDecoderFile)).toBe(true);
    expect(JSON.parse(new TextDecoder().decode(conformanceManifestFile))).toEqual(conformanceManifest(conformanceDecoderFile));
  });

  test('covers every number of codecs, patch side, number of lanes, anchor, step and kind of mode map', () => {
    const values = (field: string): unknown[] => [...new Set(vectors.map(({ stated }) => stated[field]))].toSorted();
    expect(values('modes')).toEqual([1, 2, 4, 8]);
    expect(values('patch')).toEqual([128, 256, 64]);
    expect(values('lanes')).toEqual([1, 2, 4, 8]);
    expect(values('anchor')).toEqual([0, 1, 2]);
    expect(values('step')).toEqual([0, 1, 2, 3, 4, 5]);
    expect(values('modeMap')).toEqual(['adaptive', 'fixed', 'none', 'uniform']);
  });
});
