/** Damaged model packs: decoder.bin by field and by byte, and manifest.json by entry and by letter. */

import { crc32 } from '../../src/container.js';
import { parseDecoderPack } from '../../src/models/pack.js';
import { conformanceDecoderFile, conformanceManifestFile } from '../conformance/files.js';
import { join } from '../conformance/harness.js';
import type { Random } from '../conformance/random.js';
import { mutateBytes } from './mutate.js';

/** Where the blocks of a decoder.bin begin and how long they are. */
interface Block {
  readonly start: number;
  readonly length: number;
}

function blocksOf(bytes: Uint8Array): Block[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  let position = 12;
  return [1, 2, 3, 4].map(() => {
    const start = position + 8;
    const length = view.getUint32(position + 4, true);
    position = start + length;
    return { start, length };
  });
}

function withChecksum(bytes: Uint8Array): Uint8Array {
  const whole = join(bytes, new Uint8Array(4));
  new DataView(whole.buffer).setUint32(bytes.length, crc32(bytes), true);
  return whole;
}

/** A pack of two codecs, one anchor and the shortest rows there can be: twelve kilobytes, so that a case takes about a millisecond. */
function smallDecoder(): Uint8Array {
  const [, steps] = blocksOf(conformanceDecoderFile).map(({ start, length }) => conformanceDecoderFile.slice(start, start + length));
  const { decoders } = parseDecoderPack(conformanceDecoderFile);
  const classes = Uint8Array.from({ length: 128 }, (_, index) => (index % 2 === 0 ? 1 : index >> 3));
  const row = new Uint8Array(Uint16Array.of(900, 7000, 16_868, 7000, 1000).buffer);
  const rows = join(classes, ...Array.from({ length: 64 * 9 }, () => row));
  const sets = Uint8Array.of(1, ...u16(5, 1, 2, 3, 4, 6), 1, 0, ...u16(9, 1, 200, 100, 50, 0, 12));
  const blocks = [rows, steps, sets, join(decoders[2][0].bytes, decoders[7][2].bytes)];
  const parts = blocks.flatMap((block, index) => [
    Uint8Array.of(index + 1, 0, 0, 0, ...u16(block.length & 65_535, block.length >> 16)),
    block,
  ]);
  return withChecksum(join(Uint8Array.of(0x8b, 0x54, 0x50, 0x0a, 0, 2, 1, 7, ...u16(65_534, 0)), ...parts));
}

function u16(...values: readonly number[]): number[] {
  return values.flatMap((value) => [value & 255, value >> 8]);
}

/** The pack that the damage starts from. */
export const soundDecoder = smallDecoder();
const soundBlocks = blocksOf(soundDecoder);
const layerOffsets = [8, 8 + 2 + 576, 8 + 2 * 578] as const;
const decoderBytes = soundBlocks[3].length / 2;

/** decoder.bin with one to three changes, most of them behind a right checksum. */
export function decoderFiles(random: Random): Uint8Array {
  if (random.once(6)) return mutateBytes(random, soundDecoder);
  const bytes = soundDecoder.slice(0, -4);
  const view = new DataView(bytes.buffer);
  for (let change = random.between(1, 3); change > 0; change--) changeField(random, bytes, view);
  return withChecksum(random.once(8) ? mutateBytes(random, bytes) : bytes);
}

function changeField(random: Random, bytes: Uint8Array, view: DataView): void {
  const [rows, steps, sets, decoders] = soundBlocks;
  const odd = (): number => random.pick([0, 1, 2, 127, 128, 255, 256, 32_767, 32_768, 65_535, random.below(65_536)]);
  switch (random.below(9)) {
    case 0:
      bytes[random.below(12)] = odd() & 255;
      break;
    case 1:
      // Tag, zeros or length of a block.
      bytes[random.pick(soundBlocks).start - 8 + random.below(8)] = random.once(2) ? odd() & 255 : random.below(4);
      break;
    case 2:
      bytes[rows.start + random.below(128)] = random.below(40);
      break;
    case 3: {
      // Two neighbours of a row: the sum stays 32,768 unless the second change is left out.
      const at = rows.start + 128 + 10 * random.below(64 * 9) + 2 * random.below(4);
      const amount = random.below(view.getUint16(at, true));
      view.setUint16(at, view.getUint16(at, true) - amount, true);
      if (!random.once(3)) view.setUint16(at + 2, view.getUint16(at + 2, true) + amount, true);
      break;
    }
    case 4:
      if (random.once(4)) bytes[steps.start] = random.below(256);
      else view.setUint16(steps.start + 1 + 2 * random.below((steps.length - 1) / 2), odd(), true);
      break;
    case 5:
      bytes[sets.start + random.below(sets.length)] = odd() & 255;
      break;
    case 6: {
      // Fractional bits, weights and biases of the context model.
      const layer = decoders.start + decoderBytes * random.below(2) + random.pick(layerOffsets);
      if (random.once(4)) bytes[layer] = random.between(6, 14);
      else view.setInt16(layer + 2 + 2 * random.below(288), (odd() << 16) >> 16, true);
      break;
    }
    case 7: {
      // Shifts and values of upsampling and synthesis; as large as they go, floats reach infinity and sums 2^31.
      const start = decoders.start + decoderBytes * random.below(2) + 8 + 2 * 578 + 74;
      const end = decoders.start + decoderBytes;
      for (let count = random.pick([1, 1, 30]); count > 0; count--) bytes[start + random.below(end - start)] = odd() & 255;
      break;
    }
    default:
      view.setUint16(random.below(bytes.length - 1), odd(), true);
  }
}

const soundManifest = new TextDecoder().decode(conformanceManifestFile);
const oddValues: readonly unknown[] = [null, 0, -1, 1.5, 1e308, 2 ** 53, '', '../x', 'decoder.bin', [], {}, true, '0'.repeat(64)];

/** manifest.json with an entry replaced, removed or added, or with other letters. */
export function manifests(random: Random): Uint8Array {
  if (random.once(3)) return mutateBytes(random, new TextEncoder().encode(soundManifest));
  const root: unknown = JSON.parse(soundManifest);
  let node = root as Record<string, unknown>;
  for (;;) {
    const key = random.pick(Object.keys(node));
    const child = node[key];
    if (typeof child === 'object' && child !== null && !random.once(3) && Object.keys(child).length > 0) {
      node = child as Record<string, unknown>;
      continue;
    }
    const change = random.below(4);
    if (change === 0) delete node[key];
    else if (change === 1) node[random.pick(['constructor', 'x', '0'])] = random.pick(oddValues);
    else node[key] = random.pick(oddValues);
    return new TextEncoder().encode(JSON.stringify(root));
  }
}
