/**
 * From latents to the pixels of one patch (FORMAT.md §6): windows, upsampling, synthesis.
 *
 * READ ME FIRST
 * - Every level keeps its planes with a margin of 3 samples around the patch: the doubling filter turns a margin of 3 into
 *   exactly 3 again, and the last two 3×3 layers need 2.
 * - Planes of two neighbouring levels live in two buffers that swap roles; plane p of level i belongs to grid i + p.
 */
import { SYNTHESIS_B3, SYNTHESIS_B4, SYNTHESIS_LAST, SYNTHESIS_THIRD, SYNTHESIS_W3, SYNTHESIS_W4, kernelsOf } from "../codec";
import {
  GRIDS, codecOfMode, evenLevels, filterScratch, floatWindow, levelRows, levelStride, locatePatch, modeOfPatch, modes, oddLevels,
  patchCount, patchHeight, patchWidth, simd,
} from "../memory";
import { Status } from "../status";
import * as scalarKernels from "./kernels";
import * as simdKernels from "./kernels_simd";
import { fillFloatWindow } from "./window";

export const MARGIN: i32 = 3;
/** A grid that is smoothed loses 3 more samples on every side. */
const SMOOTHED_MARGIN: i32 = 6;

// @ts-ignore: decorator
@inline
export function planeBytes(width: i32, height: i32): usize {
  return <usize>(levelStride(width) * levelRows(height)) << 2;
}

/**
 * Computes the pixels of a patch as if it had `mode` and all others theirs of the mode map.
 * @param out  RGBA8, rows `outStride` bytes apart
 */
export function synthesise(patch: i32, mode: i32, out: usize, outStride: usize): void {
  upsample(patch, mode, 0);
  // After six steps the features are where the first level was.
  colourPatch(codecOfMode(mode), evenLevels, oddLevels, out, outStride);
}

/**
 * Computes the features of every sample of grid `finest` of the patch and of a margin of 3 around it: 7 − `finest` planes, in
 * `evenLevels` if `finest` is even, else in `oddLevels`.
 */
export function upsample(patch: i32, mode: i32, finest: i32): void {
  const codec = codecOfMode(mode);
  let source = evenLevels;
  let target = oddLevels;
  locatePatch(patch, GRIDS - 1);
  let width = patchWidth;
  let height = patchHeight;
  fillFloatWindow(patch, mode, GRIDS - 1, MARGIN, source, levelStride(width));
  for (let grid = GRIDS - 2; grid >= finest; --grid) {
    locatePatch(patch, grid);
    const bytes = planeBytes(patchWidth, patchHeight);
    smoothGrid(codec, patch, mode, grid, target);
    for (let plane = 0; plane < GRIDS - 1 - grid; ++plane) {
      doublePlane(codec, grid, source + <usize>plane * planeBytes(width, height), target + <usize>(plane + 1) * bytes, width, height);
    }
    const swapped = source;
    source = target;
    target = swapped;
    width = patchWidth;
    height = patchHeight;
  }
}

/** The window of a grid, smoothed, with a margin of 3. */
function smoothGrid(codec: usize, patch: i32, mode: i32, grid: i32, target: usize): void {
  const stride = levelStride(patchWidth + 2 * SMOOTHED_MARGIN);
  const width = patchWidth + 2 * MARGIN;
  const height = patchHeight + 2 * MARGIN;
  const kernel = kernelsOf(codec, grid);
  fillFloatWindow(patch, mode, grid, SMOOTHED_MARGIN, floatWindow, stride);
  if (simd) {
    simdKernels.filterAlongX(floatWindow, filterScratch, stride, width, height + 6, kernel);
    simdKernels.filterAlongY(filterScratch, floatWindow, target, stride, levelStride(patchWidth), width, height, kernel);
  } else {
    scalarKernels.filterAlongX(floatWindow, filterScratch, stride, width, height + 6, kernel);
    scalarKernels.filterAlongY(filterScratch, floatWindow, target, stride, levelStride(patchWidth), width, height, kernel);
  }
}

/** One plane of the coarser level (patch of width × height) to the level that `locatePatch` found. */
function doublePlane(codec: usize, grid: i32, source: usize, target: usize, width: i32, height: i32): void {
  const kernel = kernelsOf(codec, grid);
  const stride = levelStride(patchWidth);
  const coarseStride = levelStride(width);
  const outWidth = patchWidth + 2 * MARGIN;
  const outHeight = patchHeight + 2 * MARGIN;
  const rows = height + 2 * MARGIN;
  const pairs = (outWidth + 1) >> 1;
  // Along x first: `filterScratch` rows are as far apart as the finer level's.
  for (let y = 0; y < rows; ++y) {
    const from = source + (<usize>(y * coarseStride) << 2);
    const to = filterScratch + (<usize>(y * stride) << 2);
    if (simd) simdKernels.doubleAlongX(from, to, stride, pairs, 1, kernel);
    else scalarKernels.doubleAlongX(from, to, stride, pairs, 1, kernel);
  }
  if (simd) simdKernels.doubleAlongY(filterScratch, target, stride, stride, outWidth, outHeight, kernel);
  else scalarKernels.doubleAlongY(filterScratch, target, stride, stride, outWidth, outHeight, kernel);
}

/** Features with a margin of 3 to pixels. The coarser level's buffer holds the colours and, behind them, the third layer. */
function colourPatch(codec: usize, features: usize, free: usize, out: usize, outStride: usize): void {
  const stride = levelStride(patchWidth);
  const plane = planeBytes(patchWidth, patchHeight);
  const inner = features + ((<usize>stride + 1) << 2);
  const colours = free;
  const third = free + 3 * plane;
  const width = patchWidth;
  const height = patchHeight;
  if (simd) {
    simdKernels.pointwise(codec, inner, colours, plane, plane, stride, width + 4, height + 4);
    simdKernels.residualRelu(codec + SYNTHESIS_THIRD, codec + SYNTHESIS_B3, colours, third, plane, stride, width + 2, height + 2);
    simdKernels.residualPixels(codec + SYNTHESIS_LAST, codec + SYNTHESIS_B4, third, plane, stride, width, height, out, outStride);
  } else {
    scalarKernels.pointwise(codec, inner, colours, plane, plane, stride, width + 4, height + 4);
    scalarKernels.residualRelu(codec + SYNTHESIS_W3, codec + SYNTHESIS_B3, colours, third, plane, stride, width + 2, height + 2);
    scalarKernels.residualPixels(codec + SYNTHESIS_W4, codec + SYNTHESIS_B4, third, plane, stride, width, height, out, outStride);
  }
}

/** Pixels of a patch with its mode of the mode map; see `synthesise`. @returns ok or invalidArgument */
export function synthesisePatch(patch: i32, out: usize, outStride: i32): i32 {
  if (modes == 0 || patch < 0 || patch >= patchCount()) return Status.invalidArgument;
  synthesise(patch, modeOfPatch(patch), out, <usize>outStride);
  return Status.ok;
}
