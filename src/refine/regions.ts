/** Regions of patches that are refined together, and the latents in them. */

import { gridCount, gridSide, tileSide } from '../geometry.js';

/** Regions of 2×2 tiles: large enough that few patches have fixed neighbours, small enough for about 45 MB. */
const regionSide = 2 * tileSide;

/** Pixels around a patch whose cost depends on its latents: three samples of the coarsest grid. */
const reach = 3 * 64;

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

function columnsOf({ width, patch }: PatchedPicture): number {
  return Math.ceil(width / patch);
}

function rowsOf({ height, patch }: PatchedPicture): number {
  return Math.ceil(height / patch);
}

/** Cuts a picture into regions along its tiles. */
export function regionsOf(picture: PatchedPicture): Region[] {
  const side = regionSide / picture.patch;
  const regions: Region[] = [];
  for (let top = 0; top < rowsOf(picture); top += side) {
    for (let left = 0; left < columnsOf(picture); left += side)
      regions.push({ left, top, right: Math.min(columnsOf(picture), left + side), bottom: Math.min(rowsOf(picture), top + side) });
  }
  return regions;
}

/** Numbers of the patches in a region, in coding order. */
export function patchesIn(picture: PatchedPicture, { left, top, right, bottom }: Region): number[] {
  const patches: number[] = [];
  for (let row = top; row < bottom; row++)
    for (let column = left; column < right; column++) patches.push(row * columnsOf(picture) + column);
  return patches;
}

/** The region and all patches whose cost depends on its latents. */
export function affectedBy(picture: PatchedPicture, region: Region): Region {
  const ring = Math.ceil(reach / picture.patch);
  return {
    left: Math.max(0, region.left - ring),
    top: Math.max(0, region.top - ring),
    right: Math.min(columnsOf(picture), region.right + ring),
    bottom: Math.min(rowsOf(picture), region.bottom + ring),
  };
}

/** A stretch of a row of one grid that lies in one patch. */
export interface Stretch {
  readonly grid: number;
  /** Number of the patch. */
  readonly patch: number;
  /** First sample, in the picture's grid. */
  readonly x: number;
  readonly y: number;
  readonly length: number;
  /** Place of the first sample in the picture's plane. */
  readonly start: number;
}

/** All stretches of a region and of `margin` samples around it in every grid. */
export function* stretchesOf(picture: PatchedPicture, region: Region, margin = 0): Generator<Stretch> {
  for (let grid = 0; grid < gridCount; grid++) {
    const side = picture.patch / 2 ** grid;
    const width = gridSide(picture.width, grid);
    const firstX = Math.max(0, region.left * side - margin);
    const lastX = Math.min(width, region.right * side + margin);
    const lastY = Math.min(gridSide(picture.height, grid), region.bottom * side + margin);
    for (let y = Math.max(0, region.top * side - margin); y < lastY; y++) {
      for (let x = firstX; x < lastX; ) {
        const column = Math.floor(x / side);
        const end = Math.min(lastX, (column + 1) * side);
        yield { grid, patch: Math.floor(y / side) * columnsOf(picture) + column, x, y, length: end - x, start: y * width + x };
        x = end;
      }
    }
  }
}
