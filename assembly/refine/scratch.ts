/**
 * Scratch of one patch for the gradients.
 *
 * READ ME FIRST
 * - Forward planes have the layout of `levelStride` (memory.ts). Gradient planes have zeros around them, so that the transposed
 *   filters are plain "valid" filters: 6 + 3 samples before the patch, at least as many behind it.
 * - Kernels write whole vectors; `clearAround` makes the zeros afterwards.
 */
import { allocate, levelRows, levelStride } from "../memory";

/** Samples of a gradient plane before the patch: 3 of margin and 6 that the transposed filters reach. */
export const GRADIENT_MARGIN: i32 = 9;

/** Features of a level and of the next one, as in the core. */
export let evenLevels: usize = 0;
export let oddLevels: usize = 0;
export let floatWindow: usize = 0;
export let filterScratch: usize = 0;
/** Gradients of the features of a level and of the next one. */
export let evenGradients: usize = 0;
export let oddGradients: usize = 0;
/** Gradients of the pixels and of the third layer, each 3 planes with zeros around. */
export let pixelGradients: usize = 0;
export let thirdGradients: usize = 0;
/** Context window and its gradient, f32. */
export let contextWindow: usize = 0;
export let contextGradient: usize = 0;
/** Rows of activations: 16 each of the first and second hidden layer and of their gradients. */
export let hidden1: usize = 0;
export let hidden2: usize = 0;
export let gradient1: usize = 0;
export let gradient2: usize = 0;
/** Gradients of the taps, 16 rows with zeros on both sides, then the symbols' own. */
export let tapGradients: usize = 0;
/** What `lastLayer` leaves for trades: latents less their means, and inverse scales, a row each. */
export let laplaceRows: usize = 0;
/** How the symbols' own bits bend upwards and downwards, a row each; then seven rows of the colours' slopes. */
export let bends: usize = 0;
export let slopeRows: usize = 0;
/** The same, added up over the rows that lie under the same latents. */
export let slopeSums: usize = 0;
/** f32 × 256: quantiles of the rounding noise. */
export let quantiles: usize = 0;
/** Which hidden units are shut at the pixels of the patch and of SIGNS_MARGIN around it (`pointwise`). */
export let unitSigns: usize = 0;
/** 48 units of the synthesis: 8 pixels and an address each (`pixel_kernels_simd.ts`); the scalar twin needs less. */
export let unitGradients: usize = 0;

/** Floats from one row of a gradient plane to the next. */
export function gradientStride(width: i32): i32 {
  return (width + 36) & ~3;
}

export function gradientRows(height: i32): i32 {
  return height + 21;
}

/** Which hidden units are shut at 8 pixels: a byte each. */
export const SIGNS_BYTES: usize = 48;

/** Pixels around the patch of which the hidden units are computed. */
export const SIGNS_MARGIN: i32 = 2;

/** Bytes from one row of signs to the next. */
export function signsRow(width: i32): usize {
  return <usize>((width + 2 * SIGNS_MARGIN + 7) >> 3) * SIGNS_BYTES;
}

// @ts-ignore: decorator
@inline
export function levelBytes(width: i32, height: i32): usize {
  return <usize>(levelStride(width) * levelRows(height)) << 2;
}

// @ts-ignore: decorator
@inline
export function gradientBytes(width: i32, height: i32): usize {
  return <usize>(gradientStride(width) * gradientRows(height)) << 2;
}

/** Floats from one row of activations of the context model to the next. */
export function rowStride(width: i32): i32 {
  return (width + 11) & ~3;
}

/** Zeros before a row of tap gradients, and floats from one such row to the next. */
export const TAP_MARGIN: i32 = 8;

export function tapStride(width: i32): i32 {
  return (width + 31) & ~3;
}

/** Floats from one row of a context window to the next. */
export function contextStride(width: i32): i32 {
  return (width + 24) & ~3;
}

function zeroed(bytes: usize): usize {
  const slack: usize = 256;
  const pointer = allocate(<u32>(bytes + slack));
  if (pointer != 0) memory.fill(pointer, 0, bytes + slack);
  return pointer;
}

/** @returns whether there was memory for patches of this side */
export function placeScratch(side: i32): bool {
  evenLevels = zeroed(7 * levelBytes(side, side));
  oddLevels = zeroed(6 * levelBytes(side, side));
  floatWindow = zeroed(gradientBytes(side, side));
  filterScratch = zeroed(gradientBytes(side, side));
  evenGradients = zeroed(7 * gradientBytes(side, side));
  oddGradients = zeroed(6 * gradientBytes(side, side));
  pixelGradients = zeroed(3 * levelBytes(side, side));
  thirdGradients = zeroed(3 * levelBytes(side, side));
  contextWindow = zeroed(<usize>(contextStride(side) * (side + 3)) << 2);
  contextGradient = zeroed(<usize>(contextStride(side) * (side + 3)) << 2);
  const rows = <usize>(16 * rowStride(side)) << 2;
  hidden1 = zeroed(rows);
  hidden2 = zeroed(rows);
  gradient1 = zeroed(rows);
  gradient2 = zeroed(rows);
  tapGradients = zeroed(<usize>(17 * tapStride(side)) << 2);
  laplaceRows = zeroed(<usize>(2 * rowStride(side)) << 2);
  bends = zeroed(<usize>(2 * rowStride(side)) << 2);
  slopeRows = zeroed(<usize>(7 * rowStride(side)) << 2);
  slopeSums = zeroed(<usize>(7 * rowStride(side)) << 2);
  quantiles = zeroed(1024);
  unitSigns = zeroed(signsRow(side) * <usize>(side + 2 * SIGNS_MARGIN));
  unitGradients = zeroed(48 * 48);
  // The arena only grows: when the last part found room, all did.
  return evenLevels != 0 && oddLevels != 0 && floatWindow != 0 && filterScratch != 0 && evenGradients != 0 && oddGradients != 0 &&
    pixelGradients != 0 && thirdGradients != 0 && contextWindow != 0 && contextGradient != 0 && hidden1 != 0 && hidden2 != 0 &&
    gradient1 != 0 && gradient2 != 0 && tapGradients != 0 && laplaceRows != 0 && bends != 0 && slopeRows != 0 && slopeSums != 0 && quantiles != 0 && unitSigns != 0 && unitGradients != 0;
}

/**
 * Sets to 0 what surrounds the results in a plane, and what kernels have written beyond them.
 * @param plane  `bytes` of it, rows `stride` floats apart; the first of `rows` results of `width` begins `margin` rows and as many floats behind its start
 */
export function clearAround(plane: usize, bytes: usize, stride: i32, margin: i32, width: i32, rows: i32): void {
  let row = plane + (<usize>(margin * (stride + 1)) << 2);
  memory.fill(plane, 0, row - plane);
  const zero = f32x4.splat(0);
  for (let y = 0; y < rows; ++y) {
    const next = row + (<usize>stride << 2);
    let at = row + (<usize>width << 2);
    for (; at + 16 <= next; at += 16) v128.store(at, zero);
    for (; at < next; at += 4) store<f32>(at, 0);
    row = next;
  }
  memory.fill(row, 0, plane + bytes - row);
}
