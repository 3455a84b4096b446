/**
 * Pictures at 1/2, 1/4 and 1/8 of the size, for thumbnails: the core computes half the resolution from all grids but the finest, and
 * the rest is the mean of squares of pixels.
 */

import type { Core } from '../core.js';
import { gridSide, patchLayout } from '../geometry.js';
import type { Rows } from '../types.js';

/** By how much a picture can be reduced, per side. */
export type Reduction = 2 | 4 | 8;

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

  constructor(parts: PreviewParts) {
    this.#parts = parts;
    this.#strip = parts.core.allocate(gridSide(parts.width, 1) * 4 * Math.min(parts.patch / 2, gridSide(parts.height, 1)));
  }

  /**
   * Computes one row of patches.
   *
   * @param target - RGBA of the reduced picture
   * @param report - called with the number of patches done in this row
   */
  async run(row: number, target: Uint8ClampedArray<ArrayBuffer>, report: (done: number) => Promise<void>): Promise<Rows> {
    const { core, width, height, patch, reduction } = this.#parts;
    const { columns } = patchLayout(width, height, patch);
    const [halfWidth, halfHeight] = [gridSide(width, 1), gridSide(height, 1)];
    const side = patch / 2;
    for (let column = 0; column < columns; column++) {
      core.previewPatch(row * columns + column, this.#strip + column * side * 4, halfWidth * 4);
      await report(column + 1);
    }
    const lines = Math.min(side, halfHeight - row * side);
    const step = reduction / 2;
    const outWidth = Math.ceil(halfWidth / step);
    const first = (row * side) / step;
    const rows = Math.ceil(lines / step);
    const data = target.subarray(first * outWidth * 4, (first + rows) * outWidth * 4);
    meanOfSquares(core.bytes(this.#strip, lines * halfWidth * 4), halfWidth, lines, step, 4, [0, 1, 2], data);
    for (let pixel = 3; pixel < data.length; pixel += 4) data[pixel] = 255;
    return { y: first, width: outWidth, height: rows, data };
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
