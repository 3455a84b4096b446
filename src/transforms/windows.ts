/**
 * Windows of latents around a patch (FORMAT.md §6, "Windows" and "Dequantisation"), for engines other than the core.
 *
 * All windows of a grid have the same size, that of an uncut patch, so that patches can share a batch; what lies beyond a
 * cut patch's own window is filled by the same rule and reaches no pixel that is kept.
 */

import { gridSide } from '../geometry.js';
import type { DecodedLatents } from './transform.js';

/** Samples on every side of the patch. */
export const windowMargin = 8;

/** Side of a window of grid `grid` in samples. */
export function windowSide(patch: number, grid: number): number {
  return patch / 2 ** grid + 2 * windowMargin;
}

/**
 * Fills one window with dequantised latents.
 *
 * @param patchIndex - patch number, raster order
 * @param scale - inverse gain / 16384, in single precision
 * @param target - [side][side] samples, row after row
 */
export function fillWindow(latents: DecodedLatents, patchIndex: number, grid: number, scale: number, target: Float32Array): void {
  const { core, width, height, patch } = latents;
  const plane = core.plane(0, grid);
  const planeWidth = gridSide(width, grid);
  const planeHeight = gridSide(height, grid);
  const cell = patch / 2 ** grid;
  const columns = Math.ceil(width / patch);
  const left = (patchIndex % columns) * cell - windowMargin;
  const top = Math.floor(patchIndex / columns) * cell - windowMargin;
  const side = windowSide(patch, grid);
  for (let row = 0; row < side; row++) {
    const start = Math.min(Math.max(top + row, 0), planeHeight - 1) * planeWidth;
    for (let column = 0; column < side; column++) {
      const x = Math.min(Math.max(left + column, 0), planeWidth - 1);
      // The store rounds the exact product of two single-precision numbers once, as FORMAT.md §6 asks.
      target[row * side + column] = plane[start + x] * scale;
    }
  }
}
