/** The synthesis in the WASM core: the reference, the same bytes on every engine (FORMAT.md §6). */

import { patchesOf, patchLayout } from '../geometry.js';
import type { Region, Rows } from '../types.js';
import type { DecodedLatents, Synthesis } from './transform.js';

/** Computes strips of one row of patches, so that the core never holds the whole output. */
export class StripSynthesis {
  readonly #latents: DecodedLatents;
  readonly #area: Region;
  readonly #reduction: number;
  readonly #strip: number;
  #done = 0;

  /**
   * @param area - the part of the picture that is wanted, in pixels of what comes out
   * @param reduction - 1, 2, 4 or 8: by how much that is smaller, per side (`assembly/synthesis/reduce.ts`)
   */
  constructor(latents: DecodedLatents, area: Region, reduction: number) {
    this.#latents = latents;
    this.#area = area;
    this.#reduction = reduction;
    this.#strip = latents.core.allocate(this.#stride * Math.ceil(Math.min(latents.patch, latents.height) / reduction));
  }

  /** Side of a patch. */
  get #side(): number {
    return this.#latents.patch / this.#reduction;
  }

  /** Bytes from one row of the strip to the next: all columns of the patches that the area touches. */
  get #stride(): number {
    const { left, right } = patchesOf(this.#area, this.#side);
    return (Math.min(right * this.#side, Math.ceil(this.#latents.width / this.#reduction)) - left * this.#side) * 4;
  }

  /**
   * Computes one row of patches.
   *
   * @param row - row of patches, of those that the area touches
   * @param target - RGBA of the area
   * @param report - called with the number of patches done in all rows
   */
  async run(row: number, target: Uint8ClampedArray<ArrayBuffer>, report: (done: number) => Promise<void>): Promise<Rows> {
    const { core, width, height, patch } = this.#latents;
    const { x, y, width: areaWidth, height: areaHeight } = this.#area;
    const { columns } = patchLayout(width, height, patch);
    const side = this.#side;
    const { left, right } = patchesOf(this.#area, side);
    const stride = this.#stride;
    for (let column = left; column < right; column++) {
      core.synthesisePatch(row * columns + column, this.#strip + (column - left) * side * 4, stride, Math.log2(this.#reduction));
      await report(++this.#done);
    }
    const first = Math.max(row * side, y);
    const end = Math.min((row + 1) * side, y + areaHeight);
    const rows = target.subarray((first - y) * areaWidth * 4, (end - y) * areaWidth * 4);
    const strip = core.bytes(this.#strip, stride * (end - row * side));
    for (let line = first; line < end; line++) {
      const start = (line - row * side) * stride + (x - left * side) * 4;
      rows.set(strip.subarray(start, start + areaWidth * 4), (line - first) * areaWidth * 4);
    }
    return { y: first - y, width: areaWidth, height: end - first, data: rows };
  }
}

/** All rows one after the other. */
export const wasmSynthesis: Synthesis = {
  async run(latents, target, report) {
    const { width, height, patch } = latents;
    const strips = new StripSynthesis(latents, { x: 0, y: 0, width, height }, 1);
    for (let row = 0; row < patchLayout(width, height, patch).rows; row++) await strips.run(row, target, report);
  },
};
