/**
 * From latents to the pixels of one patch (FORMAT.md §6): windows, upsampling, synthesis.
 *
 * READ ME FIRST
 * - Every level keeps its planes with a margin of 3 samples around the patch; the last two 3×3 layers need 2.
 * - The upsampling computes with floats; from the features on all is integers.
 * - Planes of two neighbouring levels live in two buffers that swap roles; plane p of level i belongs to grid i + p. The finest level has no
 *   planes (`strips.ts`).
 */
import { kernelsOf } from "../codec";
import {
  GRIDS, codecOfMode, evenLevels, filterScratch, floatWindow, levelStride, locatePatch, modeOfPatch, modes, oddLevels, patchCount, patchHeight,
  patchWidth, simd,
} from "../memory";
import { Status } from "../status";
import * as scalarKernels from "./kernels";
import * as simdKernels from "./kernels_simd";
import { MARGIN, SMOOTHED_MARGIN, planeBytes } from "./planes";
import { packedBytes } from "./layers";
import { beginStrips, copyFeatures, copyThird, featurePair, mixRows, packRow, pixelRow, placeStrips, stripPairs, thirdRow } from "./strips";
import { fillFloatWindow } from "./window";

/**
 * Computes the pixels of a patch as if it had `mode` and all others theirs of the mode map.
 * @param out  RGBA8, rows `outStride` bytes apart
 * @param features, third  where the inputs of the first and of the last layer of the synthesis are written down (`observePatch`), or 0
 */
export function synthesise(patch: i32, mode: i32, out: usize, outStride: usize, features: usize = 0, third: usize = 0): void {
  upsample(patch, mode, 1);
  placeStrips(patch, mode);
  beginStrips(patch, mode);
  const pairs = stripPairs();
  for (let pair = 0; pair < pairs; ++pair) {
    featurePair(pair);
    // Colours come in pairs too, which begin with the second row of features.
    packRow(0, 1);
    if (features != 0) writeFeatures(2 * pair - 3, 1, features);
    if (pair > 0) {
      const first = 2 * pair - 2;
      mixRows(first);
      for (let row = first; row < first + 2; ++row) {
        if (row >= 2) thirdRow(row - 2);
        if (third != 0 && row >= 2 && row < patchHeight + 4) copyThird(row - 2, third + <usize>(row - 2) * (<usize>(patchWidth + 2) << 3));
        if (row >= 4 && row < patchHeight + 4) pixelRow(row - 4, out + <usize>(row - 4) * outStride);
      }
    }
    packRow(1, 0);
    if (features != 0) writeFeatures(2 * pair - 2, 0, features);
  }
}

/** Writes down a row of features of the patch, if it has it. */
function writeFeatures(row: i32, place: i32, features: usize): void {
  if (row >= 0 && row < patchHeight) copyFeatures(place, features + <usize>row * packedBytes(patchWidth + 4));
}

/**
 * Computes the features of every sample of grid `finest` of the patch and of a margin of 3 around it: 7 − `finest` planes, in
 * `evenLevels` if `finest` is even, else in `oddLevels`.
 * @param finest  1…5
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

/** Pixels of a patch with its mode of the mode map; see `synthesise`. @returns ok or invalidArgument */
export function synthesisePatch(patch: i32, out: usize, outStride: i32): i32 {
  if (modes == 0 || patch < 0 || patch >= patchCount()) return Status.invalidArgument;
  synthesise(patch, modeOfPatch(patch), out, <usize>outStride);
  return Status.ok;
}

/**
 * Pixels of a patch, and what its synthesis saw on the way: for encoders that fit the synthesis to a picture.
 * @param out  RGBA8, rows as wide as the patch
 * @param features  the integers of each row of the patch, columns −2 to width + 1, as `packFeatures` lays them out
 * @param third  the third layer, rows −1 to height and columns −1 to width: a line of {red, green} and one of {blue, anything}, i16 each
 * @returns ok or invalidArgument
 */
export function observePatch(patch: i32, out: usize, features: usize, third: usize): i32 {
  if (modes == 0 || patch < 0 || patch >= patchCount()) return Status.invalidArgument;
  locatePatch(patch, 0);
  synthesise(patch, modeOfPatch(patch), out, <usize>patchWidth << 2, features, third);
  return Status.ok;
}
