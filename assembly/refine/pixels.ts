/**
 * Squared error of a patch's pixels and its derivatives by the latents: FORMAT.md §6 forwards without the roundings of its
 * integers (`float_model.ts`), and backwards through every filter to the planes.
 */
import {
  SYNTHESIS_B3, SYNTHESIS_B4, SYNTHESIS_LAST, SYNTHESIS_THIRD, SYNTHESIS_W3, kernelsOf,
} from "../codec";
import { GRIDS, levelStride, simd } from "../memory";
import * as scalarForward from "../synthesis/kernels";
import * as simdForward from "../synthesis/kernels_simd";
import * as scalarLayers from "./float_layers";
import * as simdLayers from "./float_layers_simd";
import * as scalarKernels from "./pixel_kernels";
import * as simdKernels from "./pixel_kernels_simd";
import { locate, patchHeight, patchWidth, patchX, patchY } from "./region";
import {
  GRADIENT_MARGIN, clearAround, evenGradients, evenLevels, filterScratch, floatWindow, gradientBytes, gradientStride, levelBytes,
  oddGradients, oddLevels, pixelGradients, thirdGradients, unitGradients, unitSigns,
} from "./scratch";
import { MIRRORED_W3, MIRRORED_W4, ZEROS, codecOf } from "./weights";
import { fillWindow, spreadWindow } from "./window";

const MARGIN: i32 = 3;
/** A grid that is smoothed loses 3 more samples on every side. */
const SMOOTHED_MARGIN: i32 = 6;

/**
 * Adds the derivatives of `errorScale` · squared error of a patch to the gradient planes.
 * @param inverseGain  dequantisation
 * @param pixels  RGBA8 of the patch's pixels, rows `pixelStride` bytes apart
 */
export function errorGradient(weights: usize, patch: i32, inverseGain: f32, pixels: usize, pixelStride: usize, errorScale: f32): void {
  upsample(codecOf(weights), patch, inverseGain);
  colourGradients(weights, pixels, pixelStride, errorScale);
  downsample(codecOf(weights), patch, inverseGain);
}

/** Fills `evenLevels` with the seven features of every pixel of the patch and of a margin of 3 around it. */
function upsample(codec: usize, patch: i32, inverseGain: f32): void {
  let source = evenLevels;
  let target = oddLevels;
  locate(patch, GRIDS - 1);
  let width = patchWidth;
  let height = patchHeight;
  fillWindow(patch, GRIDS - 1, MARGIN, inverseGain, source, levelStride(width));
  for (let grid = GRIDS - 2; grid >= 0; --grid) {
    locate(patch, grid);
    const bytes = levelBytes(patchWidth, patchHeight);
    smoothGrid(codec, patch, grid, inverseGain, target);
    for (let plane = 0; plane < GRIDS - 1 - grid; ++plane) {
      doublePlane(codec, grid, source + <usize>plane * levelBytes(width, height), target + <usize>(plane + 1) * bytes, width, height);
    }
    const swapped = source;
    source = target;
    target = swapped;
    width = patchWidth;
    height = patchHeight;
  }
}

function smoothGrid(codec: usize, patch: i32, grid: i32, inverseGain: f32, target: usize): void {
  const stride = levelStride(patchWidth + 2 * SMOOTHED_MARGIN);
  const width = patchWidth + 2 * MARGIN;
  const height = patchHeight + 2 * MARGIN;
  const kernel = kernelsOf(codec, grid);
  fillWindow(patch, grid, SMOOTHED_MARGIN, inverseGain, floatWindow, stride);
  if (simd) {
    simdForward.filterAlongX(floatWindow, filterScratch, stride, width, height + 6, kernel);
    simdForward.filterAlongY(filterScratch, floatWindow, target, stride, levelStride(patchWidth), width, height, kernel);
  } else {
    scalarForward.filterAlongX(floatWindow, filterScratch, stride, width, height + 6, kernel);
    scalarForward.filterAlongY(filterScratch, floatWindow, target, stride, levelStride(patchWidth), width, height, kernel);
  }
}

