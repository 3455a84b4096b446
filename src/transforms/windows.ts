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
  const modes = core.modes();
  const mode = modes[patchIndex];
  const plane = core.plane(0, grid);
  const planeWidth = gridSide(width, grid);
  const planeHeight = gridSide(height, grid);
  const cell = patch / 2 ** grid;
  const columns = Math.ceil(width / patch);
  const left = (patchIndex % columns) * cell;
  const top = Math.floor(patchIndex / columns) * cell;
  const right = Math.min(left + cell, planeWidth) - 1;
  const bottom = Math.min(top + cell, planeHeight) - 1;
  const side = windowSide(patch, grid);

  const isValid = (x: number, y: number): boolean =>
    x >= 0 && y >= 0 && x < planeWidth && y < planeHeight && modes[Math.floor(y / cell) * columns + Math.floor(x / cell)] === mode;

  for (let row = 0; row < side; row++) {
    const y = top - windowMargin + row;
    const clampedY = Math.min(Math.max(y, top), bottom);
    for (let column = 0; column < side; column++) {
      const x = left - windowMargin + column;
      const clampedX = Math.min(Math.max(x, left), right);
      let index: number;
      if (isValid(x, y)) index = y * planeWidth + x;
      else if (isValid(x, clampedY)) index = clampedY * planeWidth + x;
      else if (isValid(clampedX, y)) index = y * planeWidth + clampedX;
      else index = clampedY * planeWidth + clampedX;
      // The store rounds the exact product of two single-precision numbers once, as FORMAT.md §6 asks.
      target[row * side + column] = plane[index] * scale;
    }
  }
}
