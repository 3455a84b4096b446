/**
 * Limits on pictures, and every size computation that an untrusted number enters.
 *
 * Sizes are JavaScript numbers (exact up to 2^53) and are checked here before anything is allocated.
 */

import type { Refinement } from './effort.js';
import { type ErrorCode, TesseraError } from './errors.js';
import { regionSides, tileSide } from './geometry.js';

/** Limits of a reader or writer. 0 means unlimited, up to the hard limits of the format and of WebAssembly. */
export interface Limits {
  /** Largest width × height. */
  readonly maxPixels: number;
  /** Largest width and largest height. */
  readonly maxDimension: number;
  /** Largest estimated peak memory in bytes: output or input pixels, plus the core's memory. */
  readonly maxMemory: number;
}

/** 67 megapixels, 32,768 a side, 2 GiB. */
export const defaultLimits: Limits = { maxPixels: 2 ** 26, maxDimension: 32_768, maxMemory: 2 ** 31 };

/** What the format can express (FORMAT.md §1) and what a 32-bit WebAssembly memory can hold with room to spare. */
const hardLimits: Limits = { maxPixels: 2 ** 28, maxDimension: 65_536, maxMemory: 4 * 2 ** 30 - 2 ** 26 };

const fixedMemory = 16 * 2 ** 20;
/** Weights and scratch of a patch for trades. */
const scratchMemory = 4 * 2 ** 20;

/** Checks the caller's limits and fills in the defaults. */
export function resolveLimits(limits: Partial<Limits> = {}): Limits {
  const resolve = (name: keyof Limits): number => {
    const value = limits[name] ?? defaultLimits[name];
    if (!Number.isFinite(value) || value < 0)
      throw new TesseraError('invalidArgument', `limits.${name} is not a number of at least 0: ${value}`);
    return value === 0 ? hardLimits[name] : Math.min(value, hardLimits[name]);
  };
  return { maxPixels: resolve('maxPixels'), maxDimension: resolve('maxDimension'), maxMemory: resolve('maxMemory') };
}

/**
 * Estimated peak memory in bytes: pixels and the core's memory, without onnxruntime's. Latents that the core packs may be as large as
 * plain ones.
 *
 * @param width - pixels, a whole number
 * @param height - pixels, a whole number
 * @param sets - latent sets held at once: one per competing codec when encoding; 0 when decoding, for two rows of tiles
 * @param refinement - what is done to the winners' latents
 */
export function estimateMemory(width: number, height: number, sets: number, refinement?: Refinement): number {
  // RGBA pixels once; latents as i16 in 4/3 samples per pixel; a strip of up to 256 rows of pixels, and a row of tiles of alpha.
  const pixels = width * height;
  const latents = sets > 0 ? pixels * (8 / 3) * sets : width * Math.min(height, 2 * tileSide) * (21 / 8) + pixels / 24;
  const refined = refinement === undefined ? 0 : memoryOfRefinement(pixels, refinement);
  return Math.ceil(pixels * 4 + latents + width * (256 * 4 + tileSide) + refined) + fixedMemory;
}

/** The winners' latents twice and the planes of a region, 40 bytes a pixel; gradient steps have larger regions. Without passes nothing moves. */
function memoryOfRefinement(pixels: number, { passes }: Refinement): number {
  if (passes.length === 0) return pixels * (8 / 3) + scratchMemory / 4;
  const [side, rest] = passes.every(({ gradient }) => gradient === undefined)
    ? [regionSides.trades, scratchMemory]
    : [regionSides.gradient, fixedMemory];
  return pixels * (16 / 3) + Math.min(pixels, side ** 2) * 40 + rest;
}

/**
 * Refuses a picture that is over the limits.
 *
 * @throws TesseraError `limitDimension`, `limitPixels` or `limitMemory`, naming the limit
 */
export function checkSize(width: number, height: number, sets: number, limits: Limits, refinement?: Refinement): void {
  const check = (value: number, name: keyof Limits, code: ErrorCode, what: string): void => {
    if (value > limits[name])
      throw new TesseraError(code, `${width}×${height} is ${value} ${what}, over the limit of ${limits[name]} (limits.${name})`);
  };
  check(Math.max(width, height), 'maxDimension', 'limitDimension', 'a side');
  check(width * height, 'maxPixels', 'limitPixels', 'pixels');
  check(estimateMemory(width, height, sets, refinement), 'maxMemory', 'limitMemory', 'bytes');
}
