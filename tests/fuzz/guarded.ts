/**
 * The decoder in a memory that is watched. WebAssembly does not trap on a write beside an array, only outside all of
 * memory, so damage inside is looked for: in the weights before the picture, in a strip behind it, and in the tables, which must still
 * decode a sound file.
 */

import { alphaOf } from '../../src/alpha/section.js';
import { parseHeader, parsePictureSection, parseSections } from '../../src/container.js';
import { tileArea } from '../../src/geometry.js';
import { type ModeMap, parseModeMap, writeModeMap } from '../../src/mode-map.js';
import { parseDecoderPack } from '../../src/models/pack.js';
import { conformanceDecoderFile, vectorBytes } from '../conformance/files.js';
import { BareCore, latentBytes } from '../conformance/harness.js';

const pack = parseDecoderPack(conformanceDecoderFile);
const guardBytes = 4096;
const guardValue = 0xa5;
const sound = vectorBytes('mode-3-anchor-1');

let core: BareCore | undefined;

/**
 * Decodes mode map and latents of a file whose header and section can be read and have a rate that the pack has.
 *
 * @returns whether they can be decoded
 * @throws Error when memory beside the picture has changed, or when the accepted streams are not the ones that code what was decoded
 */
export function decodeGuarded(bytes: Uint8Array): boolean {
  core ??= new BareCore();
  const { exports } = core;
  const start = exports.mark();
  try {
    const { weightsFrom, weightsTo } = begin(core, bytes);
    const guard = core.allocate(guardBytes);
    core.bytes(guard, guardBytes).fill(guardValue);
    const weights = Buffer.from(core.bytes(weightsFrom, weightsTo - weightsFrom));
    const accepted = decode(core, bytes);
    if (weights.compare(core.bytes(weightsFrom, weights.length)) !== 0) throw new Error('the weights have changed');
    if (core.bytes(guard, guardBytes).some((byte) => byte !== guardValue)) throw new Error('memory behind the picture has changed');
    if (accepted) checkRecoded(core, bytes);
    else checkReads(core, bytes);
    return accepted;
  } finally {
    exports.release(start);
  }
}

/** Decodes damaged streams again with other bytes behind them: if that makes a difference, they were read. */
function checkReads(target: BareCore, bytes: Uint8Array): void {
  const before = contentsOf(target);
  decode(target, bytes, 0xff);
  if (!before.equals(contentsOf(target))) throw new Error('bytes behind a stream were read');
}

/** Modes and latents that the core holds. */
function contentsOf(target: BareCore): Buffer {
  const planes = [0, 1, 2, 3, 4, 5, 6].map((grid) => {
    const plane = target.plane(grid);
    return new Uint8Array(plane.buffer, plane.byteOffset, plane.byteLength);
  });
  return Buffer.concat([target.modes(), ...planes]);
}

/** The mode map as the core takes it; undefined where its list of codecs is refused. */
function mapOf(bytes: Uint8Array): ModeMap | undefined {
  const header = parseHeader(bytes);
  try {
    return parseModeMap(parsePictureSection(header, parseSections(header, bytes)).modeMap, pack, header.modes);
  } catch {
    return undefined;
  }
}

/** Copies a stream in with `behind` after it. @returns its address */
function copyStream(target: BareCore, stream: Uint8Array, behind: number): number {
  const pointer = target.allocate(stream.length + guardBytes);
  target.bytes(pointer, stream.length).set(stream);
  target.bytes(pointer + stream.length, guardBytes).fill(behind);
  return pointer;
}

