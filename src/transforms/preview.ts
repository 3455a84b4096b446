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
    const preview = (column: number): void =>
      core.previewPatch(row * columns + column, Math.log2(reduction), this.#strip + column * side * 4, outWidth * 4);

    /** Puts the means of a patch at full size into the row's data, and says how far off, squared and in levels, what was there is. */
    const computeInFull = (column: number): number => {
      const right = Math.min(patch, width - column * patch);
      const bottom = Math.min(patch, height - row * patch);
      core.synthesisePatch(row * columns + column, this.#whole, right * 4);
      const means = new Uint8ClampedArray(Math.ceil(right / reduction) * lines * 4).fill(255);
      meanOfSquares(core.bytes(this.#whole, right * bottom * 4), right, bottom, reduction, 4, [0, 1, 2], means);
      const stride = means.length / lines;
      let error = 0;
      for (let i = 0; i < means.length; i++) {
        const place = (Math.floor(i / stride) * outWidth + column * side) * 4 + (i % stride);
        error += (data[place] - means[i]) ** 2;
        data[place] = means[i];
      }
      return error / (0.75 * means.length);
    };

    let isGood = true;
    for (let column = (row * 3) % Math.min(checkedEvery, columns); column < columns; column += checkedEvery) {
      preview(column);
      data.set(core.bytes(this.#strip, data.length));
      isGood &&= computeInFull(column) <= toleratedError;
    }
    for (let column = 0; column < columns; column++) {
      if (isGood) preview(column);
      else computeInFull(column);
      await report(++this.#done);
    }
    if (isGood) data.set(core.bytes(this.#strip, data.length));
    return { y: row * side, width: outWidth, height: lines, data };
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
