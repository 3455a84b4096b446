/**
 * Second opinions, written from FORMAT.md alone and sharing no code with `src/`: what container and mode map of a file must be refused
 * for, and whether a decoder.bin is sound. Fuzzing compares them with the library, so accepting damage is a finding as much as a trap is.
 */

import type { ErrorCode } from '../../src/errors.js';

/** What a reader has at hand. */
export interface Reader {
  readonly pack: {
    readonly id: number;
    readonly hash: string;
    readonly anchors: number;
    readonly steps: number;
    readonly codecs: number;
    readonly subsets: Readonly<Record<number, string>>;
  };
  readonly maxPixels: number;
  readonly maxDimension: number;
}

/** CRC-32, bit by bit. */
function checksum(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc >>> 0;
}

const u32 = (bytes: Uint8Array, at: number): number =>
  bytes[at] + bytes[at + 1] * 256 + bytes[at + 2] * 65_536 + bytes[at + 3] * 16_777_216;
const u16 = (bytes: Uint8Array, at: number): number => bytes[at] + bytes[at + 1] * 256;
const i16 = (bytes: Uint8Array, at: number): number => (u16(bytes, at) << 16) >> 16;
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** A LEB128 number and the offset behind it; or why there is none. */
function leb128(bytes: Uint8Array, at: number): { value: number; next: number } | 'end' | 'damage' {
  let value = 0;
  for (let count = 0; count < 5; count++) {
    const byte = bytes[at + count];
    if (byte === undefined) return 'end';
    value += (byte % 128) * 2 ** (7 * count);
    if (byte >= 128) continue;
    return value >= 2 ** 32 || (byte === 0 && count > 0) ? 'damage' : { value, next: at + count + 1 };
  }
  return 'damage';
}

/** The error that a file must be refused with before its streams are decoded (FORMAT.md §1, §3), or undefined. */
export function verdictOnFile(file: Uint8Array, reader: Reader): ErrorCode | undefined {
  const magic = [0x8b, 0x54, 0x53, 0x0a];
  if (magic.some((byte, index) => index < file.length && file[index] !== byte)) return 'notOurFormat';
  if (file.length < 27) return 'truncated';
  if (file[4] !== 0) return 'unsupportedVersion';
  if (u32(file, 23) !== checksum(file.subarray(0, 23))) return 'corruptHeader';
  const profile = file[5];
  if (profile & 64 || (profile >> 2) % 4 === 3 || file[22] >= 32) return 'unsupportedFeature';
  const [width, height] = [u16(file, 6) + 1, u16(file, 8) + 1];
  if (Math.max(width, height) > reader.maxDimension) return 'limitDimension';
  if (width * height > reader.maxPixels) return 'limitPixels';
  if (u16(file, 10) !== reader.pack.id || hex(file.subarray(12, 20)) !== reader.pack.hash) return 'unknownModel';
  if (file[20] >= reader.pack.anchors || file[21] >= reader.pack.steps) return 'corruptHeader';

  const modes = 2 ** (profile % 4);
  const side = [128, 64, 256][(profile >> 2) % 4];
  const payloads = sectionsOf(file);
  if (typeof payloads === 'string') return payloads;
  const [payload, alpha] = [payloads.get(1), payloads.get(2)];
  if (payload === undefined || (alpha !== undefined) !== profile >= 128) return 'corruptSection';
  const tiles = Math.ceil(width / 512) * Math.ceil(height / 512);
  const parts = partsOf(payload, 3 + tiles);
  if (parts === undefined || !areScales(parts[0]) || (modes === 1) !== (parts[1].length === 0)) return 'corruptSection';
  if (alpha !== undefined && !partsOf(alpha, tiles)?.every(isAlphaTile)) return 'corruptSection';
  return modes > 1 ? verdictOnMap(parts[1], modes, Math.ceil(width / side) * Math.ceil(height / side), reader) : undefined;
}

/** The parts of a section that begins with their lengths; undefined when these do not add up. */
function partsOf(payload: Uint8Array, count: number): Uint8Array[] | undefined {
  const lengths: number[] = [];
  let at = 0;
  for (let part = 0; part < count; part++) {
    const length = leb128(payload, at);
    if (typeof length === 'string') return undefined;
    lengths.push(length.value);
    at = length.next;
  }
  if (at + lengths.reduce((sum, length) => sum + length, 0) !== payload.length) return undefined;
  return lengths.map((length) => {
    at += length;
    return payload.subarray(at - length, at);
  });
}

/** FORMAT.md §1.1: seven numbers of four bits and a 0. */
function areScales(bytes: Uint8Array): boolean {
  return bytes.length === 0 || (bytes.length === 4 && Math.max(...bytes) > 0 && bytes[3] < 16);
}

