/**
 * The file: header, sections, lengths and checksums (FORMAT.md §1). With `alpha/section.ts`, `adaptation/section.ts` and `scales.ts`, which read what
 * is in some of the parts, the only place where bytes of an untrusted file are parsed in TypeScript.
 *
 *     header 27 bytes │ section: tag u8, length LEB128, CRC-32 u32, payload │ section …
 *     picture section: lengths (LEB128 each) of scales, mode map, coarse segment, tile segments │ scales │ mode map │ coarse │ tiles
 *
 * Read me first: the header counts the sections, so a file that lost its last ones is no valid file. Nothing here allocates by a number that the file states; every length is compared with the bytes that
 * remain before it is used; a section's checksum covers its tag and length too, and is checked before the tag is judged.
 */

import { TesseraError } from './errors.js';
import { tileCount } from './geometry.js';
import { parseScales, type Scales, writeScales } from './scales.js';
import type { ByteSource, CommonOptions, Header } from './types.js';

/** Bytes of the header. */
export const headerLength = 27;

/** Version of the format that this package reads and writes. */
export const formatVersion = 0;

const magic = [0x8b, 0x54, 0x53, 0x0a] as const;
const patchSides = [128, 64, 256] as const;
const laneCounts = [1, 2, 4, 8] as const;
/** Tag of the adaptation section (`adaptation/section.ts`), which stands before the picture. */
export const adaptationTag = 0x00;
/** Tag of the picture section, which every file has. */
export const pictureTag = 0x01;
/** Tag of the alpha section (`alpha/section.ts`). */
export const alphaTag = 0x02;
const skippableBit = 0x40;
/** Bit of the profile that says whether there is an alpha section. */
const alphaBit = 0x80;
/** The header has five bits for the number of sections, less one. */
export const mostSections = 32;

/** What a section is made of. */
export interface SectionContents {
  readonly tag: number;
  readonly payload: Uint8Array;
}

/** One section as it stands in the file. */
export interface Section extends SectionContents {
  /** Offset of the payload in the file. */
  readonly offset: number;
}

/** The picture section, cut into its parts. */
export interface PictureSection {
  readonly scales: Scales;
  /** Empty if and only if the file uses one codec. */
  readonly modeMap: Uint8Array;
  /** Grids 6, 5, 4, 3 of the whole picture. */
  readonly coarse: Uint8Array;
  /** Grids 2, 1, 0 of each tile. */
  readonly tiles: readonly Uint8Array[];
}

/** The bytes of any `ArrayBuffer` or view, without copying. */
export function toBytes(source: ByteSource): Uint8Array {
  try {
    if (source instanceof ArrayBuffer) return new Uint8Array(source);
    if (ArrayBuffer.isView(source)) return new Uint8Array(source.buffer, source.byteOffset, source.byteLength);
  } catch {
    // It has been transferred to someone else.
  }
  throw new TesseraError('invalidArgument', 'expected an ArrayBuffer or a view of one');
}

/**
 * The bytes of a `Blob` or the body of a `Response`.
 *
 * @throws TesseraError `invalidArgument` when they cannot be read: a connection that broke, a body that was used, a file that is gone
 */
export async function readBody(source: Blob | Response): Promise<Uint8Array> {
  try {
    return new Uint8Array(await source.arrayBuffer());
  } catch (cause) {
    throw new TesseraError('invalidArgument', 'the bytes cannot be read', { cause });
  }
}

/**
 * What comes of a call that reads an array of the caller's meanwhile.
 *
 * @param array - undefined where a call has none and says so itself
 * @throws TesseraError `invalidArgument` when the array was transferred to someone else before the end, and so has no elements any more
 */
export async function whileHeld<Result>(
  array: { readonly length: number } | undefined,
  { signal }: CommonOptions,
  call: () => Promise<Result>,
): Promise<Result> {
  const length = array?.length;
  const result = call();
  await Promise.allSettled([result]);
  if (array?.length !== length && !signal?.aborted) throw new TesseraError('invalidArgument', 'the input was transferred away');
  return result;
}

// ── CRC-32 ──────────────────────────────────────────────────────────────────────────────────────

const crcTable = new Uint32Array(256).map((_, index) => {
  let value = index;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value;
});

