import { deflateSync, inflateSync, crc32 as zlibCrc32 } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  crc32,
  fileLength,
  headerLength,
  parseHeader,
  parsePictureSection,
  parseSections,
  readLeb128,
  toBytes,
  writeFile,
  writeHeader,
  writeLeb128,
  writeSection,
} from '../src/container.js';
import { TesseraError } from '../src/errors.js';
import { probe } from '../src/index.js';
import { defaultLimits } from '../src/limits.js';
import type { Header } from '../src/types.js';

const header: Header = {
  version: 0,
  width: 600,
  height: 400,
  modes: 8,
  patch: 128,
  lanes: 2,
  packId: 1,
  packHash: '0123456789abcdef',
  anchor: 3,
  step: 17,
  sections: 1,
  alpha: false,
};

const picture = {
  scales: [-8, 7, 0, -1, 1, 0, 3],
  modeMap: Uint8Array.of(2),
  coarse: new Uint8Array(200).fill(7),
  tiles: [new Uint8Array(50).fill(1), new Uint8Array(60).fill(2)],
};
const file = writeFile(header, picture);

/** Everything that the container can say about a file, or its error. */
function read(bytes: Uint8Array): unknown {
  const parsed = parseHeader(bytes);
  return parsePictureSection(parsed, parseSections(parsed, bytes));
}

function codeOf(bytes: Uint8Array): string {
  try {
    read(bytes);
    return 'accepted';
  } catch (error) {
    if (error instanceof TesseraError) return error.code;
    throw error;
  }
}

/** A file with other header fields and a correct checksum. */
function withHeaderBytes(changes: Record<number, number>): Uint8Array {
  const bytes = file.slice();
  for (const [offset, value] of Object.entries(changes)) bytes[Number(offset)] = value;
  new DataView(bytes.buffer).setUint32(23, crc32(bytes.subarray(0, 23)), true);
  return bytes;
}

function join(...parts: Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

/** CRC-32 by Node's zlib: of the trailer of a deflated PNG-like chunk, where `crc32` itself is missing (before 20.15). */
function oracle(bytes: Uint8Array): number {
  if (typeof zlibCrc32 === 'function') return zlibCrc32(bytes);
  return crc32(inflateSync(deflateSync(bytes)));
}

describe('CRC-32', () => {
  test('of the usual check string', () => {
    expect(crc32(new TextEncoder().encode('123456789'))).toBe(0xcbf43926);
    expect(crc32()).toBe(0);
  });

  test('agrees with zlib, in one piece or in several', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(300), (bytes, cut) => {
        expect(crc32(bytes)).toBe(oracle(bytes));
        expect(crc32(bytes.subarray(0, cut), bytes.subarray(cut))).toBe(crc32(bytes));
      }),
    );
  });
});

describe('LEB128', () => {
  test.each([
    [0, [0]],
    [127, [127]],
    [128, [128, 1]],
    [16_383, [255, 127]],
    [16_384, [128, 128, 1]],
    [2 ** 32 - 1, [255, 255, 255, 255, 15]],
  ])('%i', (value, bytes) => {
    expect([...writeLeb128(value)]).toEqual(bytes);
    expect(readLeb128(Uint8Array.from(bytes), 0)).toEqual({ value, next: bytes.length });
  });

  test('every number comes back', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 32 - 1 }), (value) => {
        const bytes = writeLeb128(value);
        expect(readLeb128(bytes, 0)).toEqual({ value, next: bytes.length });
      }),
    );
  });

  test.each([
    ['longer than needed', [128, 0], 'corruptSection'],
    ['longer than needed, zero', [128, 128, 128, 128, 0], 'corruptSection'],
    ['2^32', [128, 128, 128, 128, 16], 'corruptSection'],
    ['six bytes', [128, 128, 128, 128, 128, 1], 'corruptSection'],
    ['cut off', [128, 128], 'truncated'],
    ['empty', [], 'truncated'],
  ])('%s is refused', (_, bytes, code) => {
    expect(() => readLeb128(Uint8Array.from(bytes), 0)).toThrow(expect.objectContaining({ code }));
  });
});

