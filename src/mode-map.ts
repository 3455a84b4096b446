/**
 * The head of the mode map (FORMAT.md §3): which codec each mode has, where it is not the pack's choice for so many modes. The core codes the rest.
 */

import { modeSetOf } from './core.js';
import { TesseraError } from './errors.js';
import type { DecoderPack } from './models/pack.js';
import type { ModeCount } from './types.js';

/** Of the first byte: a list of codecs follows. */
const listed = 0x80;

/** Codecs, and the map as the core takes it. */
export interface ModeMap {
  /** Codec of each mode. */
  readonly codecs: readonly number[];
  /** Empty with one mode. */
  readonly payload: Uint8Array;
}

/**
 * @param map - the part of the picture section
 * @throws TesseraError `corruptSection`
 */
export function parseModeMap(map: Uint8Array, pack: DecoderPack, modes: ModeCount): ModeMap {
  const { subset } = modeSetOf(pack, modes);
  if (modes === 1 || !(map[0] & listed)) return { codecs: subset, payload: map };
  const codecs = subset.map((_, mode) => (map[1 + (mode >> 1)] >> (4 * (mode & 1))) & 15);
  if (map.length <= modes / 2 || codecs.some((codec) => codec >= pack.modes) || isSubset(codecs, subset))
    throw new TesseraError('corruptSection', 'the codecs of the mode map make no sense');
  return { codecs, payload: Uint8Array.of(map[0] - listed, ...map.subarray(1 + modes / 2)) };
}

/** @param payload - as the core has written it */
export function writeModeMap({ codecs, payload }: ModeMap, pack: DecoderPack): Uint8Array {
  const modes = codecs.length as ModeCount;
  if (isSubset(codecs, modeSetOf(pack, modes).subset)) return payload;
  const list = new Uint8Array(modes / 2);
  codecs.forEach((codec, mode) => {
    list[mode >> 1] |= codec << (4 * (mode & 1));
  });
  return Uint8Array.of(payload[0] + listed, ...list, ...payload.subarray(1));
}

const isSubset = (codecs: readonly number[], subset: readonly number[]): boolean => codecs.every((codec, mode) => codec === subset[mode]);
