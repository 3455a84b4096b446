/**
 * Bits of a patch's latents in one grid and their derivatives: the context window of FORMAT.md §4 in f32, forwards and backwards.
 *
 * READ ME FIRST
 * - The window has 3 columns to the left, 2 to the right and 3 rows above the patch; what must read 0 is 0, and the gradient that
 *   arrives there is dropped.
 * - The same walk over the window fills it and brings its gradient back to the planes.
 */
import { BACKWARD1, BACKWARD2, BIASES1, BIASES2, FORWARD1, FORWARD2, ZEROS } from "./weights";
import {
  DOWN, GRADIENT, SYMBOL, UP, gridWidth, locate, patchColumns, patchHeight, patchLog2, patchWidth, patchX, patchY, sampleAddress,
} from "./region";
import {
  TAP_MARGIN, bends, contextGradient, contextStride, contextWindow, gradient1, gradient2, hidden1, hidden2, laplaceRows, rowStride, tapGradients, tapStride,
} from "./scratch";
import { addRowWithin, addScaledRow, clampRow } from "./rows";
import { TILE_LOG2, simd } from "../memory";
import { GATED, PLAIN, RELU } from "./context_kernels";
import * as scalarKernels from "./context_kernels";
import * as simdKernels from "./context_kernels_simd";
import * as scalarTrades from "./trade_kernels";
import * as simdTrades from "./trade_kernels_simd";

const LEFT: i32 = 3;
const RIGHT: i32 = 2;
const ABOVE: i32 = 3;
const LARGEST_INPUT: f32 = 127;

/** Addresses of 16 rows: taps, hidden layers. */
const TAP_ROWS: usize = memory.data(64, 16);
const HIDDEN_ROWS: usize = memory.data(64, 16);
const GRADIENT2_ROWS: usize = memory.data(64, 16);
const GRADIENT1_ROWS: usize = memory.data(64, 16);

let stride: i32 = 0;

/**
 * Adds the derivatives of a patch's bits in one grid to the gradient planes.
 * @param bent  also fills UP and DOWN, where anything near is not 0
 */
export function rateGradient(weights: usize, patch: i32, grid: i32, offset: f32, bent: bool): void {
  locate(patch, grid);
  const width = patchWidth;
  stride = contextStride(width);
  const bytes = <usize>(stride * (patchHeight + ABOVE)) << 2;
  memory.fill(contextWindow, 0, bytes);
  memory.fill(contextGradient, 0, bytes);
  visitWindow(patch, grid, false);
  const rows = rowStride(width);
  const taps = tapStride(width);
  const tapBytes = <usize>(17 * taps) << 2;
  memory.fill(tapGradients, 0, tapBytes);
  const tapRows = tapGradients + (TAP_MARGIN << 2);
  listRows(HIDDEN_ROWS, hidden1, rows);
  listRows(GRADIENT2_ROWS, gradient2, rows);
  listRows(GRADIENT1_ROWS, gradient1, rows);
  const own = tapRows + (<usize>(16 * taps) << 2);
  for (let y = 0; y < patchHeight; ++y) {
    const shift = <usize>((y + ABOVE) * stride + LEFT) << 2;
    const origin = contextWindow + shift;
    listTaps(origin);
    let from = nextActive(origin, 0, width);
    if (from >= width) continue;
    // What no run of this row writes keeps the gradients of an earlier row otherwise.
    if (from > 0 || nextSettled(origin, 0, width) < width) memory.fill(tapGradients, 0, tapBytes);
    while (from < width) {
      const to = nextSettled(origin, from, width);
      const symbols = sampleAddress(SYMBOL, grid, patchX, patchY + y);
      rowGradient(weights, tapRows, taps, rows, symbols, offset, from, to, width);
      if (bent) rowBends(rows, own, grid, y, from, to);
      from = nextActive(origin, to, width);
    }
    if (simd) simdKernels.addTaps(tapRows, taps, contextGradient + shift, stride, width);
    else scalarKernels.addTaps(tapRows, taps, contextGradient + shift, stride, width);
    addScaledRow(own, sampleAddress(GRADIENT, grid, patchX, patchY + y), width, 1);
  }
  visitWindow(patch, grid, true);
}

/** Gradients of the positions from…to−1 of a row, in whole eights. */
function rowGradient(
  weights: usize, tapRows: usize, taps: i32, rows: i32, symbols: usize, offset: f32, from: i32, to: i32, width: i32,
): void {
  const own = tapRows + (<usize>(16 * taps) << 2);
  if (simd) {
    simdKernels.dense(RELU, TAP_ROWS, weights + FORWARD1, weights + BIASES1, hidden1, 0, rows, from, to);
    simdKernels.dense(RELU, HIDDEN_ROWS, weights + FORWARD2, weights + BIASES2, hidden2, 0, rows, from, to);
    simdKernels.lastLayer(weights, hidden2, symbols, offset, gradient2, own, laplaceRows, rows, from, to, width);
    simdKernels.dense(GATED, GRADIENT2_ROWS, weights + BACKWARD2, weights + ZEROS, gradient1, hidden1, rows, from, to);
    simdKernels.dense(PLAIN, GRADIENT1_ROWS, weights + BACKWARD1, weights + ZEROS, tapRows, 0, taps, from, to);
  } else {
    scalarKernels.dense(RELU, TAP_ROWS, weights + FORWARD1, weights + BIASES1, hidden1, 0, rows, from, to);
    scalarKernels.dense(RELU, HIDDEN_ROWS, weights + FORWARD2, weights + BIASES2, hidden2, 0, rows, from, to);
    scalarKernels.lastLayer(weights, hidden2, symbols, offset, gradient2, own, laplaceRows, rows, from, to, width);
    scalarKernels.dense(GATED, GRADIENT2_ROWS, weights + BACKWARD2, weights + ZEROS, gradient1, hidden1, rows, from, to);
    scalarKernels.dense(PLAIN, GRADIENT1_ROWS, weights + BACKWARD1, weights + ZEROS, tapRows, 0, taps, from, to);
  }
}

