/** From the alpha section to the alpha of decoded rows. Holds one row of tiles at a time, and decodes the tiles that are wanted. */

import type { Core } from '../core.js';
import { tileArea, tileSide } from '../geometry.js';
import type { Pacer } from '../pacer.js';
import type { Region, Rows } from '../types.js';
import type { AlphaTile } from './section.js';

/** What an `AlphaReader` needs to know. */
export interface AlphaReaderParts {
  readonly core: Core;
  readonly pacer: Pacer;
  readonly tiles: readonly AlphaTile[];
  /** Of the whole picture. */
  readonly width: number;
  readonly height: number;
  /** The part of the picture that is decoded. */
  readonly area: Region;
  /** Takes the error of a tile that does not decode, which is opaque then; without it the error is thrown. */
  readonly lose?: ((error: unknown) => void) | undefined;
}

/** Fills in the alpha of a picture's rows, from top to bottom. */
export class AlphaReader {
  readonly #parts: AlphaReaderParts;
  /** Samples of the tiles of one row of tiles, by column; undefined outside the area. */
  #samples: (Uint8Array | undefined)[] = [];
  #tileRow = -1;

  constructor(parts: AlphaReaderParts) {
    this.#parts = parts;
  }

  /**
   * Sets the alpha of some rows.
   *
   * @throws TesseraError `entropyDesync`
   */
  async fill(rows: Rows): Promise<void> {
    const { area, width } = this.#parts;
    for (let line = 0; line < rows.height; line++) {
      const y = area.y + rows.y + line;
      await this.#reach(Math.floor(y / tileSide));
      const inTile = y % tileSide;
      for (let column = Math.floor(area.x / tileSide); column * tileSide < area.x + area.width; column++) {
        const left = Math.max(area.x, column * tileSide);
        const right = Math.min(area.x + area.width, (column + 1) * tileSide);
        const stride = Math.min(tileSide, width - column * tileSide);
        const samples = this.#samples[column];
        if (samples === undefined) continue;
        let sample = inTile * stride + (left - column * tileSide);
        let pixel = (line * area.width + (left - area.x)) * 4 + 3;
        for (let x = left; x < right; x++) {
          rows.data[pixel] = samples[sample++];
          pixel += 4;
        }
      }
    }
  }

  /** Decodes a row of tiles, unless it is there. Tiles that are opaque stay away. */
  async #reach(tileRow: number): Promise<void> {
    if (tileRow === this.#tileRow) return;
    const { area, width, pacer } = this.#parts;
    const columns = Math.ceil(width / tileSide);
    this.#tileRow = tileRow;
    this.#samples = [];
    for (let column = Math.floor(area.x / tileSide); column * tileSide < area.x + area.width; column++) {
      this.#samples[column] = this.#decodeTile(tileRow * columns + column);
      await pacer.turn();
    }
  }

  #decodeTile(index: number): Uint8Array | undefined {
    const { core, tiles, width, height, lose } = this.#parts;
    const tile = tiles[index];
    const size = tileArea(index, width, height);
    try {
      if (tile.kind === 'constant') {
        return tile.level === 255 ? undefined : new Uint8Array(size.width * size.height).fill(tile.level);
      }
      const samples = core.decodeAlpha(tile.kind, tile.stream, size.width, size.height);
      if (tile.kind === 'levels') return samples;
      const [zero, one] = tile.levels;
      return samples.map((bit) => (bit === 0 ? zero : one));
    } catch (error) {
      if (lose === undefined) throw error;
      lose(error);
      return undefined;
    }
  }
}

/** Fills in the alpha of reduced rows: the mean of the alpha of the pixels that each stands for. */
export class ReducedAlpha {
  readonly #reader: AlphaReader;
  readonly #parts: AlphaReaderParts;
  readonly #reduction: number;

  /** @param reduction - 2, 4 or 8, per side */
  constructor(parts: AlphaReaderParts, reduction: number) {
    this.#reader = new AlphaReader(parts);
    this.#parts = parts;
    this.#reduction = reduction;
  }

  /** @throws TesseraError `entropyDesync` */
  async fill(rows: Rows): Promise<void> {
    const { width, height: whole } = this.#parts;
    const y = rows.y * this.#reduction;
    const height = Math.min(whole - y, rows.height * this.#reduction);
    const data = new Uint8ClampedArray(width * height * 4).fill(255);
    await this.#reader.fill({ y, width, height, data });
    for (let line = 0; line < rows.height; line++) {
      for (let column = 0; column < rows.width; column++) {
        const [left, top] = [column * this.#reduction, line * this.#reduction];
        const [right, bottom] = [Math.min(width, left + this.#reduction), Math.min(height, top + this.#reduction)];
        let sum = 0;
        for (let y = top; y < bottom; y++) for (let x = left; x < right; x++) sum += data[(y * width + x) * 4 + 3];
        rows.data[(line * rows.width + column) * 4 + 3] = Math.floor(sum / ((bottom - top) * (right - left)) + 0.5);
      }
    }
  }
}
