/**
 * The alpha section (FORMAT.md §9): the bytes of an untrusted file, and back.
 *
 *     lengths of the tiles (LEB128 each) │ tile │ tile …
 *     tile: nothing (opaque) │ 0, level │ 1, level of 0, level of 1, stream │ 2, stream
 */

import { alphaTag, concatenate, cutParts, joinParts, type Section } from '../container.js';
import { TesseraError } from '../errors.js';
import { tileCount } from '../geometry.js';
import type { Header } from '../types.js';

/** Kinds of alpha tiles, as they are numbered in the file. */
const kinds = { constant: 0, mask: 1, levels: 2 } as const;

/** The alpha of one tile. Streams are not decoded yet. */
export type AlphaTile =
  | { readonly kind: 'constant'; readonly level: number }
  /** Two levels; the stream says which of them each sample has. */
  | { readonly kind: 'mask'; readonly levels: readonly [number, number]; readonly stream: Uint8Array }
  | { readonly kind: 'levels'; readonly stream: Uint8Array };

/** What a tile without bytes is. */
const opaqueTile: AlphaTile = { kind: 'constant', level: 255 };

/** The alpha of a file, or undefined where it has none and is opaque. */
export function alphaOf({ width, height }: Header, sections: readonly Section[]): AlphaTile[] | undefined {
  const section = sections.find(({ tag }) => tag === alphaTag);
  return section === undefined ? undefined : parseAlphaSection(section, width, height);
}

/**
 * Cuts the alpha section into its tiles.
 *
 * @returns as many as the picture has tiles, in raster order
 * @throws TesseraError `corruptSection`
 */
export function parseAlphaSection(section: Section, width: number, height: number): AlphaTile[] {
  return cutParts(section, tileCount(width, height)).map((tile) => parseTile(tile, section.offset));
}

function parseTile(bytes: Uint8Array, offset: number): AlphaTile {
  if (bytes.length === 0) return opaqueTile;
  const corrupt = (what: string): TesseraError => new TesseraError('corruptSection', `a tile of alpha ${what}`, { offset });
  const [kind, first, second] = bytes;
  if (kind === kinds.constant) {
    if (bytes.length !== 2) throw corrupt(`of one level has ${bytes.length} bytes`);
    return { kind: 'constant', level: first };
  }
  if (kind === kinds.mask) {
    if (bytes.length < 3) throw corrupt('of two levels does not name them');
    if (first === second) throw corrupt('of two levels names one twice');
    return { kind: 'mask', levels: [first, second], stream: bytes.subarray(3) };
  }
  if (kind === kinds.levels) return { kind: 'levels', stream: bytes.subarray(1) };
  throw corrupt(`is of the unknown kind ${kind}`);
}

/** Writes the payload of the alpha section. */
export function writeAlphaSection(tiles: readonly AlphaTile[]): Uint8Array {
  return joinParts(tiles.map(writeTile));
}

function writeTile(tile: AlphaTile): Uint8Array {
  if (tile.kind === 'constant') return tile.level === 255 ? new Uint8Array(0) : Uint8Array.of(kinds.constant, tile.level);
  const head = tile.kind === 'mask' ? [kinds.mask, ...tile.levels] : [kinds.levels];
  return concatenate([Uint8Array.from(head), tile.stream]);
}
