/**
 * The float window of one grid around one patch (FORMAT.md §6, "Windows"), and its gradient back to the planes.
 *
 * READ ME FIRST
 * - Outside the grid the nearest sample stands in; gradients that arrive there go to it.
 */
import { GRADIENT, SYMBOL, gridHeight, gridWidth, locate, patchHeight, patchWidth, patchX, patchY, sampleAddress } from "./region";

let thisGrid: i32 = 0;

/** Address, in a plane, of the sample that stands at (x, y): the nearest one of the grid. */
function sourceOf(plane: i32, x: i32, y: i32): usize {
  const nearX = min(max(x, 0), gridWidth(thisGrid) - 1);
  const nearY = min(max(y, 0), gridHeight(thisGrid) - 1);
  return sampleAddress(plane, thisGrid, nearX, nearY);
}

function open(patch: i32, grid: i32): void {
  locate(patch, grid);
  thisGrid = grid;
}

/**
 * Fills `target` with the patch's samples of SYMBOL and `margin` around them, times `scale`.
 * @param target  f32, rows `stride` floats apart
 */
export function fillWindow(patch: i32, grid: i32, margin: i32, scale: f32, target: usize, stride: i32): void {
  open(patch, grid);
  const right = patchX + patchWidth;
  const bottom = patchY + patchHeight;
  for (let y = patchY - margin; y < bottom + margin; ++y) {
    let out = target;
    const inside = y >= patchY && y < bottom;
    for (let x = patchX - margin; x < right + margin; ++x) {
      if (inside && x == patchX) {
        const row = sampleAddress(SYMBOL, grid, x, y);
        for (let offset: usize = 0; offset < <usize>patchWidth << 2; offset += 4) store<f32>(out + offset, load<f32>(row + offset) * scale);
        out += <usize>patchWidth << 2;
        x = right - 1;
        continue;
      }
      store<f32>(out, load<f32>(sourceOf(SYMBOL, x, y)) * scale);
      out += 4;
    }
    target += <usize>stride << 2;
  }
}

/** Adds the gradients of a window, times `scale`, to GRADIENT; the twin of `fillWindow`. */
export function spreadWindow(patch: i32, grid: i32, margin: i32, scale: f32, source: usize, stride: i32): void {
  open(patch, grid);
  const right = patchX + patchWidth;
  const bottom = patchY + patchHeight;
  for (let y = patchY - margin; y < bottom + margin; ++y) {
    let from = source;
    const inside = y >= patchY && y < bottom;
    for (let x = patchX - margin; x < right + margin; ++x) {
      if (inside && x == patchX) {
        const row = sampleAddress(GRADIENT, grid, x, y);
        for (let offset: usize = 0; offset < <usize>patchWidth << 2; offset += 4) {
          store<f32>(row + offset, load<f32>(row + offset) + load<f32>(from + offset) * scale);
        }
        from += <usize>patchWidth << 2;
        x = right - 1;
        continue;
      }
      const target = sourceOf(GRADIENT, x, y);
      store<f32>(target, load<f32>(target) + load<f32>(from) * scale);
      from += 4;
    }
    source += <usize>stride << 2;
  }
}
