/** Regions of patches that are refined together, and the latents in them. */

import { gridCount, gridSide, patchLayout } from '../geometry.js';

/** A rectangle of patches: columns [left, right), rows [top, bottom). */
export interface Region {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

/** A picture and its mode map, as far as places are concerned. */
export interface PatchedPicture {
  readonly width: number;
  readonly height: number;
  /** Side of a patch in pixels. */
  readonly patch: number;
  /** The mode of every patch. */
  readonly modes: Uint8Array;
}

const layoutOf = ({ width, height, patch }: PatchedPicture): ReturnType<typeof patchLayout> => patchLayout(width, height, patch);

/** Cuts a picture into regions of `pixels` × `pixels`, or of one patch where that is larger. */
export function regionsOf(picture: PatchedPicture, pixels: number): Region[] {
  const side = Math.max(1, pixels / picture.patch);
  const { columns, rows } = layoutOf(picture);
  const regions: Region[] = [];
  for (let top = 0; top < rows; top += side) {
    for (let left = 0; left < columns; left += side)
      regions.push({ left, top, right: Math.min(columns, left + side), bottom: Math.min(rows, top + side) });
  }
  return regions;
}

/** Numbers of the patches in a region, in coding order. */
export function patchesIn(picture: PatchedPicture, { left, top, right, bottom }: Region): number[] {
  const { columns } = layoutOf(picture);
  const patches: number[] = [];
  for (let row = top; row < bottom; row++) for (let column = left; column < right; column++) patches.push(row * columns + column);
  return patches;
}

/** The region that is one patch. */
export function regionOf(picture: PatchedPicture, patch: number): Region {
  const { columns } = layoutOf(picture);
  const top = Math.floor(patch / columns);
  const left = patch % columns;
  return { left, top, right: left + 1, bottom: top + 1 };
}

/** A stretch of a row of one grid. */
export interface Stretch {
  readonly grid: number;
  /** First sample, in the picture's grid. */
  readonly x: number;
  readonly y: number;
  readonly length: number;
  /** Place of the first sample in the picture's plane. */
  readonly start: number;
}

/** The rows of a region in every grid, with `margin` samples around it that the picture has. */
export function* stretchesOf(picture: PatchedPicture, region: Region, margin = 0): Generator<Stretch> {
  for (let grid = 0; grid < gridCount; grid++) {
    const side = picture.patch / 2 ** grid;
    const width = gridSide(picture.width, grid);
    const x = Math.max(0, region.left * side - margin);
    const length = Math.min(width, region.right * side + margin) - x;
    const lastY = Math.min(gridSide(picture.height, grid), region.bottom * side + margin);
    for (let y = Math.max(0, region.top * side - margin); y < lastY; y++) yield { grid, x, y, length, start: y * width + x };
  }
}