/** FORMAT.md §9, but for what the streams say. */
function isAlphaTile(tile: Uint8Array): boolean {
  const [kind, zero, one] = tile;
  return tile.length === 0 || (kind === 0 && tile.length === 2) || (kind === 1 && tile.length > 2 && zero !== one) || kind === 2;
}

/** The payloads by tag, or the error of the sections. */
function sectionsOf(file: Uint8Array): Map<number, Uint8Array> | ErrorCode {
  const payloads = new Map<number, Uint8Array>();
  let last = -1;
  let at = 27;
  for (let count = file[22] + 1; count > 0; count--) {
    if (at === file.length) return 'truncated';
    const tag = file[at];
    if (tag <= last) return 'corruptSection';
    const length = leb128(file, at + 1);
    if (length === 'damage') return 'corruptSection';
    if (length === 'end' || length.next + 4 + length.value > file.length) return 'truncated';
    const start = length.next + 4;
    const payload = file.subarray(start, start + length.value);
    if (u32(file, length.next) !== checksum(Buffer.concat([file.subarray(at, length.next), payload]))) return 'checksumMismatch';
    if (tag > 2 && !(tag & 0x40)) return 'unsupportedFeature';
    payloads.set(tag, payload);
    last = tag;
    at = start + length.value;
  }
  return at < file.length ? 'corruptSection' : payloads;
}

/** The error of a mode map that is no stream; the stream of an adaptive one is left to the decoder. */
function verdictOnMap(whole: Uint8Array, modes: number, patches: number, { pack }: Reader): ErrorCode | undefined {
  const kind = whole[0] % 4;
  const high = (whole[0] % 128) >> 2;
  const list = whole[0] < 128 ? 0 : modes / 2;
  if (whole.length <= list) return 'corruptSection';
  const codecs = [...whole.subarray(1, 1 + list)].flatMap((byte) => [byte % 16, byte >> 4]);
  if (codecs.some((codec) => codec >= pack.codecs) || codecs.join() === pack.subsets[modes]) return 'corruptSection';
  const map = whole.subarray(list);
  if (kind === 3 || (kind !== 2 && high !== 0)) return 'corruptSection';
  if (kind === 2) return map.length !== 1 || high >= modes ? 'corruptSection' : undefined;
  if (kind === 1) return undefined;
  const bits = patches * Math.log2(modes);
  if (map.length !== 1 + Math.ceil(bits / 8)) return 'corruptSection';
  return bits % 8 !== 0 && map[map.length - 1] >> (bits % 8) !== 0 ? 'corruptSection' : undefined;
}

/** FORMAT.md §7.5, "Range", with the magnitudes of the filters of steps 5…0. */
function staysFinite(filters: readonly number[][], largestLatent: number): boolean {
  const bounds = [largestLatent];
  const features = [largestLatent];
  for (const [k0, k1, k2, k3, s0, s1, s2, s3] of filters) {
    features.forEach((value, index) => {
      features[index] = value * (k0 + k1 + k2 + k3) ** 2;
    });
    features.push(largestLatent * (1 + (s0 + 2 * s1 + 2 * s2 + 2 * s3) ** 2));
    bounds.push(...features);
  }
  return bounds.every((bound) => bound <= 2 ** 127);
}

/** FORMAT.md §7.5: whether the rows of a layer that starts at `at` fit 32 bits. */
function staysInside(block: Uint8Array, at: number, outputs: number, inputs: number, biasOf: (output: number) => number): boolean {
  return Array.from({ length: outputs }, (_, output) => {
    let sum = Math.abs(biasOf(output));
    for (let input = 0; input < inputs; input++) sum += Math.abs(i16(block, at + 2 * (output * inputs + input))) * 32_768;
    return sum;
  }).every((sum) => sum < 2 ** 31);
}

/** Whether a decoder.bin is as FORMAT.md §7 wants it. */
export function isSoundDecoder(bytes: Uint8Array): boolean {
  const [modes, anchors] = [bytes[5], bytes[6]];
  if (bytes.length < 16 || bytes.length > 2 ** 22 || hex(bytes.subarray(0, 5)) !== '8b54500a00') return false;
  if (![1, 2, 4, 8].includes(modes) || anchors < 1 || anchors > 16 || bytes[7] !== 7 || u16(bytes, 10) !== 0) return false;
  const blocks: Uint8Array[] = [];
  let at = 12;
  for (let tag = 1; tag <= 4; tag++) {
    if (at + 8 > bytes.length - 4 || u32(bytes, at) !== tag) return false;
    const end = at + 8 + u32(bytes, at + 4);
    if (end > bytes.length - 4) return false;
    blocks.push(bytes.subarray(at + 8, end));
    at = end;
  }
  if (at !== bytes.length - 4 || u32(bytes, at) !== checksum(bytes.subarray(0, at))) return false;
  if (!areSoundRows(blocks[0]) || !areSoundSteps(blocks[1]) || !areSoundModes(blocks[2], modes)) return false;
  const inverseGains = Array.from({ length: blocks[1][0] }, (_, step) => u16(blocks[1], 3 + 6 * step));
  return areSoundDecoders(blocks[3], modes * anchors, 2 * Math.max(...inverseGains));
}