/** UP and DOWN of the positions from…to−1 of a row, after `rowGradient`. */
function rowBends(rows: i32, own: usize, grid: i32, y: i32, from: i32, to: i32): void {
  const down = bends + (<usize>rows << 2);
  if (simd) simdTrades.bendOfBits(laplaceRows, own, bends, down, rows, from, to);
  else scalarTrades.bendOfBits(laplaceRows, own, bends, down, rows, from, to);
  const start = <usize>from << 2;
  const bytes = <usize>(to - from) << 2;
  memory.copy(sampleAddress(UP, grid, patchX, patchY + y) + start, bends + start, bytes);
  memory.copy(sampleAddress(DOWN, grid, patchX, patchY + y) + start, down + start, bytes);
}

/** Whether eight positions, and all that they see, are exactly 0: nothing there moves, so their bits have no derivative that counts. */
// @ts-ignore: decorator
@inline
function isSettled(position: usize): bool {
  let any = f32x4.splat(0);
  let line = position - (<usize>(ABOVE * stride + LEFT) << 2);
  for (let row = 0; row <= ABOVE; ++row) {
    any = v128.or(any, v128.or(v128.load(line), v128.load(line, 16)));
    any = v128.or(any, v128.or(v128.load(line, 32), v128.load(line, 36)));
    line += <usize>stride << 2;
  }
  return !v128.any_true(any);
}

/** The first position from `x` on, in eights, that is not settled; `width` if there is none. */
function nextActive(origin: usize, x: i32, width: i32): i32 {
  while (x < width && isSettled(origin + (<usize>x << 2))) x += 8;
  return min(x, width);
}

/** The first position behind `x`, in eights, that is settled; `width` if there is none. */
function nextSettled(origin: usize, x: i32, width: i32): i32 {
  do x += 8;
  while (x < width && !isSettled(origin + (<usize>x << 2)));
  return min(x, width);
}

function listRows(table: usize, rows: usize, rowLength: i32): void {
  for (let row = 0; row < 16; ++row) store<u32>(table + (<usize>row << 2), <u32>(rows + (<usize>(row * rowLength) << 2)));
}

/** The 16 taps of FORMAT.md §4 as rows of the window, for the row of positions that starts at `origin`. */
function listTaps(origin: usize): void {
  let next = TAP_ROWS;
  next = listRun(next, origin, -3, 0, 2);
  next = listRun(next, origin, -2, -2, 5);
  next = listRun(next, origin, -1, -3, 6);
  listRun(next, origin, 0, -3, 3);
}

function listRun(next: usize, origin: usize, dy: i32, dx: i32, count: i32): usize {
  for (let tap = 0; tap < count; ++tap) {
    store<u32>(next, <u32>(origin + ((dy * stride + dx + tap) << 2)));
    next += 4;
  }
  return next;
}

/** Fills the window from SYMBOL, or adds the window's gradient to GRADIENT where it was filled. */
function visitWindow(patch: i32, grid: i32, back: bool): void {
  let left = 0;
  let top = 0;
  let right = gridWidth(grid);
  if (grid < 3) {
    const side = TILE_LOG2 - grid;
    left = (patchX >> side) << side;
    top = (patchY >> side) << side;
    right = min(right, left + (1 << side));
  }
  const from = max(patchX - LEFT, left);
  const to = min(patchX + patchWidth + RIGHT, right);
  for (let y = max(patchY - ABOVE, top); y < patchY; ++y) visitEarlier(patch, grid, y, from, to, back);
  for (let y = patchY; y < patchY + patchHeight; ++y) {
    visitEarlier(patch, grid, y, from, patchX, back);
    visitSamples(grid, y, patchX, patchX + patchWidth, back);
  }
}

/** The samples from…to−1 of row y that lie in earlier patches. */
function visitEarlier(patch: i32, grid: i32, y: i32, from: i32, to: i32, back: bool): void {
  const side = patchLog2 - grid;
  const row = (y >> side) * patchColumns;
  while (from < to) {
    const column = from >> side;
    const end = min(to, (column + 1) << side);
    const other = row + column;
    if (other < patch) visitSamples(grid, y, from, end, back);
    from = end;
  }
}

function visitSamples(grid: i32, y: i32, from: i32, to: i32, back: bool): void {
  const shift = ((y - patchY + ABOVE) * stride + from - patchX + LEFT) << 2;
  const symbols = sampleAddress(SYMBOL, grid, from, y);
  if (!back) clampRow(symbols, contextWindow + shift, to - from, LARGEST_INPUT);
  // A clamped input has no derivative.
  else addRowWithin(contextGradient + shift, sampleAddress(GRADIENT, grid, from, y), symbols, to - from, LARGEST_INPUT);
}