describe('header', () => {
  test('the bytes of FORMAT.md §1', () => {
    expect([...writeHeader(header)].slice(0, 23)).toEqual([
      0x8b,
      0x54,
      0x53,
      0x0a,
      0,
      3 | (0 << 2) | (1 << 4),
      0x57,
      0x02,
      0x8f,
      0x01,
      1,
      0,
      0x01,
      0x23,
      0x45,
      0x67,
      0x89,
      0xab,
      0xcd,
      0xef,
      3,
      17,
      0,
    ]);
    expect(headerLength).toBe(27);
  });

  test('every valid header comes back', () => {
    const headers = fc.record({
      version: fc.constant(0),
      width: fc.integer({ min: 1, max: 65_536 }),
      height: fc.integer({ min: 1, max: 65_536 }),
      modes: fc.constantFrom(1, 2, 4, 8) as fc.Arbitrary<1 | 2 | 4 | 8>,
      patch: fc.constantFrom(64, 128, 256) as fc.Arbitrary<64 | 128 | 256>,
      lanes: fc.constantFrom(1, 2, 4, 8) as fc.Arbitrary<1 | 2 | 4 | 8>,
      packId: fc.integer({ min: 0, max: 65_535 }),
      packHash: fc.uint8Array({ minLength: 8, maxLength: 8 }).map((bytes) => Buffer.from(bytes).toString('hex')),
      anchor: fc.integer({ min: 0, max: 255 }),
      step: fc.integer({ min: 0, max: 255 }),
      sections: fc.integer({ min: 1, max: 32 }),
      alpha: fc.boolean(),
    });
    fc.assert(
      fc.property(headers, (value) => {
        expect(parseHeader(writeHeader(value))).toEqual(value);
      }),
    );
  });

  test('probe reads any view, and nothing behind the header', () => {
    const padded = new Uint8Array(40).fill(0xff);
    padded.set(file.subarray(0, 27), 5);
    expect(probe(padded.subarray(5, 32))).toEqual(header);
    expect(probe(new DataView(padded.buffer, 5, 27))).toEqual(header);
    expect(probe(file.buffer)).toEqual(header);
    expect(() => probe('text' as unknown as ArrayBuffer)).toThrow(expect.objectContaining({ code: 'invalidArgument' }));
    expect(toBytes(new Uint16Array([1, 2])).length).toBe(4);
  });

  test.each([
    ['another version', { 4: 1 }, 'unsupportedVersion'],
    ['zero-block flags', { 5: 0x53 }, 'unsupportedFeature'],
    ['profile bit 7 without alpha', { 5: 0x93 }, 'corruptSection'],
    ['patch code 3', { 5: 0x1f }, 'unsupportedFeature'],
    ['border filter', { 22: 0x20 }, 'unsupportedFeature'],
  ])('%s behind a correct checksum', (_, changes, code) => {
    expect(codeOf(withHeaderBytes(changes))).toBe(code);
  });

  test('other formats are not ours, however short', () => {
    expect(codeOf(new TextEncoder().encode('\x89PNG\r\n\x1a\n and more than enough bytes'))).toBe('notOurFormat');
    expect(codeOf(Uint8Array.of(0x89))).toBe('notOurFormat');
    expect(codeOf(Uint8Array.of(0x8b, 0x54, 0x53, 0x0d, 0x0a))).toBe('notOurFormat');
    expect(codeOf(new Uint8Array(0))).toBe('truncated');
  });
});

