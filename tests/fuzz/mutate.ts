/** Damage: to any bytes, and to the structure of a Tessera file, with checksums as they come or made right again. */

import { crc32, headerLength, readLeb128, writeLeb128 } from '../../src/container.js';
import { join } from '../conformance/harness.js';
import type { Random } from '../conformance/random.js';

const oddBytes = [0, 1, 2, 3, 0x0a, 0x40, 0x7f, 0x80, 0x81, 0xc0, 0xfe, 0xff] as const;

/** One to four changes anywhere: bits, bytes, and runs of bytes changed, inserted, deleted, repeated, moved or cut off. */
export function mutateBytes(random: Random, original: Uint8Array): Uint8Array {
  let bytes: Uint8Array = original.slice();
  for (let change = random.between(1, 4); change > 0; change--) bytes = mutateOnce(random, bytes);
  return bytes;
}

function mutateOnce(random: Random, bytes: Uint8Array): Uint8Array {
  const at = random.below(bytes.length + 1);
  const length = random.pick([1, 1, 2, 4, 8, random.between(1, 64)]);
  const before = bytes.subarray(0, at);
  const after = bytes.subarray(at);
  const run = after.subarray(0, length);
  const rest = after.subarray(run.length);
  switch (random.below(8)) {
    case 0:
      return join(
        before,
        run.map((byte, index) => (index === 0 ? byte ^ (1 << random.below(8)) : byte)),
        rest,
      );
    case 1:
      return join(
        before,
        run.map(() => random.pick(oddBytes)),
        rest,
      );
    case 2:
      return join(
        before,
        run.map(() => random.below(256)),
        rest,
      );
    case 3:
      return join(before, random.bytes(length), after);
    case 4:
      return join(before, rest);
    case 5:
      return join(before, run, run, rest);
    case 6: {
      const target = random.below(before.length + 1);
      return join(before.subarray(0, target), run, before.subarray(target), rest);
    }
    default:
      // The nearer to the end, the more of the file is looked at before the end is met.
      return random.once(2) ? before.slice() : bytes.slice(0, Math.max(0, bytes.length - length));
  }
}

/** A section on its way into a file. Fields that are absent are made right. */
export interface LooseSection {
  tag: number;
  payload: Uint8Array;
  /** Bytes of the length field. */
  length?: Uint8Array;
  checksum?: number;
}

/** A file in parts that need not fit each other. */
export interface LooseFile {
  /** 27 bytes, the checksum included. */
  header: Uint8Array;
  sections: LooseSection[];
  /** Bytes behind the last section. */
  tail: Uint8Array;
}

/** Takes a valid file apart. */
export function takeApart(bytes: Uint8Array): LooseFile {
  const sections: LooseSection[] = [];
  for (let position = headerLength; position < bytes.length; ) {
    const { value, next } = readLeb128(bytes, position + 1);
    sections.push({ tag: bytes[position], payload: bytes.slice(next + 4, next + 4 + value) });
    position = next + 4 + value;
  }
  return { header: bytes.slice(0, headerLength), sections, tail: new Uint8Array(0) };
}

/** Puts a file together, with the mistakes that its parts ask for. */
export function putTogether(file: LooseFile): Uint8Array {
  const parts = file.sections.map(({ tag, payload, length = writeLeb128(payload.length), checksum }) => {
    const head = join(Uint8Array.of(tag), length);
    const crc = new Uint8Array(4);
    new DataView(crc.buffer).setUint32(0, checksum ?? crc32(head, payload), true);
    return join(head, crc, payload);
  });
  return join(file.header, ...parts, file.tail);
}

/** Writes the right checksum into a header. */
export function repairHeader(header: Uint8Array): void {
  if (header.length < headerLength) return;
  new DataView(header.buffer, header.byteOffset).setUint32(23, crc32(header.subarray(0, 23)), true);
}

/** Makes the header count the sections that are there. */
export function countSections(file: LooseFile): void {
  file.header[22] = Math.min(32, Math.max(1, file.sections.length)) - 1;
  repairHeader(file.header);
}

/** Makes the checksums of header and sections right, as far as sections can still be told apart. */
export function repair(bytes: Uint8Array): Uint8Array {
  const repaired = bytes.slice();
  repairHeader(repaired);
  let position = headerLength;
  while (position < repaired.length) {
    let length: { value: number; next: number };
    try {
      length = readLeb128(repaired, position + 1);
    } catch {
      break;
    }
    const start = length.next + 4;
    if (start + length.value > repaired.length) break;
    const payload = repaired.subarray(start, start + length.value);
    new DataView(repaired.buffer).setUint32(length.next, crc32(repaired.subarray(position, length.next), payload), true);
    position = start + length.value;
  }
  return repaired;
}

