/**
 * Segments: the latents of a range of grids and patches, to bytes and back (FORMAT.md §2.1).
 *
 * READ ME FIRST
 * - Inside a patch symbols go along wavefronts x + 3y = t: every tap of a symbol lies on an earlier one, so all predictions of a
 *   wavefront are made before its symbols are read.
 * - Encoding runs the same order forwards to predict, writes (prediction, latent) down, and then codes in reverse.
 */
import { integerOf, predict, rowOf } from "./arm";
import { predictSimd } from "./arm_simd";
import { buildWindow, toContext, windowOrigin, windowStride } from "./window";
import { decodeLatent, putResidual, residualBits } from "../entropy/escape";
import { desynchronised, finishDecoding, finishEncoding, startDecoding, startEncoding, validLanes } from "../entropy/rans";
import {
  GRIDS, STEP_ROWS, TILE_LOG2, allocateLarge, codecOfMode, gridHeight, gridWidth, locatePatch, mark, modeOfPatch, modes, patchColumns,
  patchHeight, patchLog2, patchRows, patchRowsScratch, patchWidth, patchX, patchY, planeOfMode, release, rowAddress, simd, tileColumns, tileCount,
} from "../memory";
import { Status } from "../status";

const COARSEST: i32 = GRIDS - 1;
const FIRST_COARSE_GRID: i32 = 3;

// The patches and grids of the segment that `openSegment` was asked for.
let firstColumn: i32 = 0;
let lastColumn: i32 = 0;
let firstRow: i32 = 0;
let lastRow: i32 = 0;
let firstGrid: i32 = 0;
let lastGrid: i32 = 0;

/** @returns whether the segment exists in the open picture */
function openSegment(segment: i32): bool {
  if (modes == 0 || segment < 0 || segment > tileCount()) return false;
  firstColumn = 0;
  firstRow = 0;
  lastColumn = patchColumns;
  lastRow = patchRows;
  firstGrid = COARSEST;
  lastGrid = FIRST_COARSE_GRID;
  if (segment > 0) {
    const side = 1 << (TILE_LOG2 - patchLog2);
    const row = (segment - 1) / tileColumns;
    firstRow = row * side;
    firstColumn = (segment - 1 - row * tileColumns) * side;
    lastRow = min(patchRows, firstRow + side);
    lastColumn = min(patchColumns, firstColumn + side);
    firstGrid = FIRST_COARSE_GRID - 1;
    lastGrid = 0;
  }
  return true;
}

// @ts-ignore: decorator
@inline
function predictRun(codec: usize, position: usize, step: isize, count: i32, out: usize): void {
  if (simd) predictSimd(codec, position, windowStride, step, count, out);
  else predict(codec, position, windowStride, step, count, out);
}

/** First row of the patch's wavefront t that lies inside `patchWidth`. */
// @ts-ignore: decorator
@inline
function firstOfFront(front: i32): i32 {
  const beyond = front - patchWidth + 1;
  return beyond > 0 ? (beyond + 2) / 3 : 0;
}

// @ts-ignore: decorator
@inline
function addressInWindow(x: i32, y: i32): usize {
  return windowOrigin + <usize>y * windowStride + (<usize>x << 1);
}

/**
 * Decodes a segment into the planes of its patches' modes.
 * @param segment  0 = coarse grids, 1 + t = tile t
 * @returns ok, invalidArgument or entropyDesync
 */
export function decodeSegment(segment: i32, pointer: usize, length: u32, lanes: i32): i32 {
  if (!openSegment(segment) || !validLanes(lanes)) return Status.invalidArgument;
  const status = startDecoding(pointer, length, lanes);
  if (status != Status.ok) return status;
  let symbol = 0;
  for (let grid = firstGrid; grid >= lastGrid; --grid) {
    for (let row = firstRow; row < lastRow; ++row) {
      for (let column = firstColumn; column < lastColumn; ++column) {
        symbol = decodePatch(row * patchColumns + column, grid, symbol, lanes - 1);
        if (desynchronised) return Status.entropyDesync;
      }
    }
  }
  return finishDecoding();
}