describe('sections', () => {
  test('the picture comes back', () => {
    expect(read(file)).toEqual(picture);
    expect(file.length).toBe(27 + 1 + 2 + 4 + (1 + 1 + 2 + 1 + 1) + 4 + 1 + 200 + 50 + 60);
    expect(fileLength([4, 1, 200, 50, 60])).toBe(file.length);
  });

  test('every truncation is refused as such', () => {
    for (let length = 0; length < file.length; length++) expect(codeOf(file.subarray(0, length)), `length ${length}`).toBe('truncated');
  });

  test('every flipped bit is refused', () => {
    for (let bit = 0; bit < file.length * 8; bit++) {
      const bytes = file.slice();
      bytes[bit >> 3] ^= 1 << (bit & 7);
      const code = codeOf(bytes);
      const where = `bit ${bit & 7} of byte ${bit >> 3}`;
      if (bit < 32) expect(code, where).toBe('notOurFormat');
      else if (bit < 40) expect(code, where).toBe('unsupportedVersion');
      else if (bit < 27 * 8) expect(code, where).toBe('corruptHeader');
      else if (bit >= 30 * 8) expect(code, where).toBe('checksumMismatch');
      else expect(['checksumMismatch', 'truncated', 'corruptSection'], where).toContain(code);
    }
  });

  test('random bytes behind the header never get through', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (tail) => {
        expect(codeOf(join(file.subarray(0, 27), tail))).not.toBe('accepted');
      }),
      { numRuns: 2000 },
    );
  });

  const start = file.subarray(0, 27);
  const section = file.subarray(27);
  const withSections = (...sections: Uint8Array[]): Uint8Array => join(writeHeader({ ...header, sections: sections.length }), ...sections);
  test.each([
    ['a picture twice', withSections(section, section), 'corruptSection'],
    ['sections out of order', withSections(writeSection(0x41, new Uint8Array(3)), section), 'corruptSection'],
    ['no picture', join(start, writeSection(0x41, new Uint8Array(3))), 'corruptSection'],
    ['a section that is not counted', join(file, writeSection(0x41, new Uint8Array(1))), 'corruptSection'],
    ['a section that is counted and not there', join(withSections(section, section).subarray(0, file.length)), 'truncated'],
    ['one byte left over that is no section', join(file, Uint8Array.of(0)), 'corruptSection'],
    ['an unknown critical section', withSections(section, writeSection(0x03, new Uint8Array(1))), 'unsupportedFeature'],
    ['alpha that the header does not announce', withSections(section, writeSection(0x02, new Uint8Array(1))), 'corruptSection'],
    ['a length in a longer form', join(start, Uint8Array.of(1, 0x80, 0x00), new Uint8Array(4)), 'corruptSection'],
    ['a huge length', join(start, Uint8Array.of(1, 0xff, 0xff, 0xff, 0xff, 0x0f), new Uint8Array(4)), 'truncated'],
  ])('%s', (_, bytes, code) => {
    expect(codeOf(bytes)).toBe(code);
  });

  test('at most 32 sections are written, by ascending tag', () => {
    const others = Array.from({ length: 31 }, (_, index) => ({ tag: 0x60 + index, payload: Uint8Array.of(index) }));
    const bytes = writeFile(header, picture, others.slice(0, 31));
    expect(parseHeader(bytes).sections).toBe(32);
    expect(parseSections(parseHeader(bytes), bytes).slice(1)).toMatchObject(others);
    expect(() => writeFile(header, picture, [...others, { tag: 0xff, payload: new Uint8Array(0) }])).toThrow(
      expect.objectContaining({ code: 'invalidArgument' }),
    );
  });

  test('unknown sections that may be skipped are skipped, but not unchecked', () => {
    const bytes = withSections(section, writeSection(0x41, Uint8Array.of(1, 2, 3)), writeSection(0x7f, new Uint8Array(0)));
    expect(read(bytes)).toEqual(picture);
    bytes[bytes.length - 1] ^= 1;
    expect(codeOf(bytes)).toBe('checksumMismatch');
  });

  test.each([
    ['parts that add up to less', [0, 1, 1, 1, 1, 9, 9, 9, 9, 9]],
    ['parts that add up to more', [0, 1, 1, 1, 1, 9, 9, 9]],
    ['lengths cut off', [0, 1, 1]],
    ['a length in a longer form', [0, 0x81, 0, 1, 1, 1, 9, 9, 9, 9]],
    ['no mode map for 8 codecs', [0, 0, 1, 1, 1, 9, 9, 9]],
    ['scales that are all 0', [4, 1, 1, 1, 1, 0, 0, 0, 0, 2, 9, 9, 9]],
    ['scales of three bytes', [3, 1, 1, 1, 1, 1, 1, 1, 2, 9, 9, 9]],
    ['scales of five bytes', [5, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 9, 9, 9]],
    ['a scale for an eighth grid', [4, 1, 1, 1, 1, 1, 1, 1, 0x11, 2, 9, 9, 9]],
  ])('%s', (_, payload) => {
    expect(codeOf(join(start, writeSection(1, Uint8Array.from(payload))))).toBe('corruptSection');
  });

  test('a mode map for one codec', () => {
    const single = withHeaderBytes({ 5: 0x10 });
    expect(codeOf(single)).toBe('corruptSection');
  });
});

test('a file that claims the largest size is refused in its header', async () => {
  const { decode } = await import('../src/index.js');
  const huge = withHeaderBytes({ 6: 0xff, 7: 0xff, 8: 0xff, 9: 0xff });
  await expect(decode(huge)).rejects.toMatchObject({ code: 'limitDimension' });
  await expect(decode(huge, { limits: { maxDimension: 0 } })).rejects.toMatchObject({ code: 'limitPixels' });
  await expect(decode(huge, { limits: { maxDimension: 0, maxPixels: 0 } })).rejects.toMatchObject({ code: 'limitPixels' });
  const large = withHeaderBytes({ 6: 0xff, 7: 0x3f, 8: 0xff, 9: 0x3f });
  await expect(decode(large, { limits: { maxPixels: 0, maxMemory: 2 ** 30 } })).rejects.toMatchObject({ code: 'limitMemory' });
  expect(defaultLimits.maxPixels).toBe(2 ** 26);
});
