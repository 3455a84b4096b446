/**
 * The context window: what the context model may see around one patch of one grid (FORMAT.md §4, "Taps").
 *
 * READ ME FIRST
 * - i16 samples, already clamped to ±127 and shifted to Q8, with 3 columns to the left, 2 to the right and 3 rows above the
 *   patch; everything that must read 0 is 0, so the kernels have no special cases.
 * - The columns to the right belong to patches with higher numbers, except in the rows above the patch.
 * - While decoding, the inside is filled symbol by symbol; while encoding, all at once.
 */
import {
  FINE_GRIDS, TILE_LOG2, contextWindow, gridWidth, modeOfPatch, packedSets, patchColumns, patchHeight, patchLog2, patchWidth, patchX, patchY, planeOfMode, rowAddress,
} from "../memory";
import { bringWindow } from "../packed";

export const LEFT: i32 = 3;
export const RIGHT: i32 = 2;
export const ABOVE: i32 = 3;

/** Bytes from one row of the window to the next. */
export let windowStride: usize = 0;
/** Address of the patch's top left sample in the window. */
export let windowOrigin: usize = 0;

// @ts-ignore: decorator
@inline
export function toContext(latent: i32): i16 {
  return <i16>(min(max(latent, -127), 127) << 8);
}

// @ts-ignore: decorator
@inline
export function addressInWindow(x: i32, y: i32): usize {
  return windowOrigin + <usize>y * windowStride + (<usize>x << 1);
}

/**
 * Builds the window of the patch that `locatePatch(patch, grid)` found.
 * @param filled  whether the patch's own samples are known already
 */
export function buildWindow(patch: i32, mode: i32, grid: i32, filled: bool): void {
  const stride = patchWidth + LEFT + RIGHT;
  windowStride = <usize>stride << 1;
  windowOrigin = contextWindow + ((<usize>ABOVE * stride + LEFT) << 1);
  memory.fill(contextWindow, 0, <usize>(stride * (patchHeight + ABOVE)) << 1);
  let left = 0;
  let top = 0;
  let right = gridWidth(grid);
  if (grid < FINE_GRIDS) {
    if (packedSets) bringWindow(patch, mode, grid);
    const side = TILE_LOG2 - grid;
    left = (patchX >> side) << side;
    top = (patchY >> side) << side;
    right = min(right, left + (1 << side));
  }
  const plane = planeOfMode(mode, grid);
  const firstColumn = max(patchX - LEFT, left);
  const lastColumn = min(patchX + patchWidth + RIGHT, right);
  for (let y = max(patchY - ABOVE, top); y < patchY; ++y) {
    copyEarlier(patch, grid, y, firstColumn, lastColumn);
  }
  for (let y = patchY; y < patchY + patchHeight; ++y) {
    copyEarlier(patch, grid, y, firstColumn, patchX);
    if (filled) copySamples(plane, grid, y, patchX, patchX + patchWidth);
  }
}

/** Copies the samples from..to−1 of row y that lie in earlier patches, each from the plane of its patch's mode. */
function copyEarlier(patch: i32, grid: i32, y: i32, from: i32, to: i32): void {
  const side = patchLog2 - grid;
  const row = (y >> side) * patchColumns;
  while (from < to) {
    const column = from >> side;
    const end = min(to, (column + 1) << side);
    const other = row + column;
    if (other < patch) copySamples(planeOfMode(modeOfPatch(other), grid), grid, y, from, end);
    from = end;
  }
}

function copySamples(plane: usize, grid: i32, y: i32, from: i32, to: i32): void {
  let source = rowAddress(plane, grid, y) + (<usize>from << 1);
  let target = windowOrigin + <usize>((y - patchY) * <i32>windowStride + ((from - patchX) << 1));
  for (let x = from; x < to; ++x) {
    store<i16>(target, toContext(<i32>load<i16>(source)));
    source += 2;
    target += 2;
  }
}
