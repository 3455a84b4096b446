/**
 * The finest level of one patch, two rows at a time: the last doubling and all layers of the synthesis (FORMAT.md §6).
 *
 * READ ME FIRST
 * - Nothing is kept longer than it is read: rows lie in rings of four, so all of it stays in the cache next to the core. With whole planes
 *   of features and colours the synthesis takes 5 % longer.
 * - A pair of rows comes from one row of the level above: pair p has the features of rows 2p − 3 and 2p − 2. Of the margin of 3 the layers
 *   need 2: rows of colours are counted from −2, those of the third layer from −1, both from 0 here.
 */
import { RESIDUAL_LAST, RESIDUAL_THIRD, kernelsOf } from "../codec";
import {
  COLOUR_LINES, GRIDS, STRIP_ROWS, codecOfMode, filterScratch, floatWindow, levelStride, locatePatch, oddLevels, patchHeight, patchWidth, simd, stripScratch,
} from "../memory";
import * as scalarKernels from "./kernels";
import * as simdKernels from "./kernels_simd";
import * as scalarLayers from "./layers";
import { packedBytes } from "./layers";
import * as simdLayers from "./layers_simd";
import { MARGIN, SMOOTHED_MARGIN, planeBytes } from "./planes";
import { fillFloatWindow } from "./window";

const DOUBLED: i32 = GRIDS - 1;
/** Where the lines are that a 3×3 layer reads: five addresses. */
const LINES: usize = memory.data(20, 16);

let codec: usize = 0;
/** Bytes from one line to the next, of anything. */
let line: usize = 0;
/** Samples from one row to the next in the window of grid 0. */
let windowStride: i32 = 0;
let coarseLine: usize = 0;
let coarsePlane: usize = 0;
/** Two rows of each feature. */
let features: usize = 0;
/** Four rows of each plane of the level above, doubled along x. */
let doubled: usize = 0;
/** Two rows of features as integers. */
let packed: usize = 0;
/** Four rows of colours, two lines each. */
let colours: usize = 0;
/** Four rows of the third layer, two lines each. */
let third: usize = 0;

/** Pairs of rows that hold the rows of the patch and three on either side. */
export function stripPairs(): i32 {
  return (patchHeight + 2 * MARGIN + 1) >> 1;
}

/** Finds the patch in grid 0 and a place for everything. */
export function placeStrips(patch: i32, mode: i32): void {
  locatePatch(patch, 1);
  coarseLine = <usize>levelStride(patchWidth) << 2;
  coarsePlane = planeBytes(patchWidth, patchHeight);
  locatePatch(patch, 0);
  codec = codecOfMode(mode);
  line = <usize>levelStride(patchWidth) << 2;
  windowStride = levelStride(patchWidth + 2 * SMOOTHED_MARGIN);
  features = stripScratch;
  doubled = features + <usize>(2 * GRIDS) * line;
  packed = doubled + <usize>(STRIP_ROWS * DOUBLED) * line;
  colours = packed + 8 * line;
  third = colours + <usize>COLOUR_LINES * line;
}

/** Brings what the first pair needs beside its own row of the level above, which is in `oddLevels`. */
export function beginStrips(patch: i32, mode: i32): void {
  const width = patchWidth + 2 * MARGIN;
  fillFloatWindow(patch, mode, 0, SMOOTHED_MARGIN, floatWindow, windowStride);
  const kernel = kernelsOf(codec, 0);
  const rows = patchHeight + 2 * SMOOTHED_MARGIN;
  if (simd) simdKernels.filterAlongX(floatWindow, filterScratch, windowStride, width, rows, kernel);
  else scalarKernels.filterAlongX(floatWindow, filterScratch, windowStride, width, rows, kernel);
  for (let row = 0; row < 3; ++row) {
    for (let plane = 0; plane < DOUBLED; ++plane) doubleRow(plane, row);
  }
}

// @ts-ignore: decorator
@inline
function ringRow(plane: i32, row: i32): usize {
  return doubled + <usize>(plane * STRIP_ROWS + (row & (STRIP_ROWS - 1))) * line;
}

/** One row of the level above, doubled along x. */
function doubleRow(plane: i32, row: i32): void {
  const from = oddLevels + <usize>plane * coarsePlane + <usize>row * coarseLine;
  const pairs = (patchWidth + 2 * MARGIN + 1) >> 1;
  const kernel = kernelsOf(codec, 0);
  if (simd) simdKernels.doubleAlongX(from, ringRow(plane, row), 0, pairs, 1, kernel);
  else scalarKernels.doubleAlongX(from, ringRow(plane, row), 0, pairs, 1, kernel);
}

