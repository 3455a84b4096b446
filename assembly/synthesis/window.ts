/**
 * The float window of one grid around one patch (FORMAT.md §6, "Windows").
 *
 * READ ME FIRST
 * - A sample of another mode or outside the grid is replaced by the nearest of the patch's own mode, so filters never mix
 *   codecs and no filter needs a border case.
 * - FORMAT.md gives every grid 8 samples of margin; the filters reach 6 of them (3 on the coarsest grid), so no more are made.
 * - Rows inside the patch are copied; only the rim is looked up sample by sample.
 */
import {
  gridHeight, gridWidth, inverseGain, modeOfPatch, patchColumns, patchHeight, patchLog2, patchWidth, patchX, patchY, planeOfMode, rowAddress, simd,
} from "../memory";
import * as scalarKernels from "./kernels";
import * as simdKernels from "./kernels_simd";

let thisPatch: i32 = 0;
let thisMode: i32 = 0;
let plane: usize = 0;
let thisGrid: i32 = 0;
let width: i32 = 0;
let height: i32 = 0;
let side: i32 = 0;

// @ts-ignore: decorator
@inline
function usable(x: i32, y: i32): bool {
  if (<u32>x >= <u32>width || <u32>y >= <u32>height) return false;
  const other = (y >> side) * patchColumns + (x >> side);
  return other == thisPatch || modeOfPatch(other) == thisMode;
}

// @ts-ignore: decorator
@inline
function valueAt(x: i32, y: i32): f32 {
  return <f32>load<i16>(rowAddress(plane, thisGrid, y) + (<usize>x << 1)) * inverseGain;
}

function replaced(x: i32, y: i32): f32 {
  if (usable(x, y)) return valueAt(x, y);
  const nearX = min(max(x, patchX), patchX + patchWidth - 1);
  const nearY = min(max(y, patchY), patchY + patchHeight - 1);
  if (usable(x, nearY)) return valueAt(x, nearY);
  if (usable(nearX, y)) return valueAt(nearX, y);
  return valueAt(nearX, nearY);
}

/**
 * Fills `target` with the patch that `locatePatch` found and `margin` samples around it, dequantised.
 * @param target  f32, rows `stride` floats apart
 */
export function fillFloatWindow(patch: i32, mode: i32, grid: i32, margin: i32, target: usize, stride: i32): void {
  thisPatch = patch;
  thisMode = mode;
  plane = planeOfMode(mode, grid);
  thisGrid = grid;
  width = gridWidth(grid);
  height = gridHeight(grid);
  side = patchLog2 - grid;
  const right = patchX + patchWidth;
  const bottom = patchY + patchHeight;
  for (let y = patchY - margin; y < bottom + margin; ++y) {
    const inside = y >= patchY && y < bottom;
    let out = target;
    for (let x = patchX - margin; x < patchX; ++x) {
      store<f32>(out, replaced(x, y));
      out += 4;
    }
    if (inside) copyRow(y, out);
    else {
      for (let x = patchX; x < right; ++x) store<f32>(out + (<usize>(x - patchX) << 2), replaced(x, y));
    }
    out += <usize>patchWidth << 2;
    for (let x = right; x < right + margin; ++x) {
      store<f32>(out, replaced(x, y));
      out += 4;
    }
    target += <usize>stride << 2;
  }
}

function copyRow(y: i32, out: usize): void {
  const source = rowAddress(plane, thisGrid, y) + (<usize>patchX << 1);
  if (simd) simdKernels.dequantise(source, out, patchWidth, inverseGain);
  else scalarKernels.dequantise(source, out, patchWidth, inverseGain);
}
