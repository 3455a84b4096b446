/** The committed conformance pack and vectors, read from disk. */

import { readdirSync, readFileSync } from 'node:fs';
import type { ModelFiles } from '../../src/models/load.js';
import { fromRoot } from '../helpers.js';

const folder = fromRoot('tests/conformance');
const read = (path: string): Uint8Array => new Uint8Array(readFileSync(path));

/** decoder.bin of the conformance pack. */
export const conformanceDecoderFile = read(`${folder}/pack/decoder.bin`);

/** manifest.json of the conformance pack. */
export const conformanceManifestFile = read(`${folder}/pack/manifest.json`);

/** The conformance pack as a source of models; always the same object, so that it is loaded once. */
export const conformanceModels: ModelFiles = {
  files: { 'manifest.json': conformanceManifestFile, 'decoder.bin': conformanceDecoderFile },
};

/** A vector and the JSON file beside it. */
export interface Vector {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly stated: Record<string, unknown> & { readonly sha256: Record<'file' | 'modeMap' | 'latents' | 'pixels', string> };
}

/** All vectors, by name. */
export const vectors: readonly Vector[] = readdirSync(`${folder}/vectors`)
  .filter((file) => file.endsWith('.tsr'))
  .map((file) => file.slice(0, -4))
  .map((name) => ({
    name,
    bytes: read(`${folder}/vectors/${name}.tsr`),
    stated: JSON.parse(readFileSync(`${folder}/vectors/${name}.json`, 'utf8')),
  }));

/** The bytes of one vector. */
export function vectorBytes(name: string): Uint8Array {
  const vector = vectors.find((other) => other.name === name);
  if (vector === undefined) throw new Error(`there is no vector ${name}`);
  return vector.bytes;
}
