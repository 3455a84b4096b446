/** One gradient step over a region: stand-ins for rounding, derivatives of J / λ, Adam. */
import { GRIDS, codecOfMode, simd } from "../memory";
import { rateGradient } from "./context";
import { hyperbolicTangent } from "./math";
import { errorGradient } from "./pixels";
import {
  GRADIENT, MOMENT, SLOPE, SYMBOL, VALUE, VARIANCE, clearGradients, locate, modeOfPatch, patchX, patchY, regionHeight, regionWidth, regionX, regionY, sampleAddress,
} from "./region";
import { quantiles } from "./scratch";
import * as scalarKernels from "./steps_kernels";
import * as simdKernels from "./steps_kernels_simd";

let inverseGain: f32 = 1;
/** f32 per grid: the log-scale offset of the step, and what the picture adds to it. */
const OFFSETS: usize = memory.data(28, 4);
let stepOffset: f32 = 0;
let pixels: usize = 0;
let pixelStride: usize = 0;
let errorScale: f32 = 0;

/** Inverse gain Q14 and log-scale offset Q8 of the step (FORMAT.md §7.3). */
export function setStep(inverseGainQ14: i32, offsetQ8: i32): void {
  inverseGain = <f32>inverseGainQ14 / 16384.0;
  stepOffset = <f32>offsetQ8 / 256.0;
  for (let grid = 0; grid < GRIDS; ++grid) setScale(grid, 0);
}

/** Adds to the classes of all rows of a grid, after `setStep` (FORMAT.md §1.1, "Scales"). */
export function setScale(grid: i32, classes: i32): void {
  store<f32>(OFFSETS + (<usize>grid << 2), stepOffset + <f32>classes / 8.0);
}

/**
 * The pixels to come near to, and the price of a bit in mean squared error on [0, 1], as in `setLambda` of the core.
 * @param rgba  RGBA8 of the region, rows `stride` bytes apart, at least 32 readable bytes behind the last
 */
export function setTarget(rgba: usize, stride: u32, lambda: f64): void {
  pixels = rgba;
  pixelStride = stride;
  errorScale = <f32>(2.0 / (3.0 * lambda));
}

/** How many of 256 ranks a latent's noise goes on from step to step: the golden ratio, whose multiples fill the circle evenly at any length. */
const STRIDE: u32 = 158;

/**
 * Noise in (−½, ½) by rank, from Kumaraswamy's distribution: uniform for shape 1, closer to 0 above.
 * @param first  the first entry, cyclically
 */
function fillQuantiles(shape: f32, first: u32): void {
  const second = (Mathf.pow(2, shape) * (shape - 1) + 1) / shape;
  for (let rank: u32 = 0; rank < 256; ++rank) {
    const rest: f32 = 1 - (<f32>rank + 0.5) / 256;
    store<f32>(quantiles + (<usize>((rank - first) & 255) << 2), Mathf.pow(1 - Mathf.pow(rest, 1 / second), 1 / shape) - 0.5);
  }
}

/**
 * Sets SYMBOL and SLOPE of the whole region from VALUE; see `noisyRound`.
 * @param step  number of the step. Every latent keeps its place in the table of noise, which turns from step to step: the mean of a few such
 * numbers is nearer to the mean of all than that of independent ones, so a few steps find what took three times as many.
 */
export function roundSoftly(temperature: f32, shape: f32, settled: f32, step: u32): void {
  fillQuantiles(shape, step * STRIDE);
  const inverse: f32 = 1 / temperature;
  const scale: f32 = 0.5 / hyperbolicTangent(0.5 * inverse);
  let counter: u32 = 0;
  for (let grid = 0; grid < GRIDS; ++grid) {
    const x = regionX(grid);
    const count = regionWidth(grid);
    for (let y = regionY(grid); y < regionY(grid) + regionHeight(grid); ++y) {
      const values = sampleAddress(VALUE, grid, x, y);
      const symbols = sampleAddress(SYMBOL, grid, x, y);
      const slopes = sampleAddress(SLOPE, grid, x, y);
      if (simd) simdKernels.noisyRound(values, symbols, slopes, count, quantiles, counter, inverse, scale, settled);
      else scalarKernels.noisyRound(values, symbols, slopes, count, quantiles, counter, inverse, scale, settled);
      counter += <u32>count;
    }
  }
}

/** Sets every derivative to 0; `patchGradient` adds to them. */
export function startGradients(): void {
  clearGradients();
}

/** Adds the derivatives of a patch's J / λ by SYMBOL. `patch` must lie in the region. */
export function patchGradient(patch: i32): void {
  addGradient(patch, false);
}

/** See `patchGradient`. @param bent  also fills UP and DOWN (`rateGradient`) */
export function addGradient(patch: i32, bent: bool): void {
  const weights = codecOfMode(modeOfPatch(patch));
  for (let grid = GRIDS - 1; grid >= 0; --grid) rateGradient(weights, patch, grid, load<f32>(OFFSETS + (<usize>grid << 2)), bent);
  locate(patch, 0);
  const corner = pixels + <usize>(patchY - regionY(0)) * pixelStride + (<usize>(patchX - regionX(0)) << 2);
  errorGradient(weights, patch, inverseGain, corner, pixelStride, errorScale);
}

/**
 * Moves VALUE of the whole region; see `adam` in `steps_kernels.ts`.
 * @param growth  how much more of `rate` each coarser grid gets: their latents are larger
 */
export function moveLatents(rate: f32, growth: f32, first: f32, second: f32, firstScale: f32, secondScale: f32, epsilon: f32): void {
  for (let grid = 0; grid < GRIDS; ++grid) {
    const own = rate * (1 + growth * <f32>grid);
    const x = regionX(grid);
    const count = regionWidth(grid);
    for (let y = regionY(grid); y < regionY(grid) + regionHeight(grid); ++y) {
      const values = sampleAddress(VALUE, grid, x, y);
      const slopes = sampleAddress(SLOPE, grid, x, y);
      const gradients = sampleAddress(GRADIENT, grid, x, y);
      const moments = sampleAddress(MOMENT, grid, x, y);
      const variances = sampleAddress(VARIANCE, grid, x, y);
      if (simd) simdKernels.adam(values, slopes, gradients, moments, variances, count, own, first, second, firstScale, secondScale, epsilon);
      else scalarKernels.adam(values, slopes, gradients, moments, variances, count, own, first, second, firstScale, secondScale, epsilon);
    }
  }
}
