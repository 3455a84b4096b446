/** The damaged files of `tests/corrupt/files`: at least one for each error that a file can cause (FORMAT.md §8). */

import { decodersOf, SynthesisView } from '../../src/adaptation/apply.js';
import { writeAdaptation } from '../../src/adaptation/section.js';
import {
  crc32,
  joinParts,
  parseHeader,
  parsePictureSection,
  parseSections,
  writeHeader,
  writePictureSection,
  writeSection,
} from '../../src/container.js';
import type { ErrorCode } from '../../src/errors.js';
import type { Limits } from '../../src/limits.js';
import { parseDecoderPack } from '../../src/models/pack.js';
import { BareCore, join } from '../conformance/harness.js';

/** One damaged file. */
export interface CorruptFile {
  /** `.tsr`, or `.bin` for a decoder.bin. */
  readonly name: string;
  readonly code: ErrorCode;
  readonly why: string;
  readonly bytes: Uint8Array;
  /** Limits to decode it with, where the default ones would let it pass. */
  readonly limits?: Partial<Limits>;
}

/**
 * All damaged files.
 *
 * @param decoder - decoder.bin of the conformance pack
 * @param vector - a conformance vector by name
 */
export function corruptFiles(decoder: Uint8Array, vector: (name: string) => Uint8Array): CorruptFile[] {
  const base = vector('two-patches');
  const header = parseHeader(base);
  const picture = parsePictureSection(header, parseSections(header, base));
  const files: CorruptFile[] = [];
  const add = (name: string, code: ErrorCode, why: string, bytes: Uint8Array, limits?: Partial<Limits>): void => {
    files.push({ name, code, why, bytes, ...(limits === undefined ? {} : { limits }) });
  };
  const withHeader = (changes: Record<number, number>, source = base): Uint8Array => {
    const bytes = source.slice();
    for (const [offset, value] of Object.entries(changes)) bytes[Number(offset)] = value;
    new DataView(bytes.buffer).setUint32(23, crc32(bytes.subarray(0, 23)), true);
    return bytes;
  };
  const withSections = (...sections: readonly Uint8Array[]): Uint8Array =>
    join(writeHeader({ ...header, sections: sections.length, alpha: sections.some(([tag]) => tag === 2) }), ...sections);
  const pictureSection = (parts: Partial<typeof picture> = {}): Uint8Array =>
    writeSection(1, writePictureSection({ ...picture, ...parts }));
  const withPicture = (parts: Partial<typeof picture>): Uint8Array => withSections(pictureSection(parts));
  const metadata = writeSection(0x41, Uint8Array.of(1));

  // 2x: not readable here.
  add(
    'text-transfer.tsr',
    'notOurFormat',
    'a transfer as text made two bytes of the line feed',
    join(base.subarray(0, 3), Uint8Array.of(13), base.subarray(3)),
  );
  add('png.tsr', 'notOurFormat', 'the signature of PNG', join(Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10), base.subarray(8)));
  add('version-1.tsr', 'unsupportedVersion', 'version 1', withHeader({ 4: 1 }));
  add('profile-bit-6.tsr', 'unsupportedFeature', 'zero-block flags, reserved', withHeader({ 5: base[5] | 0x40 }));
  add('patch-code-3.tsr', 'unsupportedFeature', 'reserved patch size', withHeader({ 5: base[5] | 0x0c }));
  add('border-filter.tsr', 'unsupportedFeature', 'unknown border filter', withHeader({ 22: 0x20 }));
  add(
    'section-critical.tsr',
    'unsupportedFeature',
    'an unknown section that no reader may skip',
    withSections(pictureSection(), writeSection(3, Uint8Array.of(1))),
  );

  // The adaptation: two bits for the layer of w2 (any: no, each: no), then those of w4.
  const bitsOf = (text: string): Uint8Array => {
    const bits = [...text.replaceAll(' ', '')];
    return Uint8Array.from({ length: Math.ceil(bits.length / 8) }, (_, byte) =>
      bits.slice(8 * byte, 8 * byte + 8).reduce((sum, bit, index) => sum + (bit === '1' ? 1 << index : 0), 0),
    );
  };
  const adapted = (payload: Uint8Array): Uint8Array => withSections(writeSection(0, payload), pictureSection());
  const unchanged = `00 1 0000 000 ${'0'.repeat(30)} 0`;
  // To about 9000 each, of 27 in a row.
  const [weights] = decodersOf(parseDecoderPack(decoder), [5], header);
  const larger = Math.round((9000 * 2 ** 8) / new SynthesisView(weights.bytes).lastNorm());
  add('adaptation-nothing.tsr', 'corruptSection', 'an adaptation that changes nothing', adapted(bitsOf('00 00')));
  add('adaptation-empty.tsr', 'corruptSection', 'an adaptation without bits', adapted(new Uint8Array(0)));
  add('adaptation-cut.tsr', 'corruptSection', 'an adaptation that ends within its values', adapted(bitsOf(unchanged).subarray(0, 4)));
  add('adaptation-long.tsr', 'corruptSection', 'a byte behind the adaptation', adapted(join(bitsOf(unchanged), Uint8Array.of(0))));
  add('adaptation-padding.tsr', 'corruptSection', 'a 1 in the last bits of an adaptation', adapted(bitsOf(`${unchanged} 1`)));
  add('adaptation-prefix.tsr', 'corruptSection', 'a value with thirteen ones', adapted(bitsOf(`00 1 0000 000 ${'1'.repeat(13)} 0`)));
  add(
    'adaptation-weight.tsr',
    'corruptSection',
    'an adaptation that makes a weight leave 16 bits',
    adapted(writeAdaptation({ last: { all: { exponent: 0, order: 7, changes: Array.from({ length: 30 }, () => 60_000) } } }, 2)),
  );
  add(
    'adaptation-sum.tsr',
    'corruptSection',
    'an adaptation that makes sums leave 32 bits',
    adapted(writeAdaptation({ last: { all: { exponent: 8, order: 7, changes: [...new Array<number>(27).fill(larger), 0, 0, 0] } } }, 2)),
  );
  add(
    'adaptation-flip.tsr',
    'checksumMismatch',
    'a flipped bit in the adaptation',
    ((): Uint8Array => {
      const bytes = adapted(bitsOf(unchanged));
      bytes[34] ^= 1;
      return bytes;
    })(),
  );
  add(
    'adaptation-after.tsr',
    'corruptSection',
    'an adaptation behind the picture',
    withSections(pictureSection(), writeSection(0, bitsOf(unchanged))),
  );
  add('pack-id.tsr', 'unknownModel', 'the id of a pack that is not there', withHeader({ 10: 0xfe }));
  add('pack-hash.tsr', 'unknownModel', 'the right id with another hash', withHeader({ 12: base[12] ^ 1 }));

  // 3x: damaged.
  add('empty.tsr', 'truncated', 'no bytes', new Uint8Array(0));
  add('header-cut.tsr', 'truncated', 'the file ends within the header', base.slice(0, 26));
  add('header-only.tsr', 'truncated', 'the file ends after the header', base.slice(0, 27));
  add('section-missing.tsr', 'truncated', 'the file ends after the first of two sections', base.slice(0, 27 + pictureSection().length));
  add('length-cut.tsr', 'truncated', 'the file ends within a length', withSections(Uint8Array.of(1, 0x80)));
  add('payload-cut.tsr', 'truncated', 'the last byte is missing', base.slice(0, base.length - 1));
  add('length-huge.tsr', 'truncated', 'a section of 2^32 − 1 bytes', withSections(Uint8Array.of(1, 255, 255, 255, 255, 15, 0, 0, 0, 0)));
  add(
    'header-flip.tsr',
    'corruptHeader',
    'one bit of the width is wrong',
    base.map((byte, index) => (index === 6 ? byte ^ 1 : byte)),
  );
  add('anchor.tsr', 'corruptHeader', 'an anchor that the pack does not have', withHeader({ 20: 3 }));
  add('step.tsr', 'corruptHeader', 'a step that the pack does not have', withHeader({ 21: 6 }));
  add('picture-twice.tsr', 'corruptSection', 'two picture sections', withSections(pictureSection(), pictureSection()));
  add('picture-missing.tsr', 'corruptSection', 'no picture section', withSections(metadata));
  add('order.tsr', 'corruptSection', 'sections out of order', withSections(metadata, pictureSection()));
  add('section-uncounted.tsr', 'corruptSection', 'a section that the header does not count', join(withPicture({}), metadata));
  add('trailing.tsr', 'corruptSection', 'a byte behind the last section', join(base, Uint8Array.of(0)));
  add(
    'length-long-form.tsr',
    'corruptSection',
    'a length in a longer form than needed',
    withSections(Uint8Array.of(1, 0x85, 0, 0, 0, 0, 0)),
  );
  add(
    'length-over-32-bits.tsr',
    'corruptSection',
    'a length of 2^32',
    withSections(Uint8Array.of(1, 0x80, 0x80, 0x80, 0x80, 0x10, 0, 0, 0, 0)),
  );
  const payload = writePictureSection(picture);
  const { coarse, modeMap, tiles } = picture;
  add(
    'parts-sum.tsr',
    'corruptSection',
    'the parts add up to less than the section',
    withSections(writeSection(1, join(payload, Uint8Array.of(0)))),
  );
  add(
    'parts-cut.tsr',
    'corruptSection',
    'the section ends within the lengths of its parts',
    withSections(writeSection(1, payload.subarray(0, 2))),
  );
  for (const [name, why, bytes] of [
    ['scales-zero', 'scales that are all 0', [0, 0, 0, 0]],
    ['scales-short', 'scales of three bytes', [1, 0, 0]],
    ['scales-eighth', 'a scale for an eighth grid', [1, 0, 0, 0x10]],
  ] as const)
    add(
      `${name}.tsr`,
      'corruptSection',
      why,
      withSections(writeSection(1, joinParts([Uint8Array.from(bytes), modeMap, coarse, ...tiles]))),
    );
  add('map-missing.tsr', 'corruptSection', 'no mode map for two codecs', withPicture({ modeMap: new Uint8Array(0) }));
  add('map-unwanted.tsr', 'corruptSection', 'a mode map for one codec', withHeader({ 5: base[5] & ~3 }));
  for (const [name, why, bytes] of [
    ['map-kind-3', 'an unknown kind of mode map', [3]],
    ['map-high-bits', 'a mode beside a kind that has none', [0x04, 0x02]],
    ['map-uniform-mode', 'a uniform mode of 2 for two codecs', [0x0a]],
    ['map-uniform-long', 'a byte behind a uniform mode map', [0x02, 0]],
    ['map-fixed-short', 'no modes behind the kind', [0]],
    ['map-fixed-long', 'a byte behind a fixed mode map', [0, 2, 0]],
    ['map-fixed-bits', 'unused bits of a fixed mode map are set', [0, 0x06]],
    ['map-list-cut', 'a list of codecs that is not there', [0x82]],
    ['map-list-codec', 'a codec that the pack does not have', [0x82, 0x80]],
    ['map-list-subset', 'a list of the codecs that the pack has for two', [0x82, 0x15]],
  ] as const) {
    add(`${name}.tsr`, 'corruptSection', why, withPicture({ modeMap: Uint8Array.from(bytes) }));
  }
  add(
    'payload-flip.tsr',
    'checksumMismatch',
    'one bit of the picture is wrong',
    base.map((byte, index) => (index === 40 ? byte ^ 1 : byte)),
  );
  add(
    'metadata-flip.tsr',
    'checksumMismatch',
    'one bit of a section that is skipped is wrong',
    base.map((byte, index) => (index === base.length - 1 ? byte ^ 1 : byte)),
  );
  add('map-list-only.tsr', 'entropyDesync', 'a list of codecs and no map behind it', withPicture({ modeMap: Uint8Array.of(0x81, 0) }));
  add('map-stream-cut.tsr', 'entropyDesync', 'the mode map lacks its last byte', withPicture({ modeMap: modeMap.slice(0, -1) }));
  add('map-stream-long.tsr', 'entropyDesync', 'a byte behind the mode map', withPicture({ modeMap: join(modeMap, Uint8Array.of(0)) }));
  add('coarse-empty.tsr', 'entropyDesync', 'no coder states', withPicture({ coarse: new Uint8Array(0) }));
  add('coarse-cut.tsr', 'entropyDesync', 'the coarse segment lacks its last byte', withPicture({ coarse: coarse.slice(0, -1) }));
  add('tile-long.tsr', 'entropyDesync', 'a byte behind the last tile', withPicture({ tiles: [join(tiles[0], Uint8Array.of(0))] }));
  const withState = (state: number): Uint8Array => {
    const bytes = coarse.slice();
    new DataView(bytes.buffer).setUint32(0, state, true);
    return withPicture({ coarse: bytes });
  };
  add('state-low.tsr', 'entropyDesync', 'a coder state below 2^23', withState(2 ** 23 - 1));
  add('state-high.tsr', 'entropyDesync', 'a coder state of 2^31', withState(2 ** 31));
  add(
    'state-end.tsr',
    'entropyDesync',
    'a coder state that does not end at 2^23',
    withState(new DataView(coarse.buffer, coarse.byteOffset).getUint32(0, true) ^ 1),
  );
  const one = vector('pixel-one-codec');
  add('escape-prefix.tsr', 'entropyDesync', 'an escape of seventeen ones', escapedFile(decoder, one, 'longPrefix'));
  add('escape-large.tsr', 'entropyDesync', 'a latent of 32768', escapedFile(decoder, one, 32_768));

  // Alpha: the file of two patches is one tile.
  const withAlpha = (...payload: number[]): Uint8Array => withSections(pictureSection(), writeSection(2, Uint8Array.from(payload)));
  for (const [name, why, payload] of [
    ['alpha-empty', 'an alpha section without lengths', []],
    ['alpha-sum', 'tiles of alpha that add up to less than the section', [2, 0, 9, 9]],
    ['alpha-level', 'a byte behind the one level', [3, 0, 9, 9]],
    ['alpha-one-level', 'a mask of the same level twice', [7, 1, 9, 9, 0, 0, 128, 0]],
    ['alpha-kind', 'an unknown kind of alpha', [1, 3]],
  ] as const) {
    add(`${name}.tsr`, 'corruptSection', why, withAlpha(...payload));
  }
  add('alpha-missing.tsr', 'corruptSection', 'no alpha section, against the header', withHeader({ 5: base[5] | 0x80 }));
  add('alpha-unwanted.tsr', 'corruptSection', 'an alpha section, against the header', withHeader({ 5: base[5] }, withAlpha(0)));
  add('alpha-state.tsr', 'entropyDesync', 'alpha without a coder state', withAlpha(1, 2));
  add('alpha-end.tsr', 'entropyDesync', 'a coder state that cannot be that of a mask of 65 samples', withAlpha(7, 1, 0, 255, 1, 2, 3, 4));

  // 4x: over a limit. The first is 40 bytes long.
  const claim = (width: number, height: number): Uint8Array => join(writeHeader({ ...header, width, height }), new Uint8Array(13));
  add('huge-65535.tsr', 'limitDimension', 'claims 65,535 × 65,535 pixels', claim(65_535, 65_535));
  add('huge-32768.tsr', 'limitPixels', 'claims 32,768 × 32,768 pixels', claim(32_768, 32_768));
  add('huge-8192.tsr', 'limitMemory', 'claims 8192 × 8192 pixels to a reader with 256 MiB', claim(8192, 8192), { maxMemory: 2 ** 28 });

  // 53: the pack.
  add('decoder-cut.bin', 'corruptModel', 'a decoder.bin that ends early', decoder.slice(0, 4000));
  add('decoder-magic.bin', 'corruptModel', 'a picture in place of decoder.bin', base);
  return files;
}

