/**
 * The float window of one grid around one patch (FORMAT.md §6, "Windows").
 *
 * READ ME FIRST
 * - Neighbours are read whatever their mode: the codecs of a pack are trained to understand each other's latents. Outside the grid the
 *   nearest sample stands in, so no filter needs a border case.
 * - FORMAT.md gives every grid 8 samples of margin; the filters reach 6 of them (3 on the coarsest grid), so no more are made.
 * - A row is a stretch of every patch it crosses, since patches of other modes may lie in other planes; where all lie in one, it is one stretch.
 */
import {
  FINE_GRIDS, gridHeight, gridWidth, inverseGain, modeOfPatch, packedSets, patchColumns, patchHeight, patchLog2, patchWidth, patchX, patchY, planeOfMode,
  rowAddress, separateSets, simd,
} from "../memory";
import { bringWindow } from "../packed";
import * as scalarKernels from "./kernels";
import * as simdKernels from "./kernels_simd";

/**
 * Fills `target` with the patch that `locatePatch` found and `margin` samples around it, dequantised.
 * @param target  f32, rows `stride` floats apart
 */
export function fillFloatWindow(patch: i32, mode: i32, grid: i32, margin: i32, target: usize, stride: i32): void {
  if (packedSets && grid < FINE_GRIDS) bringWindow(patch, mode, grid);
  const side = patchLog2 - grid;
  const bottom = gridHeight(grid) - 1;
  const left = patchX - margin;
  const end = patchX + patchWidth + margin;
  // Columns of the grid; those beside it repeat the nearest one.
  const from = max(left, 0);
  const to = min(end, gridWidth(grid));
  for (let y = patchY - margin; y < patchY + patchHeight + margin; ++y) {
    const near = min(max(y, 0), bottom);
    const start = target + (<usize>(from - left) << 2);
    for (let x = from; x < to; ) {
      const other = (near >> side) * patchColumns + (x >> side);
      const stop = separateSets ? min(to, ((x >> side) + 1) << side) : to;
      const plane = planeOfMode(other == patch ? mode : modeOfPatch(other), grid);
      dequantise(rowAddress(plane, grid, near) + (<usize>x << 1), start + (<usize>(x - from) << 2), stop - x);
      x = stop;
    }
    const rest = start + (<usize>(to - from) << 2);
    repeat(target, from - left, load<f32>(start));
    repeat(rest, end - to, load<f32>(rest - 4));
    target += <usize>stride << 2;
  }
}

// @ts-ignore: decorator
@inline
function repeat(target: usize, count: i32, value: f32): void {
  for (let x = 0; x < count; ++x) store<f32>(target + (<usize>x << 2), value);
}

// @ts-ignore: decorator
@inline
function dequantise(source: usize, target: usize, count: i32): void {
  if (simd) simdKernels.dequantise(source, target, count, inverseGain);
  else scalarKernels.dequantise(source, target, count, inverseGain);
}
