/**
 * The pixels of one patch at 1/2, 1/4 or 1/8 of the size: for thumbnails, no part of FORMAT.md.
 *
 * READ ME FIRST
 * - Everything runs at the size that is wanted: grids as fine or coarser are upsampled to it, of finer ones the mean and the
 *   variance over the square of each pixel are taken.
 * - What a filter would do to finer samples is its gain: of the mean the sum of its taps, of the variance the sum of their squares.
 * - The network is not linear, so the mean of its colours is not the colour of the means; `preview_kernels.ts` says what is done.
 */
import { kernelsOf } from "../codec";
import {
  GRIDS, codecOfMode, evenLevels, filterScratch, floatWindow, gridHeight, gridWidth, inverseGain, levelStride, locatePatch, modeOfPatch, modes, oddLevels, patchCount,
  patchHeight, patchWidth, patchX, patchY, planeOfMode, rowAddress, simd,
} from "../memory";
import { Status } from "../status";
import * as scalarFilters from "./kernels";
import { at } from "./kernels";
import * as simdFilters from "./kernels_simd";
import * as scalarKernels from "./preview_kernels";
import * as simdKernels from "./preview_kernels_simd";
import { MARGIN, planeBytes } from "./planes";
import { upsample } from "./run";

/** Taps of `blurPlanes` where the filters look for the smoothing taps of a step: behind four others. */
const BLUR: usize = memory.data(32, 16);

/**
 * Pixels of a patch with its mode of the mode map, at 1/2^level of the size.
 * @param level  1, 2 or 3
 * @param out  RGBA8, one pixel per sample of grid `level`, rows `outStride` bytes apart
 * @returns ok or invalidArgument
 */
export function previewPatch(patch: i32, level: i32, out: usize, outStride: i32): i32 {
  if (modes == 0 || patch < 0 || patch >= patchCount() || level < 1 || level > 3) return Status.invalidArgument;
  const mode = modeOfPatch(patch);
  const codec = codecOfMode(mode);
  upsample(patch, mode, level);
  locatePatch(patch, level);
  const stride = levelStride(patchWidth);
  const plane = planeBytes(patchWidth, patchHeight);
  const upsampled = (level & 1) != 0 ? oddLevels : evenLevels;
  // Seven features, then the variances of those that are averaged: the buffers have room for them (`allocateScratch`).
  const features = (level & 1) != 0 ? evenLevels : oddLevels;
  const variances = features + 7 * plane;
  blurPlanes(codec, level, upsampled, features + <usize>level * plane, plane);
  for (let grid = 0; grid < level; ++grid) {
    averageGrid(codec, mode, grid, level, features + <usize>grid * plane, variances + <usize>grid * plane, stride);
  }
  // The upsampled planes have been filtered: their place takes the colours.
  if (simd) {
    simdKernels.expectedColours(codec, features, variances, level, upsampled, plane, stride, patchWidth, patchHeight);
    simdKernels.flatPixels(codec, upsampled, plane, stride, patchWidth, patchHeight, out, <usize>outStride);
  } else {
    scalarKernels.expectedColours(codec, features, variances, level, upsampled, plane, stride, patchWidth, patchHeight);
    scalarKernels.flatPixels(codec, upsampled, plane, stride, patchWidth, patchHeight, out, <usize>outStride);
  }
  return Status.ok;
}

/** What the steps that produce the grids below `level` make of a flat plane: each counts by the sum of its taps along x, and again along y. */
function gainOfDoublings(codec: usize, level: i32): f32 {
  let gain: f32 = 1;
  for (let grid = 0; grid < level; ++grid) {
    const kernel = kernelsOf(codec, grid);
    const sum = at(kernel, 0) + at(kernel, 1) + at(kernel, 2) + at(kernel, 3);
    gain *= sum * sum;
  }
  return gain;
}

/**
 * The features of a patch that came from grid `level` or coarser ones, with a margin of 3, to what doubling them to full size and taking
 * means there would make of them: along each axis a symmetric filter of seven taps.
 */