/** One plane of the coarser level (patch of width × height) to the level that `locate` found. */
function doublePlane(codec: usize, grid: i32, source: usize, target: usize, width: i32, height: i32): void {
  const kernel = kernelsOf(codec, grid);
  const stride = levelStride(patchWidth);
  const coarseStride = levelStride(width);
  const outWidth = patchWidth + 2 * MARGIN;
  const outHeight = patchHeight + 2 * MARGIN;
  const pairs = (outWidth + 1) >> 1;
  for (let y = 0; y < height + 2 * MARGIN; ++y) {
    const from = source + (<usize>(y * coarseStride) << 2);
    const to = filterScratch + (<usize>(y * stride) << 2);
    if (simd) simdForward.doubleAlongX(from, to, stride, pairs, 1, kernel);
    else scalarForward.doubleAlongX(from, to, stride, pairs, 1, kernel);
  }
  if (simd) simdForward.doubleAlongY(filterScratch, target, stride, stride, outWidth, outHeight, kernel);
  else scalarForward.doubleAlongY(filterScratch, target, stride, stride, outWidth, outHeight, kernel);
}

/** From the features in `evenLevels` to the pixels, their error, and back to the features' derivatives in `evenGradients`. */
function colourGradients(weights: usize, pixels: usize, pixelStride: usize, errorScale: f32): void {
  const codec = codecOf(weights);
  const width = patchWidth;
  const height = patchHeight;
  const stride = levelStride(width);
  const plane = levelBytes(width, height);
  const features = evenLevels + ((<usize>stride + 1) << 2);
  const colours = oddLevels;
  const third = oddLevels + 3 * plane;
  // Each is followed by a 3×3 layer backwards, which reaches 2 samples further than its inputs do.
  const inset = (<usize>(2 * stride) + 2) << 2;
  const pixelPart = pixelGradients + inset;
  const thirdPart = thirdGradients + inset;
  if (simd) {
    simdLayers.pointwise(codec, features, colours, unitSigns, plane, plane, stride, width + 4, height + 4);
    simdLayers.residualRelu(codec + SYNTHESIS_THIRD, codec + SYNTHESIS_B3, colours, third, plane, stride, width + 2, height + 2);
    simdKernels.residualError(codec + SYNTHESIS_LAST, codec + SYNTHESIS_B4, third, plane, stride, width, height, pixels, pixelStride, errorScale, pixelPart);
    clearColours(pixelGradients, plane, stride, width, height);
    simdKernels.residualGated(weights + MIRRORED_W4, pixelGradients, third, thirdPart, weights + ZEROS, plane, stride, width + 2, height + 2);
    clearColours(thirdGradients, plane, stride, width + 2, height + 2);
    simdKernels.residualPlain(weights + MIRRORED_W3, thirdGradients, colours, weights + ZEROS, plane, stride, width + 4, height + 4);
  } else {
    scalarLayers.pointwise(codec, features, colours, unitSigns, plane, plane, stride, width + 4, height + 4);
    scalarLayers.residualRelu(codec + SYNTHESIS_W3, codec + SYNTHESIS_B3, colours, third, plane, stride, width + 2, height + 2);
    scalarKernels.residualError(codec + SYNTHESIS_LAST, codec + SYNTHESIS_B4, third, plane, stride, width, height, pixels, pixelStride, errorScale, pixelPart);
    clearColours(pixelGradients, plane, stride, width, height);
    scalarKernels.residualGated(weights + MIRRORED_W4, pixelGradients, third, thirdPart, weights + ZEROS, plane, stride, width + 2, height + 2);
    clearColours(thirdGradients, plane, stride, width + 2, height + 2);
    scalarKernels.residualPlain(weights + MIRRORED_W3, thirdGradients, colours, weights + ZEROS, plane, stride, width + 4, height + 4);
  }
  const gradientPlane = gradientBytes(width, height);
  const target = gradientStride(width);
  const inner = evenGradients + (<usize>((GRADIENT_MARGIN - 2) * (target + 1)) << 2);
  if (simd) {
    simdKernels.pointwiseBack(weights, unitSigns, colours, plane, stride, inner, gradientPlane, target, unitGradients, width + 4, height + 4);
  } else {
    scalarKernels.pointwiseBack(weights, unitSigns, colours, plane, stride, inner, gradientPlane, target, unitGradients, width + 4, height + 4);
  }
  for (let feature = 0; feature < GRIDS; ++feature) {
    clearAround(evenGradients + <usize>feature * gradientPlane, gradientPlane, target, GRADIENT_MARGIN - 2, width + 4, height + 4);
  }
}

