/**
 * Where a change of codec shows. J does not see an edge along the border of a patch, people do.
 *
 * Gradients of the reconstruction are compared with the picture's own: across a border they may be hardly more wrong than beside it.
 */

import type { Core } from './core.js';
import { patchLayout } from './geometry.js';
import type { PixelSource } from './types.js';

/** By how many levels the mean error of the gradient across a border may be larger than beside it. */
const toleratedLevels = 0.5;

/**
 * Looks at all borders between patches of unlike modes, under the mode map of the moment.
 *
 * @param turn - called after each patch
 * @param tolerated - how many times the error beside a border that across it may be, beside some levels
 * @returns numbers of the patches on both sides of every border that shows
 */
export async function findSeams(
  core: Core,
  { data, width, height }: PixelSource,
  patch: number,
  turn: () => Promise<void>,
  tolerated = 1,
): Promise<Set<number>> {
  const { columns, rows } = patchLayout(width, height, patch);
  const modes = core.modes().slice();
  const line = width * 4;
  const scratch = core.mark();
  const strip = core.allocate(line * patch);
  // Two lines of the row of patches above, then those of this one.
  const shown = new Uint8Array(line * (patch + 2));
  const seams = new Set<number>();
  /** Whether a patch has a border to one of another mode: no others are looked at. */
  const isBeside = (row: number, column: number): boolean => {
    const mode = modes[row * columns + column];
    return (
      (column > 0 && modes[row * columns + column - 1] !== mode) ||
      (column + 1 < columns && modes[row * columns + column + 1] !== mode) ||
      (row > 0 && modes[(row - 1) * columns + column] !== mode) ||
      (row + 1 < rows && modes[(row + 1) * columns + column] !== mode)
    );
  };
  for (let row = 0; row < rows; row++) {
    shown.copyWithin(0, line * patch);
    for (let column = 0; column < columns; column++) {
      if (isBeside(row, column)) core.synthesisePatch(row * columns + column, strip + column * patch * 4, line);
      await turn();
    }
    const lines = Math.min(patch, height - row * patch);
    shown.set(core.bytes(strip, line * lines), 2 * line);
    const shift = (row * patch - 2) * line;
    /** Error of the gradient from the sample at `at`, in the picture's data, to the one `step` before it. */
    const errorAt = (at: number, step: number): number =>
      Math.abs(shown[at - shift] - shown[at - step - shift] - (data[at] - data[at - step]));
    /** Compares `count` samples of a border, `along` apart, the first at `start`, with those `across` before and behind them. */
    const compare = (one: number, other: number, start: number, along: number, across: number, count: number): void => {
      if (modes[one] === modes[other]) return;
      let [seam, beside] = [0, 0];
      for (let index = 0; index < count; index++) {
        for (let channel = 0; channel < 3; channel++) {
          const at = start + index * along + channel;
          seam += errorAt(at, across);
          beside += (errorAt(at - across, across) + errorAt(at + across, across)) / 2;
        }
      }
      if (seam > tolerated * beside + toleratedLevels * 3 * count) seams.add(one).add(other);
    };
    for (let column = 0; column < columns; column++) {
      const index = row * columns + column;
      const corner = row * patch * line + column * patch * 4;
      // A patch of one column or line has nothing behind its border.
      if (column > 0 && width - column * patch > 1) compare(index, index - 1, corner, line, 4, lines);
      if (row > 0 && lines > 1) compare(index, index - columns, corner, 4, line, Math.min(patch, width - column * patch));
    }
  }
  core.release(scratch);
  return seams;
}