function blurPlanes(codec: usize, level: i32, source: usize, target: usize, plane: usize): void {
  blurKernel(codec, level);
  const stride = levelStride(patchWidth);
  // The filter along y adds a plane, as smoothing wants it; here that is one of zeros.
  memory.fill(floatWindow, 0, plane);
  for (let grid = level; grid < GRIDS; ++grid) {
    if (simd) {
      simdFilters.filterAlongX(source, filterScratch, stride, patchWidth, patchHeight + 2 * MARGIN, BLUR);
      simdFilters.filterAlongY(filterScratch, floatWindow, target, stride, stride, patchWidth, patchHeight, BLUR);
    } else {
      scalarFilters.filterAlongX(source, filterScratch, stride, patchWidth, patchHeight + 2 * MARGIN, BLUR);
      scalarFilters.filterAlongY(filterScratch, floatWindow, target, stride, stride, patchWidth, patchHeight, BLUR);
    }
    source += plane;
    target += plane;
  }
}

/** Fills the taps of BLUR: what a single 1, doubled `level` times, leaves in the mean of its own place and of the three beside it. */
function blurKernel(codec: usize, level: i32): void {
  // The 1 stands in the middle of nine samples; each doubling makes two of every sample.
  let source = floatWindow, target = filterScratch;
  let count = 9;
  memory.fill(source, 0, 9 << 2);
  store<f32>(source, 1, 4 << 2);
  for (let grid = level - 1; grid >= 0; --grid) {
    const kernel = kernelsOf(codec, grid);
    memory.fill(target, 0, <usize>count << 3);
    // The first result is the odd one of the second sample.
    scalarFilters.doubleAlongX(source, target + 12, 0, count - 3, 1, kernel);
    count <<= 1;
    const doubled = target;
    target = source;
    source = doubled;
  }
  const side = 1 << level;
  for (let tap = 0; tap < 4; ++tap) {
    let sum: f32 = 0;
    for (let sample = 0; sample < side; ++sample) sum += at(source, (4 + tap) * side + sample);
    store<f32>(BLUR + (<usize>(4 + tap) << 2), sum / <f32>side);
  }
}

/** Mean and variance of a patch's latents of `grid` over the squares of the samples of grid `level`, as features. */
function averageGrid(codec: usize, mode: i32, grid: i32, level: i32, means: usize, variances: usize, stride: i32): void {
  const kernel = kernelsOf(codec, grid);
  const s0 = at(kernel, 4), s1 = at(kernel, 5), s2 = at(kernel, 6), s3 = at(kernel, 7);
  const sum = s0 + 2 * (s1 + s2 + s3);
  const squares = s0 * s0 + 2 * (s1 * s1 + s2 * s2 + s3 * s3);
  const gain = inverseGain * gainOfDoublings(codec, grid);
  // Smoothing adds to the sample (tap 1) the product of two filters.
  const gainOfMean = gain * (1 + sum * sum);
  const gainOfVariance = gain * gain * (1 + 2 * s0 * s0 + squares * squares);
  const shift = level - grid;
  const width = gridWidth(grid), height = gridHeight(grid);
  const plane = planeOfMode(mode, grid);
  for (let y = 0; y < patchHeight; ++y) {
    const top = (patchY + y) << shift;
    // Rows of a square follow each other wherever the plane's rows share their place.
    const source = rowAddress(plane, grid, top) + (<usize>patchX << shift << 1);
    const rows = min(1 << shift, height - top);
    const columns = width - (patchX << shift);
    const line = <usize>(y * stride) << 2;
    if (simd) simdKernels.moments(source, width, shift, rows, columns, patchWidth, means + line, variances + line, gainOfMean, gainOfVariance);
    else scalarKernels.moments(source, width, shift, rows, columns, patchWidth, means + line, variances + line, gainOfMean, gainOfVariance);
  }
}