/** Codes what the core holds again: rANS and the fixed and uniform maps have one form for each content, so every byte must come back. */
function checkRecoded(target: BareCore, bytes: Uint8Array): void {
  const { exports, priors } = target;
  const header = parseHeader(bytes);
  const { modeMap, coarse, tiles } = parsePictureSection(header, parseSections(header, bytes));
  const { codecs } = mapOf(bytes) as ModeMap;
  if (target.modes().some((mode) => mode >= header.modes)) throw new Error('a mode that the file does not have');
  const compare = (part: Uint8Array, what: string, encode: (out: number, capacity: number) => number): void => {
    if (Buffer.compare(part, target.written(what, encode)) !== 0) throw new Error(`${what} has another form than the one accepted`);
  };
  if (header.modes > 1) {
    const payload = target.written('the mode map', (out, capacity) => exports.encodeModeMap(modeMap[0] & 3, priors, out, capacity));
    if (Buffer.compare(modeMap, writeModeMap({ codecs, payload }, pack)) !== 0)
      throw new Error('the mode map has another form than the one accepted');
  }
  [coarse, ...tiles].forEach((part, index) => {
    compare(part, `segment ${index}`, (out, capacity) => exports.encodeSegment(index, out, capacity, header.lanes));
  });
}

/** Decodes a sound file with the tables that are in the core, and compares. */
export function checkTables(): void {
  if (core === undefined) return;
  const { exports } = core;
  const start = exports.mark();
  begin(core, sound, false);
  decode(core, sound);
  const grids = [0, 1, 2, 3, 4, 5, 6].map((grid) => (core as BareCore).plane(grid));
  const found = Buffer.from(latentBytes(grids));
  exports.release(start);
  expected ??= latentsOfSound();
  if (!found.equals(expected)) throw new Error('a sound file is decoded differently');
}

let expected: Buffer | undefined;

/** The latents of the sound file, from a core of its own. */
function latentsOfSound(): Buffer {
  const fresh = new BareCore();
  begin(fresh, sound);
  decode(fresh, sound);
  return Buffer.from(latentBytes([0, 1, 2, 3, 4, 5, 6].map((grid) => fresh.plane(grid))));
}

function begin(target: BareCore, bytes: Uint8Array, tables = true): { weightsFrom: number; weightsTo: number } {
  const header = parseHeader(bytes);
  const weightsFrom = target.exports.mark() >>> 0;
  const { scales } = parsePictureSection(header, parseSections(header, bytes));
  target.begin(pack, header, { tables, scales, codecs: mapOf(bytes)?.codecs });
  return { weightsFrom, weightsTo: target.exports.modesPointer() >>> 0 };
}

/** @returns whether every stream was accepted */
function decode(target: BareCore, bytes: Uint8Array, behind = 0): boolean {
  const { exports } = target;
  const header = parseHeader(bytes);
  const { coarse, tiles } = parsePictureSection(header, parseSections(header, bytes));
  const map = mapOf(bytes)?.payload;
  if (map === undefined) return false;
  if (header.modes > 1) {
    const mark = exports.mark();
    const status = exports.decodeModeMap(copyStream(target, map, behind), map.length, target.priors);
    exports.release(mark);
    if (status !== 0) return false;
  }
  const segments = [coarse, ...tiles];
  for (let index = 0; index < segments.length; index++) {
    const mark = exports.mark();
    const status = exports.decodeSegment(index, copyStream(target, segments[index], behind), segments[index].length, header.lanes);
    exports.release(mark);
    if (status !== 0) return false;
  }
  return decodeAlpha(target, bytes, behind);
}

/** @returns whether every stream of alpha was accepted, or there is none */
function decodeAlpha(target: BareCore, bytes: Uint8Array, behind: number): boolean {
  const { exports } = target;
  const header = parseHeader(bytes);
  for (const [index, tile] of (alphaOf(header, parseSections(header, bytes)) ?? []).entries()) {
    if (tile.kind === 'constant') continue;
    const { width, height } = tileArea(index, header.width, header.height);
    const mark = exports.mark();
    const out = target.allocate(width * height + guardBytes);
    const decodeTile = tile.kind === 'mask' ? exports.decodeMask : exports.decodeLevels;
    const stream = copyStream(target, tile.stream, behind);
    target.bytes(out, width * height + guardBytes).fill(guardValue);
    const status = decodeTile(stream, tile.stream.length, width, height, out);
    const isGuarded = target.bytes(out + width * height, guardBytes).every((byte) => byte === guardValue);
    exports.release(mark);
    if (!isGuarded) throw new Error('memory behind the alpha has changed');
    if (status !== 0) return false;
  }
  return true;
}
