/** Damaged Tessera files, one function per part of the format that a decoder trusts last. */

import { alphaTag, parseHeader, parsePictureSection, parseSections, writeLeb128 } from '../../src/container.js';
import { tileCount } from '../../src/geometry.js';
import { writeScales } from '../../src/scales.js';
import { vectors } from '../conformance/files.js';
import { join } from '../conformance/harness.js';
import type { Random } from '../conformance/random.js';
import {
  countSections,
  type LooseFile,
  type LooseSection,
  mutateBytes,
  mutateHeader,
  mutateSections,
  oddLength,
  putTogether,
  repair,
  repairHeader,
  takeApart,
} from './mutate.js';

/** Vectors to start from: small, so that a case takes about a millisecond. */
export const bases: readonly Uint8Array[] = vectors
  .filter(({ bytes, stated }) => bytes.length <= 2500 && (stated.width as number) * (stated.height as number) <= 6000)
  .map(({ bytes }) => bytes);

/** Bytes anywhere, checksums left or repaired. */
export function anyBytes(random: Random): Uint8Array {
  const bytes = mutateBytes(random, random.pick(bases));
  return random.once(2) ? bytes : repair(bytes);
}

/** Fields of the header. */
export function headerFields(random: Random): Uint8Array {
  const file = takeApart(random.pick(bases));
  mutateHeader(random, file.header);
  if (!random.once(4)) repairHeader(file.header);
  return putTogether(file);
}

/** Sections, their order and lengths, and the lengths inside the picture section. */
export function sections(random: Random): Uint8Array {
  const file = takeApart(random.pick(bases));
  if (random.once(2)) {
    mutateSections(random, file);
    // Mostly the number of sections stays right, so that more is looked at than that.
    if (!random.once(4)) countSections(file);
  } else changePartLengths(random, file);
  return putTogether(file);
}

/** The parts of the picture section. */
function partsOf(file: LooseFile): Uint8Array[] {
  const whole = putTogether(file);
  const header = parseHeader(whole);
  const { scales, modeMap, coarse, tiles } = parsePictureSection(header, parseSections(header, whole));
  return [writeScales(scales), modeMap, coarse, ...tiles].map((part) => part.slice());
}

function writeParts(parts: readonly Uint8Array[], lengths: readonly Uint8Array[]): Uint8Array {
  return join(...lengths, ...parts);
}

function changePartLengths(random: Random, file: LooseFile): void {
  const parts = partsOf(file);
  const lengths = parts.map((part) => writeLeb128(part.length));
  const changed = random.below(parts.length);
  switch (random.below(5)) {
    case 0:
      lengths[changed] = oddLength(random, parts[changed].length);
      break;
    case 1: {
      // The sum stays right, but the parts begin elsewhere.
      const other = random.below(parts.length);
      const amount = random.below(parts[changed].length + 1);
      lengths[changed] = writeLeb128(parts[changed].length - amount);
      if (other !== changed) lengths[other] = writeLeb128(parts[other].length + amount);
      break;
    }
    case 2:
      lengths.splice(changed, 1);
      break;
    case 3:
      lengths.splice(changed, 0, writeLeb128(random.below(200)));
      break;
    default:
      parts.reverse();
  }
  pictureOf(file).payload = writeParts(parts, lengths);
}

const pictureOf = ({ sections }: LooseFile): LooseFile['sections'][number] =>
  sections.find(({ tag }) => tag === 1) as LooseFile['sections'][number];

/** Replaces parts of the picture section, all lengths and checksums right. */
function withParts(base: Uint8Array, change: (parts: Uint8Array[], file: LooseFile) => void): Uint8Array {
  const file = takeApart(base);
  const parts = partsOf(file);
  change(parts, file);
  pictureOf(file).payload = writeParts(
    parts,
    parts.map((part) => writeLeb128(part.length)),
  );
  return putTogether(file);
}

/** A coder state that is valid, or nearly. */
function state(random: Random): Uint8Array {
  const value = random.once(8) ? random.pick([0, 2 ** 23 - 1, 2 ** 31, 2 ** 32 - 1]) : 2 ** 23 + random.below(2 ** 31 - 2 ** 23);
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, true);
  return bytes;
}

