/**
 * The float window of one grid around one patch (FORMAT.md §6, "Windows"), and its gradient back to the planes.
 *
 * READ ME FIRST
 * - Outside the grid the nearest sample stands in; gradients that arrive there go to it.
 */
import { GRADIENT, SYMBOL, gridHeight, gridWidth, locate, patchHeight, patchWidth, patchX, patchY, sampleAddress } from "./region";
import { addScaledRow, repeat, scaleRow } from "./rows";

/** Columns of the window that the grid has, and how many it lacks on both sides. */
let first: i32 = 0;
let count: i32 = 0;
let lacksLeft: i32 = 0;
let lacksRight: i32 = 0;
let lastRow: i32 = 0;

function open(patch: i32, grid: i32, margin: i32): void {
  locate(patch, grid);
  const width = gridWidth(grid);
  const left = patchX - margin, right = patchX + patchWidth + margin;
  first = max(left, 0);
  count = min(right, width) - first;
  lacksLeft = first - left;
  lacksRight = right - first - count;
  lastRow = gridHeight(grid) - 1;
}

/** Address, in a plane, of the first of the grid's columns in the row that stands for row `y`. */
// @ts-ignore: decorator
@inline
function rowOf(plane: i32, grid: i32, y: i32): usize {
  return sampleAddress(plane, grid, first, min(max(y, 0), lastRow));
}

/**
 * Fills `target` with the patch's samples of SYMBOL and `margin` around them, times `scale`.
 * @param target  f32, rows `stride` floats apart
 */
export function fillWindow(patch: i32, grid: i32, margin: i32, scale: f32, target: usize, stride: i32): void {
  open(patch, grid, margin);
  const last = <usize>(count - 1) << 2;
  for (let y = patchY - margin; y < patchY + patchHeight + margin; ++y) {
    const row = rowOf(SYMBOL, grid, y);
    const own = repeat(target, lacksLeft, load<f32>(row) * scale);
    scaleRow(row, own, count, scale);
    repeat(own + last + 4, lacksRight, load<f32>(row + last) * scale);
    target += <usize>stride << 2;
  }
}

/** Adds the gradients of a window, times `scale`, to GRADIENT; the twin of `fillWindow`. */
export function spreadWindow(patch: i32, grid: i32, margin: i32, scale: f32, source: usize, stride: i32): void {
  open(patch, grid, margin);
  const last = <usize>(count - 1) << 2;
  for (let y = patchY - margin; y < patchY + patchHeight + margin; ++y) {
    const row = rowOf(GRADIENT, grid, y);
    const own = source + (<usize>lacksLeft << 2);
    for (let at = source; at < own; at += 4) store<f32>(row, load<f32>(row) + load<f32>(at) * scale);
    addScaledRow(own, row, count, scale);
    for (let beyond = 0; beyond < lacksRight; ++beyond) {
      store<f32>(row + last, load<f32>(row + last) + load<f32>(own + last + (<usize>(beyond + 1) << 2)) * scale);
    }
    source += <usize>stride << 2;
  }
}