/** CRC-32 of zlib and PNG over the given chunks, one after the other. Unsigned. */
export function crc32(...chunks: readonly Uint8Array[]): number {
  let crc = 0xffffffff;
  for (const chunk of chunks) {
    for (let i = 0; i < chunk.length; i++) crc = crcTable[(crc ^ chunk[i]) & 255] ^ (crc >>> 8);
  }
  return ~crc >>> 0;
}

// ── LEB128 ──────────────────────────────────────────────────────────────────────────────────────

/** The shortest LEB128 form of a whole number from 0 to 2^32 − 1. */
export function writeLeb128(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  while (rest > 127) {
    bytes.push((rest % 128) + 128);
    rest = Math.floor(rest / 128);
  }
  bytes.push(rest);
  return Uint8Array.from(bytes);
}

/**
 * Reads one LEB128 number.
 *
 * @param base - offset of `bytes` in the file, for error messages
 * @param atEnd - the error when the bytes end within the number
 * @throws TesseraError `corruptSection` for more than 5 bytes, a value of 2^32 or more, or a longer form than needed
 */
export function readLeb128(
  bytes: Uint8Array,
  start: number,
  base = 0,
  atEnd: 'truncated' | 'corruptSection' = 'truncated',
): { value: number; next: number } {
  let value = 0;
  for (let count = 0; count < 5; count++) {
    const position = start + count;
    if (position >= bytes.length) throw new TesseraError(atEnd, 'the data ends within a length', { offset: base + position });
    const byte = bytes[position];
    value += (byte & 127) * 128 ** count;
    if (byte < 128) {
      if (byte === 0 && count > 0)
        throw new TesseraError('corruptSection', 'a length is not in its shortest form', { offset: base + start });
      if (value >= 2 ** 32) break;
      return { value, next: position + 1 };
    }
  }
  throw new TesseraError('corruptSection', 'a length is 2^32 or more', { offset: base + start });
}

// ── Header ──────────────────────────────────────────────────────────────────────────────────────

/** Writes the 27 bytes of the header. The fields must be valid; `encode` checks them. */
export function writeHeader(header: Header): Uint8Array {
  const bytes = new Uint8Array(headerLength);
  const view = new DataView(bytes.buffer);
  bytes.set(magic, 0);
  bytes[4] = header.version;
  bytes[5] =
    Math.log2(header.modes) |
    (patchSides.indexOf(header.patch) << 2) |
    (laneCounts.indexOf(header.lanes) << 4) |
    (header.alpha ? alphaBit : 0);
  view.setUint16(6, header.width - 1, true);
  view.setUint16(8, header.height - 1, true);
  view.setUint16(10, header.packId, true);
  for (let i = 0; i < 8; i++) bytes[12 + i] = Number.parseInt(header.packHash.slice(2 * i, 2 * i + 2), 16);
  bytes[20] = header.anchor;
  bytes[21] = header.step;
  bytes[22] = header.sections - 1;
  view.setUint32(23, crc32(bytes.subarray(0, 23)), true);
  return bytes;
}

/**
 * Reads the header and checks all of it that can be judged without limits and without a pack, in the order of FORMAT.md §1.
 *
 * @throws TesseraError `notOurFormat`, `truncated`, `unsupportedVersion`, `corruptHeader`, `unsupportedFeature`
 */
export function parseHeader(bytes: Uint8Array): Header {
  for (let i = 0; i < Math.min(magic.length, bytes.length); i++) {
    if (bytes[i] !== magic[i]) throw new TesseraError('notOurFormat', 'not a Tessera file', { offset: i });
  }
  if (bytes.length < headerLength) {
    throw new TesseraError('truncated', 'the file ends within the header', { offset: bytes.length });
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, headerLength);
  if (bytes[4] !== formatVersion)
    throw new TesseraError('unsupportedVersion', `format version ${bytes[4]}; this package reads version ${formatVersion}`, { offset: 4 });
  if (view.getUint32(23, true) !== crc32(bytes.subarray(0, 23)))
    throw new TesseraError('corruptHeader', 'the checksum of the header is wrong', { offset: 23 });
  const profile = bytes[5];
  if (profile & 0x40) throw new TesseraError('unsupportedFeature', 'a reserved bit of the profile is set', { offset: 5 });
  const patchCode = (profile >> 2) & 3;
  if (patchCode === 3) throw new TesseraError('unsupportedFeature', 'reserved patch size', { offset: 5 });
  const filter = Math.floor(bytes[22] / mostSections);
  if (filter !== 0) throw new TesseraError('unsupportedFeature', `unknown border filter ${filter}`, { offset: 22 });
  return {
    version: bytes[4],
    width: view.getUint16(6, true) + 1,
    height: view.getUint16(8, true) + 1,
    modes: laneCounts[profile & 3],
    patch: patchSides[patchCode],
    lanes: laneCounts[(profile >> 4) & 3],
    alpha: (profile & alphaBit) !== 0,
    packId: view.getUint16(10, true),
    packHash: Array.from(bytes.subarray(12, 20), (byte) => byte.toString(16).padStart(2, '0')).join(''),
    anchor: bytes[20],
    step: bytes[21],
    sections: (bytes[22] % mostSections) + 1,
  };
}

