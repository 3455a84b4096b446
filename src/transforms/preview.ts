/**
 * Pictures at 1/2, 1/4 and 1/8 of the size, for thumbnails: the core computes them at that size (`assembly/synthesis/preview.ts`).
 *
 * That takes what is finer than a pixel for normally distributed, which sharp detail at high qualities is not. So one patch of a few is also
 * computed in full, and where its means are too far off the row of patches is.
 */

import type { Core } from '../core.js';
import { patchLayout } from '../geometry.js';
import type { Rows } from '../types.js';

/** By how much a picture can be reduced, per side. */
export type Reduction = 2 | 4 | 8;

/** A tile whose finest grid has fewer bytes, less than 1/128 of a bit per pixel, is as good without it, and sooner there. */
export const sparedBytes = 256;

/** One patch of so many in a row is computed both ways. */
const checkedEvery = 8;

/** Largest mean squared difference of a checked patch, in levels: a fifth of the error of a good picture of 45 dB. */
const toleratedError = 0.4;

/** What `PreviewStrips` needs to know. */
export interface PreviewParts {
  readonly core: Core;
  /** Of the whole picture, in pixels. */
  readonly width: number;
  readonly height: number;
  readonly patch: number;
  readonly reduction: Reduction;
}

/** Computes strips of one row of patches, reduced. */
export class PreviewStrips {
  readonly #parts: PreviewParts;
  readonly #strip: number;
  /** A patch at full size. */
  readonly #whole: number;
  #done = 0;

  constructor(parts: PreviewParts) {
    const { core, width, height, patch, reduction } = parts;
    this.#parts = parts;
    this.#strip = core.allocate(Math.ceil(width / reduction) * 4 * Math.ceil(Math.min(patch, height) / reduction));
    this.#whole = core.allocate(patch * patch * 4);
  }

  /**
   * Computes one row of patches.
   *
   * @param target - RGBA of the reduced picture
   * @param report - called with the number of patches done in all rows
   */
  async run(row: number, target: Uint8ClampedArray<ArrayBuffer>, report: (done: number) => Promise<void>): Promise<Rows> {
    const { core, width, height, patch, reduction } = this.#parts;
    const { columns } = patchLayout(width, height, patch);
    const outWidth = Math.ceil(width / reduction);
    const side = patch / reduction;
    const lines = Math.min(side, Math.ceil(height / reduction) - row * side);
    const data = target.subarray(row * side * outWidth * 4, (row * side + lines) * outWidth * 4);
    let isGood = true;
    for (let column = 0; column < columns && isGood; column++) {
      core.previewPatch(row * columns + column, Math.log2(reduction), this.#strip + column * side * 4, outWidth * 4);
      if (column % checkedEvery === (row * 3) % Math.min(checkedEvery, columns)) isGood = this.#errorOf(row, column) <= toleratedError;
      await report(this.#done + column + 1);
    }
    if (isGood) data.set(core.bytes(this.#strip, data.length));
    else for (let column = 0; column < columns; column++) await this.#reducePatch(row, column, data, report);
    this.#done += columns;
    return { y: row * side, width: outWidth, height: lines, data };
  }

  /** The means of a patch at full size, RGBA. */
  #meansOf(row: number, column: number): { width: number; height: number; means: Uint8ClampedArray } {
    const { core, width, height, patch, reduction } = this.#parts;
    const { columns } = patchLayout(width, height, patch);
    const cut = { width: Math.min(patch, width - column * patch), height: Math.min(patch, height - row * patch) };
    core.synthesisePatch(row * columns + column, this.#whole, cut.width * 4);
    const size = { width: Math.ceil(cut.width / reduction), height: Math.ceil(cut.height / reduction) };
    const means = new Uint8ClampedArray(size.width * size.height * 4).fill(255);
    meanOfSquares(core.bytes(this.#whole, cut.width * cut.height * 4), cut.width, cut.height, reduction, 4, [0, 1, 2], means);
    return { ...size, means };
  }

  /** Mean squared difference, in levels, between the patch in the strip and the means of the whole one. */
  #errorOf(row: number, column: number): number {
    const { core, width: pictureWidth, patch, reduction } = this.#parts;
    const { width, height, means } = this.#meansOf(row, column);
    const outWidth = Math.ceil(pictureWidth / reduction);
    const strip = core.bytes(this.#strip, outWidth * 4 * height);
    let sum = 0;
    for (let y = 0; y < height; y++) {
      const start = (y * outWidth + (column * patch) / reduction) * 4;
      for (let i = 0; i < width * 4; i++) sum += (strip[start + i] - means[y * width * 4 + i]) ** 2;
    }
    return sum / (3 * width * height);
  }

  /** Computes a patch in full and writes its means into the row's data. */
  async #reducePatch(row: number, column: number, data: Uint8ClampedArray, report: (done: number) => Promise<void>): Promise<void> {
    const { width: pictureWidth, height: pictureHeight, patch, reduction } = this.#parts;
    const { width, height, means } = this.#meansOf(row, column);
    const outWidth = Math.ceil(pictureWidth / reduction);
    for (let y = 0; y < height; y++)
      data.set(means.subarray(y * width * 4, (y + 1) * width * 4), (y * outWidth + (column * patch) / reduction) * 4);
    await report(this.#done + patchLayout(pictureWidth, pictureHeight, patch).columns);
  }
}

/**
 * Writes means of `step` × `step` samples, fewer at the right and lower edge, rounded half up.
 *
 * @param channels - which of a pixel's bytes, of `pixelBytes`, are reduced; the target has as many bytes per pixel
 */
export function meanOfSquares(
  source: Uint8Array | Uint8ClampedArray,
  width: number,
  height: number,
  step: number,
  pixelBytes: number,
  channels: readonly number[],
  target: Uint8ClampedArray,
): void {
  const outWidth = Math.ceil(width / step);
  for (let y = 0; y < Math.ceil(height / step); y++) {
    const bottom = Math.min(height, (y + 1) * step);
    for (let x = 0; x < outWidth; x++) {
      const right = Math.min(width, (x + 1) * step);
      for (const channel of channels) {
        let sum = 0;
        for (let line = y * step; line < bottom; line++) {
          for (let column = x * step; column < right; column++) sum += source[(line * width + column) * pixelBytes + channel];
        }
        target[(y * outWidth + x) * pixelBytes + channel] = Math.floor(sum / ((bottom - y * step) * (right - x * step)) + 0.5);
      }
    }
  }
}
