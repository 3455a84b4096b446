/**
 * The region whose latents are being refined: where its planes lie and how they map to the picture.
 *
 * READ ME FIRST
 * - A region is a rectangle of patches. Each grid has planes of f32 over the region and HALO samples around it; the halo holds the
 *   rounded latents of the neighbours, which stay as they are.
 * - Every sample has one latent, that of its patch's mode.
 * - All coordinates are those of the picture's grids, so the rules of FORMAT.md apply as they stand.
 *
 * ```
 * planes: [VALUE, SYMBOL, SLOPE, GRADIENT, MOMENT, VARIANCE] × 7 grids
 * ```
 */
import { GRIDS, allocate } from "../memory";

/** Latents that the steps move; not rounded. */
export const VALUE: i32 = 0;
/** What stands for the rounded latents in this step. */
export const SYMBOL: i32 = 1;
/** Derivative of SYMBOL by VALUE. */
export const SLOPE: i32 = 2;
/** Derivative of the cost by SYMBOL. */
export const GRADIENT: i32 = 3;
/** Running means of Adam: of the gradient and of its square. */
export const MOMENT: i32 = 4;
export const VARIANCE: i32 = 5;
/** In place of those two, for trades: how a symbol's own bits bend when it goes up or down by one. */
export const UP: i32 = MOMENT;
export const DOWN: i32 = VARIANCE;
/** In place of SLOPE, for trades: how strongly the colours follow a latent. */
export const FORCE: i32 = SLOPE;
/** In place of VALUE, which trades do without: a list of places. */
export const CANDIDATE: i32 = VALUE;
const PLANES: i32 = 6;

/** Windows reach 6 samples beyond a patch, the context 3. */
const HALO: i32 = 8;
/** f32 that vectors may touch beyond the last row. */
const SLACK: u32 = 64;

const BASES: usize = memory.data(6 * 7 * 4, 16);

let pictureWidth: i32 = 0;
let pictureHeight: i32 = 0;
export let patchLog2: i32 = 7;
export let patchColumns: i32 = 0;
export let firstColumn: i32 = 0;
export let lastColumn: i32 = 0;
export let firstRow: i32 = 0;
export let lastRow: i32 = 0;
let modes: usize = 0;

/** Top left sample and size of the patch that `locate` was asked about. */
export let patchX: i32 = 0;
export let patchY: i32 = 0;
export let patchWidth: i32 = 0;
export let patchHeight: i32 = 0;

// @ts-ignore: decorator
@inline
export function gridWidth(grid: i32): i32 {
  return (pictureWidth + (1 << grid) - 1) >> grid;
}

// @ts-ignore: decorator
@inline
export function gridHeight(grid: i32): i32 {
  return (pictureHeight + (1 << grid) - 1) >> grid;
}

/** Sample of the grid at the region's left and upper edge, and its size. */
export function regionX(grid: i32): i32 {
  return firstColumn << (patchLog2 - grid);
}

export function regionY(grid: i32): i32 {
  return firstRow << (patchLog2 - grid);
}

export function regionWidth(grid: i32): i32 {
  return min(lastColumn << (patchLog2 - grid), gridWidth(grid)) - regionX(grid);
}

export function regionHeight(grid: i32): i32 {
  return min(lastRow << (patchLog2 - grid), gridHeight(grid)) - regionY(grid);
}

/** Floats from one row of a grid's planes to the next. */
export function planeStride(grid: i32): i32 {
  return (regionWidth(grid) + 2 * HALO + 3) & ~3;
}

/** Address of the sample (x, y) of the picture's grid; it must lie in the region or its halo. */
// @ts-ignore: decorator
@inline
export function sampleAddress(plane: i32, grid: i32, x: i32, y: i32): usize {
  const base = <usize>load<u32>(BASES + (<usize>(plane * GRIDS + grid) << 2));
  return base + (<usize>((y - regionY(grid) + HALO) * planeStride(grid) + x - regionX(grid) + HALO) << 2);
}

/** Bytes from a sample in one plane of a grid to the same sample in another. */
// @ts-ignore: decorator
@inline
export function planeDistance(from: i32, to: i32, grid: i32): usize {
  return load<u32>(BASES + (<usize>(to * GRIDS + grid) << 2)) - load<u32>(BASES + (<usize>(from * GRIDS + grid) << 2));
}

// @ts-ignore: decorator
@inline
export function modeOfPatch(patch: i32): i32 {
  return load<u8>(modes + <usize>patch);
}

/** Finds the rectangle of `patch` in `grid`, cut at the edge of the grid (FORMAT.md §2). */
export function locate(patch: i32, grid: i32): void {
  const side = patchLog2 - grid;
  const row = patch / patchColumns;
  patchX = (patch - row * patchColumns) << side;
  patchY = row << side;
  patchWidth = min(1 << side, gridWidth(grid) - patchX);
  patchHeight = min(1 << side, gridHeight(grid) - patchY);
}

/**
 * Begins a picture.
 * @param map  u8 per patch: the mode map; it must stay where it is
 */
export function placePicture(width: i32, height: i32, log2: i32, map: usize): void {
  pictureWidth = width;
  pictureHeight = height;
  patchLog2 = log2;
  patchColumns = (width + (1 << log2) - 1) >> log2;
  modes = map;
}

/**
 * Opens the patches [left, right) × [top, bottom) of the picture. SYMBOL is 0; what is in the other planes is to be written before it is read:
 * fresh memory costs more than the work on it.
 * @returns whether there was memory
 */
export function placeRegion(left: i32, top: i32, right: i32, bottom: i32): bool {
  firstColumn = left;
  firstRow = top;
  lastColumn = right;
  lastRow = bottom;
  for (let plane = 0; plane < PLANES; ++plane) {
    for (let grid = 0; grid < GRIDS; ++grid) {
      const bytes = planeBytes(grid);
      const base = allocate(bytes);
      if (base == 0) return false;
      if (plane == SYMBOL) memory.fill(base, 0, bytes);
      store<u32>(BASES + (<usize>(plane * GRIDS + grid) << 2), <u32>base);
    }
  }
  return true;
}

function planeBytes(grid: i32): u32 {
  return (<u32>(planeStride(grid) * (regionHeight(grid) + 2 * HALO)) + SLACK) << 2;
}

/** Sets a plane of a grid to one number. */
export function fillPlane(plane: i32, grid: i32, value: f32): void {
  const base = <usize>load<u32>(BASES + (<usize>(plane * GRIDS + grid) << 2));
  // Rows are whole vectors, and so is the slack.
  const end = base + <usize>planeBytes(grid);
  const four = f32x4.splat(value);
  for (let at = base; at < end; at += 16) v128.store(at, four);
}

/** Sets every gradient to 0. */
export function clearGradients(): void {
  for (let grid = 0; grid < GRIDS; ++grid) {
    memory.fill(<usize>load<u32>(BASES + (<usize>(GRADIENT * GRIDS + grid) << 2)), 0, planeBytes(grid));
  }
}
