/** The synthesis in the WASM core: the reference, the same bytes on every engine (FORMAT.md §6). */

import { patchLayout } from '../geometry.js';
import type { Synthesis } from './transform.js';

/** Computes strips of one row of patches, so that the core never holds the whole output. */
export const wasmSynthesis: Synthesis = {
  async run({ core, width, height, patch }, target, report) {
    const { columns, rows } = patchLayout(width, height, patch);
    const stride = width * 4;
    const strip = core.allocate(stride * Math.min(patch, height));
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) {
        core.synthesisePatch(row * columns + column, strip + column * patch * 4, stride);
        await report(row * columns + column + 1);
      }
      const lines = Math.min(patch, height - row * patch);
      target.set(core.bytes(strip, stride * lines), row * patch * stride);
    }
  },
};