// ── Sections ────────────────────────────────────────────────────────────────────────────────────

/** Writes one section: tag, length, checksum of both and of the payload, payload. */
export function writeSection(tag: number, payload: Uint8Array): Uint8Array {
  const head = concatenate([Uint8Array.of(tag), writeLeb128(payload.length)]);
  const checksum = new Uint8Array(4);
  new DataView(checksum.buffer).setUint32(0, crc32(head, payload), true);
  return concatenate([head, checksum, payload]);
}

/**
 * Reads all sections after the header: as many as it says, and nothing after them.
 *
 * @throws TesseraError `truncated`, `corruptSection`, `checksumMismatch`, `unsupportedFeature`
 */
export function parseSections(header: Header, bytes: Uint8Array): Section[] {
  const sections: Section[] = [];
  let position = headerLength;
  let previousTag = -1;
  while (sections.length < header.sections) {
    if (position === bytes.length) {
      throw new TesseraError('truncated', `the file ends after ${sections.length} of ${header.sections} sections`, { offset: position });
    }
    const section = readSection(bytes, position, previousTag);
    sections.push(section);
    previousTag = section.tag;
    position = section.offset + section.payload.length;
  }
  if (position < bytes.length) {
    throw new TesseraError('corruptSection', `${bytes.length - position} bytes after the last section`, { offset: position });
  }
  if (!sections.some(({ tag }) => tag === pictureTag))
    throw new TesseraError('corruptSection', 'there is no picture section', { offset: headerLength });
  if (sections.some(({ tag }) => tag === alphaTag) !== header.alpha)
    throw new TesseraError('corruptSection', `${header.alpha ? 'no' : 'an'} alpha section, against the header`, { offset: headerLength });
  return sections;
}

/**
 * Reads the section at `start`.
 *
 * @param previousTag - of the section before; −1 for the first
 * @throws TesseraError `truncated`, `corruptSection`, `checksumMismatch`, `unsupportedFeature`
 */
export function readSection(bytes: Uint8Array, start: number, previousTag: number): Section {
  const tag = bytes[start];
  if (tag <= previousTag) throw new TesseraError('corruptSection', `section ${tag} after section ${previousTag}`, { offset: start });
  const length = readLeb128(bytes, start + 1);
  const offset = length.next + 4;
  // `length.value` is below 2^32, so the sum is exact.
  if (offset + length.value > bytes.length) {
    throw new TesseraError('truncated', `the file ends within section ${tag}`, { offset: bytes.length });
  }
  const payload = bytes.subarray(offset, offset + length.value);
  const stated = new DataView(bytes.buffer, bytes.byteOffset + length.next, 4).getUint32(0, true);
  if (stated !== crc32(bytes.subarray(start, length.next), payload)) {
    throw new TesseraError('checksumMismatch', `the checksum of section ${tag} is wrong`, { offset: length.next });
  }
  if (tag > alphaTag && !(tag & skippableBit)) {
    throw new TesseraError('unsupportedFeature', `section ${tag} is not known to this package`, { offset: start });
  }
  return { tag, offset, payload };
}

/** Writes the payload of the picture section (FORMAT.md §1.1). */
export function writePictureSection({ scales, modeMap, coarse, tiles }: PictureSection): Uint8Array {
  return joinParts([writeScales(scales), modeMap, coarse, ...tiles]);
}

