/**
 * Scales of a picture's grids (FORMAT.md §1.1): by how many classes the symbols of each are wider than the context models say. Four bytes, the
 * first part of the picture section, or none where all are 0.
 */

import { TesseraError } from './errors.js';
import { gridCount } from './geometry.js';

/** A whole number from −8 to 7 for each grid, the finest one first. */
export type Scales = readonly number[];

export const noScales: Scales = new Array<number>(gridCount).fill(0);
/** Numbers that a scale can be, from the least one on. */
export const scaleCount = 16;
export const leastScale = -scaleCount / 2;
/** Of scales that are not all 0. */
export const scaleBytes = 4;

/** @param offset - of the bytes in the file @throws TesseraError `corruptSection` */
export function parseScales(bytes: Uint8Array, offset: number): Scales {
  if (bytes.length === 0) return noScales;
  const nibble = (index: number): number => (bytes[index >> 1] >> (4 * (index & 1))) & 15;
  // Four bits in two's complement.
  const scales = noScales.map((_, grid) => (nibble(grid) ^ 8) - 8);
  if (bytes.length !== scaleBytes || nibble(gridCount) !== 0 || scales.every((scale) => scale === 0))
    throw new TesseraError('corruptSection', 'the scales of the grids make no sense', { offset });
  return scales;
}

export function writeScales(scales: Scales): Uint8Array {
  const bytes = new Uint8Array(scales.some((scale) => scale !== 0) ? scaleBytes : 0);
  if (bytes.length > 0)
    scales.forEach((scale, grid) => {
      bytes[grid >> 1] |= (scale & 15) << (4 * (grid & 1));
    });
  return bytes;
}
