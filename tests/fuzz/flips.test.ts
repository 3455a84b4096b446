/** Damage that must be noticed: every flipped bit and every prefix of sixteen small vectors. */

import { describe, expect, test } from 'vitest';
import { engineOfPackage } from '../../src/codec.js';
import { headerLength } from '../../src/container.js';
import { decodeFile } from '../../src/decode.js';
import { conformanceModels as models, vectors } from '../conformance/files.js';
import { repair } from './mutate.js';
import { outcomeOf } from './outcome.js';
import { fuzzLimits } from './targets.js';

const engine = engineOfPackage();
const smallest = vectors.toSorted((a, b) => a.bytes.length - b.bytes.length).slice(0, 16);
const outcome = (bytes: Uint8Array): Promise<string> =>
  outcomeOf(() => decodeFile(engine, bytes, { models, limits: fuzzLimits }), [2, 3, 4]);

function flipped(bytes: Uint8Array, bit: number): Uint8Array {
  const copy = bytes.slice();
  copy[bit >> 3] ^= 1 << (bit & 7);
  return copy;
}

/** The codes for a flipped bit of byte `position`: its own check of the header, or the section's checksum and what stands before it. */
function codesOfFlip(position: number): string[] {
  if (position < 4) return ['notOurFormat'];
  if (position === 4) return ['unsupportedVersion'];
  if (position < headerLength) return ['corruptHeader'];
  return ['checksumMismatch', 'corruptSection', 'truncated'];
}

describe.each(smallest)('$name', ({ name, bytes }) => {
  test('every flipped bit is noticed', async () => {
    for (let bit = 0; bit < 8 * bytes.length; bit++) {
      expect(codesOfFlip(bit >> 3), `bit ${bit & 7} of byte ${bit >> 3}`).toContain(await outcome(flipped(bytes, bit)));
    }
  });

  test('every prefix is noticed', async () => {
    for (let length = 0; length < bytes.length; length++)
      expect(await outcome(bytes.subarray(0, length)), `${length} bytes`).toBe('truncated');
  });

  test('with repaired checksums no flipped bit traps', async () => {
    const outcomes = new Set<string>();
    for (let bit = 0; bit < 8 * bytes.length; bit++) outcomes.add(await outcome(repair(flipped(bytes, bit))));
    expect(outcomes.size, name).toBeGreaterThan(3);
  });
});