/**
 * A file of one pixel whose first latent is coded as "above" with an escape. Nothing is wrong with it but what that escape says.
 *
 * @param file - a vector of one pixel, one codec and one lane
 * @param latent - the latent, or an escape of seventeen ones
 */
export function escapedFile(decoderBytes: Uint8Array, file: Uint8Array, latent: number | 'longPrefix'): Uint8Array {
  const pack = parseDecoderPack(decoderBytes);
  const header = parseHeader(file);
  const core = new BareCore();
  core.begin(pack, header);
  const codec = core.exports.createCodec(core.copyIn(pack.decoders[pack.modeSets.get(1)?.subset[0] as number][header.anchor].bytes));
  const plane = core.copyIn(new Uint8Array(2));
  const rows = core.allocate(2);
  const integers = core.allocate(2);
  core.exports.contextRows(plane, 1, 1, codec, rows, integers);
  const memory = new DataView(core.exports.memory.buffer);
  const row = memory.getUint16(rows, true);
  const [n, order] = pack.classes.subarray(2 * (row >> 4));
  const frequencies = frequenciesOfRow(pack, row);
  const slotsOf = (symbol: number): Slots => [
    frequencies.slice(0, symbol).reduce((sum, frequency) => sum + frequency, 0),
    frequencies[symbol],
  ];
  const bit = (value: number): Slots => [16_384 * (value & 1), 16_384];
  const value = latent === 'longPrefix' ? 2 ** (17 + order) : latent - memory.getInt16(integers, true) - n - 1 + 2 ** order;
  const length = Math.floor(Math.log2(value));
  const slots = [slotsOf(2 * n + 2), ...new Array<Slots>(length - order).fill(bit(1)), bit(0)];
  for (let position = length - 1; position >= 0; position--) slots.push(bit(value >> position));
  // Grids 5, 4 and 3: no context, so the same row, and a residual of 0.
  for (let grid = 5; grid >= 3; grid--) slots.push(slotsOf(n + 1));
  const picture = parsePictureSection(header, parseSections(header, file));
  return join(file.subarray(0, 27), writeSection(1, writePictureSection({ ...picture, coarse: encodeSlots(slots) })));
}

