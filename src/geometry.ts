/** Grids, patches and tiles of a picture (FORMAT.md §2). All sizes in samples, all numbers whole. */

/** Number of latent grids; grid i has one sample per 2^i × 2^i pixels. */
export const gridCount = 7;

/** Side of a tile in pixels. */
export const tileSide = 512;

/** Width or height of grid `grid` for a picture of `pixels` pixels a side. */
export function gridSide(pixels: number, grid: number): number {
  return Math.ceil(pixels / 2 ** grid);
}

/** Number of tiles, which is the number of tile segments of a file. */
export function tileCount(width: number, height: number): number {
  return Math.ceil(width / tileSide) * Math.ceil(height / tileSide);
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
