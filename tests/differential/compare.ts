/** Generated files through the library and through the plain decoder. */

import { engineOfPackage } from '../../src/codec.js';
import { decodeFile } from '../../src/decode.js';
import { Core, compileCore } from '../../src/wasm.js';
import { decodeContents } from '../conformance/decode.js';
import { Random } from '../conformance/random.js';
import { sameBytes } from '../helpers.js';
import { decodePlainly } from './decoder.js';
import { generateFile } from './generate.js';

/** What was compared. */
export interface Comparison {
  files: number;
  pixels: number;
  /** Numbers of files that the decoders read differently, and how. */
  readonly differences: string[];
}

/**
 * Compares files `first` to `first + count − 1` of a seed. File n of a seed is always the same.
 *
 * @param onFile - called after each file
 */
export async function compareDecoders(seed: number, first: number, count: number, onFile?: (number: number) => void): Promise<Comparison> {
  const core = await Core.create(await compileCore());
  const comparison: Comparison = { files: 0, pixels: 0, differences: [] };
  for (let number = first; number < first + count; number++) {
    const random = new Random((Math.imul(seed, 0x9e3779b1) ^ Math.imul(number, 0x85ebca6b)) >>> 0);
    const { bytes, pack, plainPack, models } = await generateFile(random);
    try {
      const plain = decodePlainly(bytes, plainPack);
      const found = await decodeContents(core, pack.decoder, bytes, random.once(2));
      const picture = await decodeFile(engineOfPackage(), bytes, { models });
      const differing = [
        ...(sameBytes(plain.modeMap, found.modeMap) ? [] : ['mode map']),
        ...plain.latents.flatMap((grid, index) => (sameSamples(grid, found.latents[index]) ? [] : [`grid ${index}`])),
        ...(sameBytes(plain.pixels, found.pixels) && sameBytes(plain.pixels, picture.data) ? [] : ['pixels']),
      ];
      if (differing.length > 0) comparison.differences.push(`file ${number}: ${differing.join(', ')}`);
      comparison.pixels += plain.width * plain.height;
    } catch (error) {
      comparison.differences.push(`file ${number}: ${String(error)}`);
    }
    comparison.files++;
    onFile?.(number);
  }
  return comparison;
}

function sameSamples(a: Int16Array, b: Int16Array): boolean {
  return a.length === b.length && a.every((value, index) => value === b[index]);
}
