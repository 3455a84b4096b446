/** Pictures at 1/2, 1/4 and 1/8 of the size, for thumbnails: the core computes them at that size (`assembly/synthesis/preview.ts`). */

import type { Core } from '../core.js';
import { patchLayout } from '../geometry.js';
import type { Rows } from '../types.js';

/** By how much a picture can be reduced, per side. */
export type Reduction = 2 | 4 | 8;

/** A tile whose finest grid has fewer bytes, less than 1/128 of a bit per pixel, is as good without it, and sooner there. */
export const sparedBytes = 256;

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
  #done = 0;

  constructor(parts: PreviewParts) {
    const { core, width, height, patch, reduction } = parts;
    this.#parts = parts;
    this.#strip = core.allocate(Math.ceil(width / reduction) * 4 * Math.ceil(Math.min(patch, height) / reduction));
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
    for (let column = 0; column < columns; column++) {
      core.previewPatch(row * columns + column, Math.log2(reduction), this.#strip + column * side * 4, outWidth * 4);
      await report(++this.#done);
    }
    const lines = Math.min(side, Math.ceil(height / reduction) - row * side);
    const data = target.subarray(row * side * outWidth * 4, (row * side + lines) * outWidth * 4);
    data.set(core.bytes(this.#strip, data.length));
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
