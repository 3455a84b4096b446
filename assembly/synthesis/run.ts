/**
 * From latents to the pixels of one patch (FORMAT.md §6): windows, upsampling, synthesis.
 *
 * READ ME FIRST
 * - Every level keeps its planes with a margin of 3 samples around the patch: the doubling filter turns a margin of 3 into
 *   exactly 3 again, and the last two 3×3 layers need 2.
 * - The upsampling computes with floats; from the features on all is integers.
 * - Planes of two neighbouring levels live in two buffers that swap roles; plane p of level i belongs to grid i + p.
 */
import { RESIDUAL_LAST, RESIDUAL_THIRD, kernelsOf } from "../codec";
import {
  GRIDS, codecOfMode, evenLevels, filterScratch, floatWindow, levelRows, levelStride, locatePatch, modeOfPatch, modes, oddLevels,
  patchCount, patchHeight, patchWidth, simd,
} from "../memory";
import { Status } from "../status";
import * as scalarKernels from "./kernels";
import * as simdKernels from "./kernels_simd";
import * as scalarLayers from "./layers";
import * as simdLayers from "./layers_simd";
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

/** Bytes from one line of colours of the patch to the next; a row has two. */
export function lineBytes(): usize {
  return <usize>levelStride(patchWidth) << 2;
}

/** The first row of colours in a free buffer; the line before it is written too. */
export function coloursIn(free: usize): usize {
  return free + 2 * lineBytes();
}

/** The first row of the third layer, behind the rows of colours. */
export function thirdBehind(colours: usize): usize {
  return colours + <usize>(patchHeight + 5) * 2 * lineBytes();
}

/** One row of features, which start at `features`, to colours. */
export function mixRow(codec: usize, features: usize, plane: usize, target: usize, width: i32): void {
  if (simd) {
    simdLayers.packFeatures(codec, features, plane, filterScratch, width);
    simdLayers.pointwise(codec, filterScratch, target, lineBytes(), width);
  } else {
    scalarLayers.packFeatures(codec, features, plane, filterScratch, width);
    scalarLayers.pointwise(codec, filterScratch, target, lineBytes(), width);
  }
}

/** One row of the third layer. */
export function thirdRow(codec: usize, source: usize, target: usize): void {
  if (simd) simdLayers.residualRelu(codec + RESIDUAL_THIRD, source, target, lineBytes(), patchWidth + 2);
  else scalarLayers.residualRelu(codec + RESIDUAL_THIRD, source, target, lineBytes(), patchWidth + 2);
}

/** One row of pixels. */
export function pixelRow(codec: usize, source: usize, out: usize): void {
  if (simd) simdLayers.residualPixels(codec + RESIDUAL_LAST, source, lineBytes(), patchWidth, out);
  else scalarLayers.residualPixels(codec + RESIDUAL_LAST, source, lineBytes(), patchWidth, out);
}

/** Features with a margin of 3 to pixels. Each row goes through all layers while what they read is still near. */
function colourPatch(codec: usize, features: usize, free: usize, out: usize, outStride: usize): void {
  const row: usize = 2 * lineBytes();
  const plane = planeBytes(patchWidth, patchHeight);
  const inner = features + lineBytes() + 4;
  const colours = coloursIn(free);
  const third = thirdBehind(colours);
  const rows = <usize>patchHeight + 4;
  for (let y: usize = 0; y < rows; ++y) {
    mixRow(codec, inner + y * lineBytes(), plane, colours + y * row, patchWidth + 4);
    if (y >= 2) thirdRow(codec, colours + (y - 2) * row, third + (y - 2) * row);
    if (y >= 4) pixelRow(codec, third + (y - 4) * row, out + (y - 4) * outStride);
  }
}

/** Pixels of a patch with its mode of the mode map; see `synthesise`. @returns ok or invalidArgument */
export function synthesisePatch(patch: i32, out: usize, outStride: i32): i32 {
  if (modes == 0 || patch < 0 || patch >= patchCount()) return Status.invalidArgument;
  synthesise(patch, modeOfPatch(patch), out, <usize>outStride);
  return Status.ok;
}