/** Zeros around results that a 3×3 layer backwards is to read. */
function clearColours(planes: usize, plane: usize, stride: i32, width: i32, height: i32): void {
  for (let colour: usize = 0; colour < 3; ++colour) clearAround(planes + colour * plane, plane, stride, 2, width, height);
}

/** `upsample` backwards: from the derivatives in `evenGradients` to the planes. */
function downsample(codec: usize, patch: i32, inverseGain: f32): void {
  let source = evenGradients;
  let target = oddGradients;
  for (let grid = 0; grid < GRIDS - 1; ++grid) {
    locate(patch, grid);
    const width = patchWidth;
    const height = patchHeight;
    const bytes = gradientBytes(width, height);
    smoothBack(codec, patch, grid, inverseGain, source);
    locate(patch, grid + 1);
    const coarseBytes = gradientBytes(patchWidth, patchHeight);
    for (let plane = 1; plane < GRIDS - grid; ++plane) {
      halvePlane(codec, grid, source + <usize>plane * bytes, target + <usize>(plane - 1) * coarseBytes, width);
    }
    const swapped = source;
    source = target;
    target = swapped;
  }
  const stride = gradientStride(patchWidth);
  const margin = GRADIENT_MARGIN - MARGIN;
  spreadWindow(patch, GRIDS - 1, MARGIN, inverseGain, source + (<usize>(margin * (stride + 1)) << 2), stride);
}

/** The smoothing is symmetric: with zeros around, it is its own transpose. */
function smoothBack(codec: usize, patch: i32, grid: i32, inverseGain: f32, source: usize): void {
  const stride = gradientStride(patchWidth);
  const width = patchWidth + 2 * SMOOTHED_MARGIN;
  const height = patchHeight + 2 * SMOOTHED_MARGIN;
  const kernel = kernelsOf(codec, grid);
  if (simd) {
    simdForward.filterAlongX(source, filterScratch, stride, width, height + 6, kernel);
    simdForward.filterAlongY(filterScratch, source, floatWindow, stride, stride, width, height, kernel);
  } else {
    scalarForward.filterAlongX(source, filterScratch, stride, width, height + 6, kernel);
    scalarForward.filterAlongY(filterScratch, source, floatWindow, stride, stride, width, height, kernel);
  }
  spreadWindow(patch, grid, SMOOTHED_MARGIN, inverseGain, floatWindow, stride);
}

/** One plane of gradients of the level `grid`, `width` wide, to the coarser level that `locate` found. */
function halvePlane(codec: usize, grid: i32, source: usize, target: usize, width: i32): void {
  const kernel = kernelsOf(codec, grid);
  const stride = gradientStride(width);
  const coarseStride = gradientStride(patchWidth);
  const zeros = GRADIENT_MARGIN - MARGIN;
  const columns = patchWidth + 2 * MARGIN;
  const rows = patchHeight + 2 * MARGIN;
  // With the zeros on both sides, so that the second filter finds them too.
  const from = source + (<usize>(zeros * stride) << 2);
  const to = target + (<usize>(zeros * (coarseStride + 1)) << 2);
  const filtered = filterScratch + (<usize>zeros << 2);
  const all = width + 2 * GRADIENT_MARGIN + 4;
  if (simd) {
    simdKernels.halveAlongY(from, filterScratch, stride, all, rows, kernel);
    simdKernels.halveAlongX(filtered, to, stride, coarseStride, columns, rows, kernel);
  } else {
    scalarKernels.halveAlongY(from, filterScratch, stride, all, rows, kernel);
    scalarKernels.halveAlongX(filtered, to, stride, coarseStride, columns, rows, kernel);
  }
  clearAround(target, gradientBytes(patchWidth, patchHeight), coarseStride, zeros, columns, rows);
}