/**
 * Reads the lengths at the start of a section that has parts.
 *
 * @param count - how many
 * @returns the lengths, not compared with anything, and where in the payload they end
 * @throws TesseraError `corruptSection`
 */
export function readPartLengths(
  { payload, offset }: Pick<Section, 'payload' | 'offset'>,
  count: number,
): { lengths: readonly number[]; end: number } {
  const lengths: number[] = [];
  let end = 0;
  while (lengths.length < count) {
    const length = readLeb128(payload, end, offset, 'corruptSection');
    lengths.push(length.value);
    end = length.next;
  }
  return { lengths, end };
}

/**
 * Cuts a section into parts whose lengths stand before them.
 *
 * @throws TesseraError `corruptSection` when the lengths do not add up
 */
export function cutParts(section: Section, count: number): Uint8Array[] {
  const { payload, offset } = section;
  const { lengths, end } = readPartLengths(section, count);
  const sum = lengths.reduce((total, length) => total + length, 0);
  if (sum !== payload.length - end) {
    throw new TesseraError('corruptSection', `the parts of section ${section.tag} do not add up to its length`, { offset: offset + end });
  }
  return sliceParts(payload, end, lengths);
}

/** The parts that stand one after the other from `start` on; shorter or empty where the bytes end before. */
export function sliceParts(bytes: Uint8Array, start: number, lengths: readonly number[]): Uint8Array[] {
  let end = start;
  return lengths.map((length) => {
    end += length;
    return bytes.subarray(end - length, end);
  });
}

/** Writes parts with their lengths before them. */
export function joinParts(parts: readonly Uint8Array[]): Uint8Array {
  return concatenate([...parts.map((part) => writeLeb128(part.length)), ...parts]);
}

/**
 * Cuts the picture section into its parts.
 *
 * @param sections - all of the file, as `parseSections` gives them
 * @throws TesseraError `corruptSection` when the lengths do not add up, scales make no sense, or the mode map is there (or not) against the header
 */
export function parsePictureSection(header: Header, sections: readonly Section[]): PictureSection {
  const section = sections.find(({ tag }) => tag === pictureTag) as Section;
  const [scales, modeMap, coarse, ...tiles] = cutParts(section, partCount(header));
  if ((modeMap.length === 0) !== (header.modes === 1)) {
    throw new TesseraError('corruptSection', `a mode map of ${modeMap.length} bytes for ${header.modes} codecs`, {
      offset: section.offset,
    });
  }
  return { scales: parseScales(scales, section.offset), modeMap, coarse, tiles };
}

/** Parts of the picture section: scales, mode map, coarse segment, tile segments. */
export function partCount({ width, height }: Header): number {
  return 3 + tileCount(width, height);
}

/**
 * Writes a whole file.
 *
 * @param others - sections beside the picture
 */
export function writeFile(
  header: Omit<Header, 'sections' | 'alpha'>,
  picture: PictureSection,
  others: readonly SectionContents[] = [],
): Uint8Array<ArrayBuffer> {
  const sections = [{ tag: pictureTag, payload: writePictureSection(picture) }, ...others].sort((a, b) => a.tag - b.tag);
  if (sections.length > mostSections)
    throw new TesseraError('invalidArgument', `${sections.length} sections; a file has at most ${mostSections}`);
  return concatenate([
    writeHeader({ ...header, sections: sections.length, alpha: sections.some(({ tag }) => tag === alphaTag) }),
    ...sections.map(({ tag, payload }) => writeSection(tag, payload)),
  ]);
}

/**
 * Bytes of a file whose parts have the given lengths, without writing it.
 *
 * @param partLengths - of the scales, the mode map, the coarse segment and every tile segment, in bytes, whole numbers
 * @param others - sections beside the picture
 */
export function fileLength(partLengths: readonly number[], others: readonly SectionContents[] = []): number {
  let payload = 0;
  for (const length of partLengths) payload += length + writeLeb128(length).length;
  const after = others.reduce((sum, { tag, payload: bytes }) => sum + writeSection(tag, bytes).length, 0);
  return headerLength + 1 + writeLeb128(payload).length + 4 + payload + after;
}

/** Joins byte arrays. */
export function concatenate(chunks: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
  let position = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, position);
    position += chunk.length;
  }
  return bytes;
}
