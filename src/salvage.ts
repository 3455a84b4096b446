/**
 * Decoding what is left of a damaged file (`partial: true`).
 *
 * Read me first: header, mode map and coarse grids are needed for any pixel, so damage there fails as always. Tile segments stand
 * alone: one counts as whole when its streams end as they must (FORMAT.md §5), whatever the section's checksum says. A lost
 * tile is shown from the coarse grids alone. Its neighbours' pixels are computed from windows that reach into it, so a margin around it is
 * lost as well. Where the adaptation is lost, so is every pixel: what is shown then is near to what was meant, and not it.
 */

import { adaptationSection } from './adaptation/section.js';
import { type AlphaTile, alphaOf } from './alpha/section.js';
import {
  adaptationTag,
  headerLength,
  type PictureSection,
  parsePictureSection,
  parseSections,
  partCount,
  pictureTag,
  readLeb128,
  readPartLengths,
  readSection,
  type Section,
  sliceParts,
} from './container.js';
import { TesseraError } from './errors.js';
import { tileReach, tileSide } from './geometry.js';
import { parseScales } from './scales.js';
import type { Damage, Header, Region } from './types.js';

/** What decoding needs of a file. */
export interface FileSections {
  readonly adaptation: Section | undefined;
  readonly picture: PictureSection;
  /** Undefined where the file has none and is opaque. */
  readonly alpha: readonly AlphaTile[] | undefined;
}

/** The sections of a sound file. @throws TesseraError for one that is not */
export function soundSections(header: Header, bytes: Uint8Array): FileSections {
  const sections = parseSections(header, bytes);
  return { adaptation: adaptationSection(sections), picture: parsePictureSection(header, sections), alpha: alphaOf(header, sections) };
}

/** Keeps note of damage that decoding went on after. */
export class Salvage {
  readonly #damage: Damage[] = [];
  readonly #lostTiles: number[] = [];
  /** Of the adaptation or of the alpha, which all pixels depend on. */
  #lostSection = false;

  /** What was wrong, in the order in which it was met. */
  get damage(): readonly Damage[] {
    return this.#damage;
  }

  /**
   * The sections of a file, sound or not. Parts of the picture that are cut off come out short or empty.
   *
   * @throws TesseraError when there is no telling where the parts are
   */
  sections(header: Header, bytes: Uint8Array): FileSections {
    try {
      return soundSections(header, bytes);
    } catch (error) {
      this.#note(error);
    }
    const adapted = bytes[headerLength] === adaptationTag;
    const adaptation = adapted ? this.#protected(() => readSection(bytes, headerLength, -1)) : undefined;
    const start = adapted ? endOfSection(bytes, headerLength) : headerLength;
    const picture = this.#picture(header, bytes, start);
    if (!header.alpha) return { adaptation, picture, alpha: undefined };
    const alpha = this.#protected(() => alphaOf(header, [readSection(bytes, endOfSection(bytes, start), pictureTag)]));
    this.#lostSection ||= alpha === undefined;
    return { adaptation, picture, alpha };
  }

  /** Reads what nothing else protects than the checksum of its section: it counts only when that is right. */
  #protected<Part>(read: () => Part): Part | undefined {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof TesseraError)) throw error;
      this.#lostSection = true;
      return undefined;
    }
  }

  #picture(header: Header, bytes: Uint8Array, start: number): PictureSection {
    if (bytes[start] !== pictureTag)
      throw new TesseraError('corruptSection', 'the picture section is not where it must be', { offset: start });
    const length = readLeb128(bytes, start + 1);
    const offset = length.next + 4;
    const payload = bytes.subarray(offset, offset + length.value);
    const { lengths, end } = readPartLengths({ payload, offset }, partCount(header));
    const [scales, modeMap, coarse, ...tiles] = sliceParts(payload, end, lengths);
    return { scales: parseScales(scales, offset + end), modeMap, coarse, tiles };
  }

  /** Notes alpha that does not decode, which is shown as opaque, or an adaptation that cannot be applied. */
  loseSection(error: unknown): void {
    this.#note(error);
    this.#lostSection = true;
  }

  /** Notes a tile that does not decode. */
  loseTile(tile: number, error: unknown): void {
    this.#note(error);
    this.#lostTiles.push(tile);
  }

  /**
   * The rectangles of an area whose pixels may differ from those of the sound file, counted from the area's top left: lost tiles with
   * the margin that depends on them.
   *
   * @param width - of the whole picture
   */
  missing(area: Region, width: number): Region[] {
    if (this.#lostSection) return [{ x: 0, y: 0, width: area.width, height: area.height }];
    const columns = Math.ceil(width / tileSide);
    const side = tileSide + 2 * tileReach;
    return this.#lostTiles.flatMap((tile) => {
      const x = (tile % columns) * tileSide - tileReach - area.x;
      const y = Math.floor(tile / columns) * tileSide - tileReach - area.y;
      const [left, top] = [Math.max(0, x), Math.max(0, y)];
      const [right, bottom] = [Math.min(area.width, x + side), Math.min(area.height, y + side)];
      return right > left && bottom > top ? [{ x: left, y: top, width: right - left, height: bottom - top }] : [];
    });
  }

  /** Keeps an error that says something about the file; any other is thrown on. */
  #note(error: unknown): void {
    if (!(error instanceof TesseraError) || Math.floor(error.number / 10) !== 3) throw error;
    const { code, message, offset } = error;
    this.#damage.push({ code, message, ...(offset === undefined ? {} : { offset }) });
  }
}

/** Where the section at `start` should end. */
function endOfSection(bytes: Uint8Array, start: number): number {
  const length = readLeb128(bytes, start + 1);
  return length.next + 4 + length.value;
}
