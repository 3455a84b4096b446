/** Grids, patches and tiles of a picture (FORMAT.md §2). All sizes in samples, all numbers whole. */

/** Number of latent grids; grid i has one sample per 2^i × 2^i pixels. */
export const gridCount = 7;

/** Side of a tile in pixels. */
export const tileSide = 512;

/**
 * Sides of the squares of pixels that are refined together. Trades are foretold once, and in a small region they stay in the cache; gradient
 * steps go on for long, so few patches should have neighbours that stand still (about 45 MB).
 */
export const regionSides = { trades: 256, gradient: 1024 } as const;

/** Width or height of grid `grid` for a picture of `pixels` pixels a side. */
export function gridSide(pixels: number, grid: number): number {
  return Math.ceil(pixels / 2 ** grid);
}

/** Number of tiles, which is the number of tile segments of a file. */
export function tileCount(width: number, height: number): number {
  return Math.ceil(width / tileSide) * Math.ceil(height / tileSide);
}

/** The pixels of a tile, cut at the edges of the picture. */
export function tileArea(tile: number, width: number, height: number): { x: number; y: number; width: number; height: number } {
  const columns = Math.ceil(width / tileSide);
  const x = (tile % columns) * tileSide;
  const y = Math.floor(tile / columns) * tileSide;
  return { x, y, width: Math.min(tileSide, width - x), height: Math.min(tileSide, height - y) };
}

/** Patch columns and rows. */
export function patchLayout(width: number, height: number, patch: number): { columns: number; rows: number; count: number } {
  const columns = Math.ceil(width / patch);
  const rows = Math.ceil(height / patch);
  return { columns, rows, count: columns * rows };
}

/** Number of latents of all grids, which is the number of coded symbols without escapes. */
export function symbolCount(width: number, height: number): number {
  let sum = 0;
  for (let grid = 0; grid < gridCount; grid++) sum += gridSide(width, grid) * gridSide(height, grid);
  return sum;
}

/** Samples of every grid around a patch that its pixels depend on (FORMAT.md §6, "Windows"). */
const windowMargin = 8;

/** Pixels from a tile within which other tiles' pixels depend on it: the window's margin in grid 2. */
export const tileReach = windowMargin * 4;

/** Patches of an area, as half-open ranges of columns and rows. */
export interface PatchRange {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

/** The patches that a rectangle touches. */
export function patchesOf(area: { x: number; y: number; width: number; height: number }, patch: number): PatchRange {
  return {
    left: Math.floor(area.x / patch),
    right: Math.ceil((area.x + area.width) / patch),
    top: Math.floor(area.y / patch),
    bottom: Math.ceil((area.y + area.height) / patch),
  };
}

/** The tiles, in raster order, that the pixels of some patches depend on: those of the patches' windows in grids 2…0. */
export function tilesOf({ left, right, top, bottom }: PatchRange, patch: number, width: number, height: number): number[] {
  const columns = Math.ceil(width / tileSide);
  const last = (end: number, size: number): number => Math.floor((Math.min(end + tileReach, size) - 1) / tileSide);
  const tiles: number[] = [];
  for (let row = Math.floor(Math.max(0, top * patch - tileReach) / tileSide); row <= last(bottom * patch, height); row++) {
    for (let column = Math.floor(Math.max(0, left * patch - tileReach) / tileSide); column <= last(right * patch, width); column++)
      tiles.push(row * columns + column);
  }
  return tiles;
}
