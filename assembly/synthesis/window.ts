/**
 * The float window of one grid around one patch (FORMAT.md §6, "Windows").
 *
 * READ ME FIRST
 * - Neighbours are read whatever their mode: the codecs of a pack are trained to understand each other's latents. Outside the grid the
 *   nearest sample stands in, so no filter needs a border case.
 * - FORMAT.md gives every grid 8 samples of margin; the filters reach 6 of them (3 on the coarsest grid), so no more are made.
 * - Rows inside the patch are copied; only the rim is looked up sample by sample.
 */
import {
  FINE_GRIDS, gridHeight, gridWidth, inverseGain, modeOfPatch, packedSets, patchColumns, patchHeight, patchLog2, patchWidth, patchX, patchY, planeOfMode, rowAddress, simd,
} from "../memory";
import { bringWindow } from "../packed";
import * as scalarKernels from "./kernels";
import * as simdKernels from "./kernels_simd";

let thisPatch: i32 = 0;
let thisMode: i32 = 0;
let thisGrid: i32 = 0;
let right: i32 = 0;
let bottom: i32 = 0;
let side: i32 = 0;

/** The latent that stands at (x, y), dequantised: the nearest one of the grid, from the plane of its patch's mode. */
function valueAt(x: i32, y: i32): f32 {
  const nearX = min(max(x, 0), right);
  const nearY = min(max(y, 0), bottom);
  const patch = (nearY >> side) * patchColumns + (nearX >> side);
  const plane = planeOfMode(patch == thisPatch ? thisMode : modeOfPatch(patch), thisGrid);
  return <f32>load<i16>(rowAddress(plane, thisGrid, nearY) + (<usize>nearX << 1)) * inverseGain;
}

/**
 * Fills `target` with the patch that `locatePatch` found and `margin` samples around it, dequantised.
 * @param target  f32, rows `stride` floats apart
 */
export function fillFloatWindow(patch: i32, mode: i32, grid: i32, margin: i32, target: usize, stride: i32): void {
  if (packedSets && grid < FINE_GRIDS) bringWindow(patch, mode, grid);
  thisPatch = patch;
  thisMode = mode;
  thisGrid = grid;
  right = gridWidth(grid) - 1;
  bottom = gridHeight(grid) - 1;
  side = patchLog2 - grid;
  const end = patchX + patchWidth;
  for (let y = patchY - margin; y < patchY + patchHeight + margin; ++y) {
    const inside = y >= patchY && y < patchY + patchHeight;
    let out = target;
    for (let x = patchX - margin; x < patchX; ++x) {
      store<f32>(out, valueAt(x, y));
      out += 4;
    }
    if (inside) copyRow(y, out);
    else {
      for (let x = patchX; x < end; ++x) store<f32>(out + (<usize>(x - patchX) << 2), valueAt(x, y));
    }
    out += <usize>patchWidth << 2;
    for (let x = end; x < end + margin; ++x) {
      store<f32>(out, valueAt(x, y));
      out += 4;
    }
    target += <usize>stride << 2;
  }
}

function copyRow(y: i32, out: usize): void {
  const source = rowAddress(planeOfMode(thisMode, thisGrid), thisGrid, y) + (<usize>patchX << 1);
  if (simd) simdKernels.dequantise(source, out, patchWidth, inverseGain);
  else scalarKernels.dequantise(source, out, patchWidth, inverseGain);
}
