/** Damaged pictures of the kinds that the command line reads. */

import { readdirSync, readFileSync } from 'node:fs';
import { crc32 } from '../../src/container.js';
import { join } from '../conformance/harness.js';
import type { Random } from '../conformance/random.js';
import { fromRoot } from '../helpers.js';
import { mutateBytes } from './mutate.js';

const folder = fromRoot('tests/fuzz/corpus');
const corpus = readdirSync(folder)
  .toSorted()
  .map((name) => ({ name, bytes: new Uint8Array(readFileSync(`${folder}/${name}`)) }));

/** A PNG, JPEG or WebP of a few hundred bytes, damaged. */
export function inputPictures(random: Random): Uint8Array {
  const { name, bytes } = random.pick(corpus);
  return name.endsWith('.png') && random.once(2) ? damagePng(random, bytes) : mutateBytes(random, bytes);
}

/** Changes the chunks of a PNG and writes their checksums again. */
function damagePng(random: Random, bytes: Uint8Array): Uint8Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const chunks: Uint8Array[] = [];
  for (let position = 8; position + 12 <= bytes.length; ) {
    const length = view.getUint32(position, false);
    chunks.push(bytes.slice(position + 4, position + 8 + length));
    position += 12 + length;
  }
  const index = random.below(chunks.length);
  switch (random.below(4)) {
    case 0:
      chunks.splice(index, 1);
      break;
    case 1:
      chunks.splice(random.below(chunks.length + 1), 0, chunks[index].slice());
      break;
    case 2:
      // Mostly sides, depth, colour kind and interlacing of the first chunk.
      chunks[0][4 + random.below(chunks[0].length - 4)] = random.below(256);
      break;
    default:
      chunks[index] = join(chunks[index].subarray(0, 4), mutateBytes(random, chunks[index].subarray(4)));
  }
  const written = chunks.map((chunk) => {
    const frame = new Uint8Array(8);
    new DataView(frame.buffer).setUint32(0, chunk.length - 4, false);
    new DataView(frame.buffer).setUint32(4, crc32(chunk), false);
    return join(frame.subarray(0, 4), chunk, frame.subarray(4));
  });
  return join(bytes.subarray(0, 8), ...written);
}