/** The features of the rows 2 · pair − 3 and 2 · pair − 2 of the patch, after those of the pair before. */
export function featurePair(pair: i32): void {
  const kernel = kernelsOf(codec, 0);
  const width = patchWidth + 2 * MARGIN;
  const above = <usize>(2 * pair * windowStride) << 2;
  const filtered = filterScratch + above, original = floatWindow + above;
  const stride = levelStride(patchWidth);
  if (simd) simdKernels.filterAlongY(filtered, original, features, windowStride, stride, width, 2, kernel);
  else scalarKernels.filterAlongY(filtered, original, features, windowStride, stride, width, 2, kernel);
  for (let plane = 0; plane < DOUBLED; ++plane) {
    doubleRow(plane, pair + 3);
    const a = ringRow(plane, pair), b = ringRow(plane, pair + 1), c = ringRow(plane, pair + 2), d = ringRow(plane, pair + 3);
    const even = features + <usize>(2 * plane + 2) * line;
    if (simd) simdKernels.doublePair(a, b, c, d, even, even + line, width, kernel);
    else scalarKernels.doublePair(a, b, c, d, even, even + line, width, kernel);
  }
}

/** A row's first line in `colours` or `third`. */
// @ts-ignore: decorator
@inline
function colourRow(ring: usize, row: i32): usize {
  return ring + <usize>((2 * row) & (COLOUR_LINES - 1)) * line;
}

/** Where a row's own blue goes beside that of the row above it. */
// @ts-ignore: decorator
@inline
function blueAbove(ring: usize, row: i32): usize {
  return ring + <usize>((2 * row - 1) & (COLOUR_LINES - 1)) * line;
}

/** The integers of one of the two rows in `features`. @param place  0 or 1: which of the rows in `packed` they become */
export function packRow(half: i32, place: i32): void {
  const width = patchWidth + 4;
  const from = features + <usize>half * line + 4, to = packed + (place == 0 ? 0 : packedBytes(width));
  if (simd) simdLayers.packFeatures(codec, from, 2 * line, to, width);
  else scalarLayers.packFeatures(codec, from, 2 * line, to, width);
}

/** Two rows of colours, `row` and the next, from those in `packed`. */
export function mixRows(row: i32): void {
  const first = colourRow(colours, row), second = colourRow(colours, row + 1), above = blueAbove(colours, row);
  if (simd) simdLayers.pointwise(codec, packed, first, second, line, above, patchWidth + 4);
  else scalarLayers.pointwise(codec, packed, first, second, line, above, patchWidth + 4);
}

/** Copies the integers of a row of features from `packed`, `place` as for `packRow`; columns −2 to width + 1. */
export function copyFeatures(place: i32, to: usize): void {
  const bytes = packedBytes(patchWidth + 4);
  memory.copy(to, packed + (place == 0 ? 0 : bytes), bytes);
}

/** Copies the two lines of a row of the third layer, columns −1 to width. */
export function copyThird(row: i32, to: usize): void {
  const bytes = <usize>(patchWidth + 2) << 2;
  const from = colourRow(third, row);
  memory.copy(to, from, bytes);
  memory.copy(to + bytes, from + line, bytes);
}

function listLines(ring: usize, row: i32): void {
  for (let index = 0; index < 5; ++index) {
    store<usize>(LINES + (<usize>index << 2), ring + <usize>((2 * row + index) & (COLOUR_LINES - 1)) * line);
  }
}

/** One row of the third layer, from as many rows of colours and the next two. */
export function thirdRow(row: i32): void {
  listLines(colours, row);
  const target = colourRow(third, row), above = blueAbove(third, row);
  if (simd) simdLayers.residualRelu(codec + RESIDUAL_THIRD, LINES, target, line, above, patchWidth + 2);
  else scalarLayers.residualRelu(codec + RESIDUAL_THIRD, LINES, target, line, above, patchWidth + 2);
}

/** One row of pixels, from as many rows of the third layer and the next two. */
export function pixelRow(row: i32, out: usize): void {
  listLines(third, row);
  if (simd) simdLayers.residualPixels(codec + RESIDUAL_LAST, LINES, patchWidth, out);
  else scalarLayers.residualPixels(codec + RESIDUAL_LAST, LINES, patchWidth, out);
}