/** Decodes the samples of one patch in one grid. @returns the number of symbols of the segment so far */
function decodePatch(patch: i32, grid: i32, symbol: i32, laneMask: i32): i32 {
  const mode = modeOfPatch(patch);
  const codec = codecOfMode(mode);
  locatePatch(patch, grid);
  buildWindow(patch, mode, grid, false);
  const width = gridWidth(grid);
  const origin = rowAddress(planeOfMode(mode, grid), grid, patchY) + (<usize>patchX << 1);
  const step = <isize>windowStride - 6;
  const fronts = patchWidth + 3 * (patchHeight - 1);
  for (let front = 0; front < fronts; ++front) {
    const first = firstOfFront(front);
    const last = min(patchHeight - 1, front / 3);
    if (first > last) continue;
    let address = addressInWindow(front - 3 * first, first);
    predictRun(codec, address, step, last - first + 1, STEP_ROWS);
    let prediction = STEP_ROWS;
    for (let y = first; y <= last; ++y) {
      const predicted = load<u32>(prediction);
      const latent = decodeLatent(symbol & laneMask, rowOf(predicted), integerOf(predicted));
      store<i16>(address, toContext(latent));
      store<i16>(origin + ((<usize>y * width + <usize>(front - 3 * y)) << 1), <i16>latent);
      address += step;
      prediction += 4;
      ++symbol;
    }
  }
  return symbol;
}

/**
 * Encodes a segment from the planes of its patches' modes.
 * @returns its bytes, −1 when `capacity` is too small, −2 for arguments that make no sense, −3 without memory
 */
export function encodeSegment(segment: i32, out: usize, capacity: u32, lanes: i32): i32 {
  if (!openSegment(segment) || !validLanes(lanes)) return -2;
  let count: u64 = 0;
  for (let grid = firstGrid; grid >= lastGrid; --grid) {
    const side = patchLog2 - grid;
    const columns = min(gridWidth(grid), lastColumn << side) - (firstColumn << side);
    const rows = min(gridHeight(grid), lastRow << side) - (firstRow << side);
    count += <u64>columns * <u64>rows;
  }
  const before = mark();
  const symbols = allocateLarge(count << 3);
  if (symbols == 0) return -3;
  let next = symbols;
  for (let grid = firstGrid; grid >= lastGrid; --grid) {
    for (let row = firstRow; row < lastRow; ++row) {
      for (let column = firstColumn; column < lastColumn; ++column) {
        next = collectPatch(row * patchColumns + column, grid, next);
      }
    }
  }
  startEncoding(out, capacity, lanes);
  for (let symbol = <i32>count - 1; symbol >= 0; --symbol) {
    next -= 8;
    const predicted = load<u32>(next);
    putResidual(symbol & (lanes - 1), rowOf(predicted), load<i32>(next, 4) - integerOf(predicted));
  }
  const bytes = finishEncoding(out, capacity);
  release(before);
  return bytes;
}

/** Writes {prediction u32, latent i32} of a patch's samples in coding order. @returns the address after them */
export function collectPatch(patch: i32, grid: i32, out: usize): usize {
  const mode = modeOfPatch(patch);
  const codec = codecOfMode(mode);
  locatePatch(patch, grid);
  buildWindow(patch, mode, grid, true);
  const width = gridWidth(grid);
  const origin = rowAddress(planeOfMode(mode, grid), grid, patchY) + (<usize>patchX << 1);
  const step = <isize>windowStride - 6;
  const fronts = patchWidth + 3 * (patchHeight - 1);
  for (let front = 0; front < fronts; ++front) {
    const first = firstOfFront(front);
    const last = min(patchHeight - 1, front / 3);
    if (first > last) continue;
    predictRun(codec, addressInWindow(front - 3 * first, first), step, last - first + 1, STEP_ROWS);
    for (let y = first; y <= last; ++y) {
      store<u32>(out, load<u32>(STEP_ROWS + (<usize>(y - first) << 2)));
      store<i32>(out, <i32>load<i16>(origin + ((<usize>y * width + <usize>(front - 3 * y)) << 1)), 4);
      out += 8;
    }
  }
  return out;
}

/**
 * Exact code length of a patch's symbols if it had `mode` and all other patches theirs of the mode map; needs `loadCosts`.
 * @returns bits
 */
export function patchRate(patch: i32, mode: i32): f64 {
  const codec = codecOfMode(mode);
  let bits: f64 = 0;
  for (let grid = COARSEST; grid >= 0; --grid) {
    locatePatch(patch, grid);
    buildWindow(patch, mode, grid, true);
    const width = gridWidth(grid);
    const origin = rowAddress(planeOfMode(mode, grid), grid, patchY) + (<usize>patchX << 1);
    for (let y = 0; y < patchHeight; ++y) {
      predictRun(codec, addressInWindow(0, y), 2, patchWidth, patchRowsScratch);
      const latents = origin + (<usize>(y * width) << 1);
      for (let x: usize = 0; x < <usize>patchWidth; ++x) {
        const predicted = load<u32>(patchRowsScratch + (x << 2));
        bits += residualBits(rowOf(predicted), <i32>load<i16>(latents + (x << 1)) - integerOf(predicted));
      }
    }
  }
  return bits;
}