/** Fields of the header: offset, bytes, and values worth a try. */
const headerFields: readonly (readonly [offset: number, bytes: number, values: readonly number[]])[] = [
  [0, 1, [0x8b, 0x89, 0]],
  [3, 1, [0x0a, 0x0d]],
  [4, 1, [0, 1, 255]],
  [5, 1, [0, 1, 2, 3, 0x13, 0x17, 0x1b, 0x1f, 0x33, 0x40, 0x80, 255]],
  [6, 2, [0, 1, 63, 64, 255, 511, 512, 4096, 32_767, 32_768, 65_534, 65_535]],
  [8, 2, [0, 1, 63, 64, 255, 511, 512, 4096, 32_767, 32_768, 65_534, 65_535]],
  [10, 2, [0, 1, 65_534, 65_535]],
  [12, 4, [0]],
  [16, 4, [0]],
  [20, 1, [0, 1, 2, 3, 15, 16, 255]],
  [21, 1, [0, 1, 2, 3, 4, 5, 6, 63, 255]],
  [22, 1, [0, 1, 2, 31, 32, 255]],
  [23, 4, [0]],
];

/** Changes one to three fields. */
export function mutateHeader(random: Random, header: Uint8Array): void {
  const view = new DataView(header.buffer, header.byteOffset);
  for (let change = random.between(1, 3); change > 0; change--) {
    // Mostly what decides how the rest is read: profile, sides, anchor, step.
    const [offset, bytes, values] = random.once(3) ? random.pick(headerFields) : headerFields[random.pick([3, 4, 5, 9, 10])];
    const value = random.once(2) ? random.pick(values) : random.below(random.pick([4, 300, 2 ** 16]));
    if (bytes === 1) view.setUint8(offset, value & 255);
    else if (bytes === 2) view.setUint16(offset, value & 65_535, true);
    else view.setUint32(offset, random.next(), true);
  }
}

/** A length field that is not as it should be. */
export function oddLength(random: Random, length: number): Uint8Array {
  const right = writeLeb128(length);
  switch (random.below(6)) {
    case 0: {
      // The same number in a longer form.
      const longer = join(right, Uint8Array.of(0));
      longer[right.length - 1] |= 0x80;
      return longer;
    }
    case 1:
      return writeLeb128(Math.max(0, length + random.between(-3, 3)));
    case 2:
      return writeLeb128(random.pick([2 ** 32 - 1, 2 ** 31, 2 ** 31 - 1, 2 ** 24]));
    case 3:
      return Uint8Array.of(0x80, 0x80, 0x80, 0x80, random.pick([0x10, 0x80, 0x7f]));
    case 4:
      return new Uint8Array(random.between(1, 7)).fill(0xff);
    default:
      return writeLeb128(random.below(2 * length + 2));
  }
}

const tags = [0, 1, 2, 3, 0x3f, 0x40, 0x41, 0x42, 0x7f, 0x80, 0x81, 0xc0, 0xff] as const;

/** One to three changes to sections, lengths, order and what follows the last one. */
export function mutateSections(random: Random, file: LooseFile): void {
  for (let change = random.between(1, 3); change > 0; change--) {
    const { sections } = file;
    const section = sections.length > 0 ? random.pick(sections) : undefined;
    const place = random.below(sections.length + 1);
    switch (random.below(9)) {
      case 0:
        sections.splice(place, 0, { tag: random.pick(tags), payload: random.bytes(random.pick([0, 1, 7, 127, 128, 300])) });
        break;
      case 1:
        sections.splice(place, 1);
        break;
      case 2:
        if (section !== undefined) sections.splice(place, 0, { ...section });
        break;
      case 3:
        sections.reverse();
        break;
      case 4:
        if (section !== undefined) section.tag = random.once(2) ? random.pick(tags) : random.below(256);
        break;
      case 5:
        if (section !== undefined) section.length = oddLength(random, section.payload.length);
        break;
      case 6:
        if (section !== undefined) section.checksum = random.next();
        break;
      case 7:
        if (section !== undefined) section.payload = mutateBytes(random, section.payload);
        break;
      default:
        file.tail = random.bytes(random.pick([1, 2, 5, 6, 40]));
    }
  }
}