function areSoundRows(block: Uint8Array): boolean {
  if (block.length < 128) return false;
  let at = 128;
  for (let index = 0; index < 64; index++) {
    const [n, order] = [block[2 * index], block[2 * index + 1]];
    if (n < 1 || n > 31 || order > 15) return false;
    for (let row = 0; row < 9; row++) {
      let sum = 0;
      for (let symbol = 0; symbol < 2 * n + 3; symbol++, at += 2) {
        if (at + 2 > block.length || u16(block, at) === 0) return false;
        sum += u16(block, at);
      }
      if (sum !== 32_768) return false;
    }
  }
  return at === block.length;
}

function areSoundSteps(block: Uint8Array): boolean {
  const count = block[0];
  if (block.length === 0 || count < 1 || count > 64 || block.length !== 1 + 6 * count) return false;
  return Array.from({ length: count }, (_, step) => u16(block, 1 + 6 * step) * u16(block, 3 + 6 * step)).every((product) => product > 0);
}

function areSoundModes(block: Uint8Array, modes: number): boolean {
  let at = 0;
  for (let count = 1; count <= modes; count *= 2) {
    const end = at + count + 2 * (count + 5);
    if (end > block.length) return false;
    const subset = [...block.subarray(at, at + count)];
    const values = Array.from({ length: count + 5 }, (_, index) => u16(block, at + count + 2 * index));
    if (new Set(subset).size !== count || Math.max(...subset) >= modes || values.slice(0, count).includes(0)) return false;
    const increment = values[count + 4];
    if (values.reduce((sum, value) => sum + value, 0) - increment + 255 * count * increment > 65_535) return false;
    at = end;
  }
  return at === block.length;
}

function areSoundDecoders(block: Uint8Array, count: number, largestLatent: number): boolean {
  const length =
    8 + [16, 16, 2].reduce((sum, outputs) => sum + 2 + outputs * 36, 0) + 6 * 18 + 8 + 48 * 16 + 3 * (2 + 12) + 6 * (48 + 27 + 27);
  if (block.length !== count * length) return false;
  for (let start = 0; start < block.length; start += length) {
    if (block.subarray(start, start + 8).some((byte) => byte !== 0)) return false;
    let at = start + 8;
    for (const outputs of [16, 16, 2]) {
      const [k, zero] = [block[at], block[at + 1]];
      if (k < 8 || k > 12 || zero !== 0) return false;
      for (let output = 0; output < outputs; output++) {
        let weights = 0;
        for (let input = 0; input < 16; input++) weights += Math.abs(i16(block, at + 2 + 2 * (16 * output + input)));
        const bias = u32(block, at + 2 + 32 * outputs + 4 * output) | 0;
        if (weights * 32_767 + Math.abs(bias) + 2 ** (k - 1) > 2 ** 31 - 1) return false;
      }
      at += 2 + 36 * outputs;
    }
    const filters: number[][] = [];
    for (let step = 0; step < 6; step++) {
      const shift = block[at];
      if (shift > 30 || block[at + 1] !== 0) return false;
      filters.push(Array.from({ length: 8 }, (_, index) => Math.abs(i16(block, at + 2 + 2 * index)) / 2 ** shift));
      at += 18;
    }
    if (!staysFinite(filters, largestLatent)) return false;
    if (block.subarray(at, at + 7).some((bits) => bits > 15) || block[at + 7] !== 0) return false;
    const hiddenBiases = at + 8 + 48 * 14;
    if (!staysInside(block, at + 8, 48, 7, (unit) => i16(block, hiddenBiases + 2 * unit) * 16_384)) return false;
    at = hiddenBiases + 96;
    for (const inputs of [48, 27, 27]) {
      if (block[at] < 1 || block[at] > 24 || block[at + 1] !== 0) return false;
      const biases = at + 2 + 6 * inputs;
      if (!staysInside(block, at + 2, 3, inputs, (output) => u32(block, biases + 4 * output) | 0)) return false;
      at = biases + 12;
    }
  }
  return true;
}