/** First slot and number of slots of a symbol. */
type Slots = readonly [start: number, frequency: number];

/** The row's frequencies from block 1, mirrored where the fraction is above 0. */
function frequenciesOfRow(pack: ReturnType<typeof parseDecoderPack>, row: number): number[] {
  const view = new DataView(pack.frequencies.buffer, pack.frequencies.byteOffset);
  const index = row >> 4;
  const fraction = (row & 15) - 8;
  let start = 0;
  for (let other = 0; other < index; other++) start += 9 * (2 * pack.classes[2 * other] + 3);
  const symbols = 2 * pack.classes[2 * index] + 3;
  start += (8 - Math.abs(fraction)) * symbols;
  const stored = Array.from({ length: symbols }, (_, symbol) => view.getUint16(2 * (start + symbol), true));
  return fraction > 0 ? stored.toReversed() : stored;
}

/** One lane of rANS (FORMAT.md §5), written backwards. */
function encodeSlots(slots: readonly Slots[]): Uint8Array {
  const bytes: number[] = [];
  let state = 2 ** 23;
  for (const [start, frequency] of slots.toReversed()) {
    while (state >= frequency * 2 ** 16) {
      bytes.unshift(state % 256);
      state = Math.floor(state / 256);
    }
    state = Math.floor(state / frequency) * 32_768 + (state % frequency) + start;
  }
  const head = new Uint8Array(4);
  new DataView(head.buffer).setUint32(0, state, true);
  return join(head, Uint8Array.from(bytes));
}