/** The mode map: other kinds, other bytes, valid states with anything behind them. And the scales, sound or not. */
export function modeMaps(random: Random): Uint8Array {
  return withParts(random.pick(bases), (parts) => {
    const map = parts[1];
    switch (random.below(6)) {
      case 0:
        parts[1] = mutateBytes(random, map);
        break;
      case 5:
        // A list of codecs of one byte to four, often whole.
        parts[1] = join(
          Uint8Array.of(0x80 | map[0]),
          random.bytes(random.pick([1, 2, 4])).map((byte) => byte & 0x77),
          map.subarray(1),
        );
        break;
      case 1:
        parts[1] = join(Uint8Array.of(random.below(4) | (random.once(3) ? random.below(256) : 0)), map.subarray(1));
        break;
      case 2:
        parts[1] = join(Uint8Array.of(1), state(random), random.bytes(random.below(20)));
        break;
      case 3:
        parts[0] = random.bytes(random.pick([0, 3, 4, 4, 4, 5]));
        // Without an eighth scale they may be sound.
        if (!random.once(4)) parts[0] = parts[0].map((byte, index) => (index === 3 ? byte & 15 : byte));
        break;
      default:
        parts[1] = join(Uint8Array.of(random.below(3)), random.bytes(random.below(12)));
    }
  });
}

/** The coded latents: what lies behind every length and checksum. */
export function segments(random: Random): Uint8Array {
  return withParts(random.pick(bases), (parts, file) => {
    const index = 2 + random.below(parts.length - 2);
    const part = parts[index];
    const lanes = 1 << ((file.header[5] >> 4) & 3);
    switch (random.below(7)) {
      case 0:
      case 1:
        parts[index] = mutateBytes(random, part);
        break;
      case 2:
        // States that are valid and bytes that are not: as deep as damage gets.
        parts[index] = join(...Array.from({ length: lanes }, () => state(random)), random.bytes(random.below(3 * part.length + 1)));
        break;
      case 3:
        parts[index] = join(
          part.subarray(0, 4 * lanes),
          new Uint8Array(random.below(3 * part.length + 1)).fill(random.pick([0, 255, 128])),
        );
        break;
      case 4:
        parts[index] = random.pick(parts).slice();
        break;
      case 5: {
        // The same segments read with other lanes, another anchor or another step.
        const shift = random.pick([5, 20, 21]);
        file.header[shift] = shift === 5 ? (file.header[5] & 0x0f) | (random.below(4) << 4) : random.below(shift === 20 ? 3 : 6);
        repairHeader(file.header);
        break;
      }
      default:
        parts[index] = join(part, random.bytes(random.between(1, 9)));
    }
  });
}

const alphaBases = bases.filter((bytes) => parseHeader(bytes).alpha);

/** The alpha section: any tiles, streams that are valid, nearly, or not at all. */
export function alphas(random: Random): Uint8Array {
  const file = takeApart(random.pick(alphaBases));
  const section = file.sections.find(({ tag }) => tag === alphaTag) as LooseSection;
  if (random.once(3)) {
    section.payload = mutateBytes(random, section.payload);
    return putTogether(file);
  }
  const { width, height } = parseHeader(putTogether(file));
  const old = section.payload.subarray(random.below(section.payload.length + 1));
  const stream = (): Uint8Array => {
    if (random.once(3)) return mutateBytes(random, old);
    return join(
      state(random),
      random.once(2) ? random.bytes(random.below(200)) : new Uint8Array(random.below(200)).fill(random.pick([0, 255])),
    );
  };
  const tiles = Array.from({ length: tileCount(width, height) }, (): Uint8Array => {
    switch (random.below(5)) {
      case 0:
        return random.bytes(random.below(4));
      case 1:
        return Uint8Array.of(0, random.below(256));
      case 2:
        return join(Uint8Array.of(1, random.pick([0, 255]), random.below(256)), stream());
      default:
        return join(Uint8Array.of(2), stream());
    }
  });
  section.payload = writeParts(
    tiles,
    tiles.map((tile) => (random.once(12) ? oddLength(random, tile.length) : writeLeb128(tile.length))),
  );
  return putTogether(file);
}
