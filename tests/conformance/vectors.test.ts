/**
 * The conformance vectors: the library, scalar and SIMD, and the plain decoder of `tests/differential` must all come to the mode map,
 * the latents and the pixels whose SHA-256 stands in the JSON file beside each vector.
 */

import { createHash } from 'node:crypto';
import { beforeAll, describe, expect, test } from 'vitest';
import { engineOfPackage } from '../../src/codec.js';
import { parseHeader } from '../../src/container.js';
import { decodeFile } from '../../src/decode.js';
import { loadPack, type Pack } from '../../src/models/load.js';
import { Core, compileCore } from '../../src/wasm.js';
import { decodePlainly, readPack } from '../differential/decoder.js';
import { sameBytes } from '../helpers.js';
import { type Contents, decodeContents } from './decode.js';
import { conformanceDecoderFile, conformanceManifestFile, conformanceModels as models, vectors } from './files.js';
import { latentBytes, writeContents } from './harness.js';
import { conformanceDecoder, conformanceManifest } from './pack.js';
import { contentsOf, plans } from './plans.js';

const sha256 = (bytes: Uint8Array | Uint8ClampedArray): string => createHash('sha256').update(bytes).digest('hex');

const plainPack = readPack(conformanceDecoderFile);

let pack: Pack;
let core: Core;
beforeAll(async () => {
  pack = await loadPack(models);
  core = await Core.create(await compileCore());
});

const hashesOf = ({ modeMap, latents, pixels }: Contents): object => ({
  modeMap: sha256(modeMap),
  latents: sha256(latentBytes(latents)),
  pixels: sha256(pixels),
});

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
    expect(hashesOf(await decodeContents(core, pack.decoder, bytes, true))).toEqual(decoded);
    expect(hashesOf(await decodeContents(core, pack.decoder, bytes, false))).toEqual(decoded);
    expect(sha256((await decodeFile(engineOfPackage(), bytes, { models })).data)).toBe(decoded.pixels);
  });

  test('is decoded by the plain decoder', () => {
    expect(hashesOf(decodePlainly(bytes, plainPack))).toEqual(decoded);
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
