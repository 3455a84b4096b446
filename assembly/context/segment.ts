/**
 * Segments: the latents of a range of grids and patches, to bytes and back (FORMAT.md §2.1).
 *
 * READ ME FIRST
 * - Inside a patch symbols go along wavefronts x + 3y = t: every tap of a symbol lies on an earlier one, so all predictions of a
 *   wavefront are made before its symbols are read.
 * - Encoding runs the same order forwards to predict, writes (prediction, latent) down, and then codes in reverse.
 */
import { closeFront, markReaders, marksOf, resetFronts } from "./activity";
import { integerOf, rowOf, zeroPrediction } from "./arm";
import { predictRun } from "./predict";
import { addressInWindow, buildWindow, toContext, windowStride } from "./window";
import { decodeResidual, putResidual } from "../entropy/escape";
import {
  advance, desynchronise, desynchronised, finishDecoding, finishEncoding, saveState, slotOf, startDecoding, startEncoding, stateOf,
  validLanes,
} from "../entropy/rans";
import { frequencyOf, peakFrequency, peakOf, peakResidual, peakStart, reachOf, rowPointer, startOf } from "../entropy/tables";
import {
  GRIDS, STEP_ROWS, TILE_LOG2, allocateLarge, codecOfMode, gridHeight, gridWidth, locatePatch, mark, modeOfPatch, modes, patchColumns,
  patchHeight, patchLog2, patchRows, patchWidth, patchX, patchY, planeOfMode, release, rowAddress, tileColumns, tileCount,
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

/** First row of the patch's wavefront t that lies inside `patchWidth`. */
// @ts-ignore: decorator
@inline
function firstOfFront(front: i32): i32 {
  const beyond = front - patchWidth + 1;
  return beyond > 0 ? (beyond + 2) / 3 : 0;
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

/** Sets a row of samples to 0. */
// @ts-ignore: decorator
@inline
function clearRow(row: usize, samples: i32): void {
  let x = 0;
  for (; x + 4 <= samples; x += 4) store<u64>(row + (<usize>x << 1), 0);
  for (; x < samples; ++x) store<i16>(row + (<usize>x << 1), 0);
}

/**
 * Decodes the samples of one patch in one grid.
 *
 * Where contexts are empty, the likeliest symbol is 0 and all constants are at hand: such symbols, most of a fine grid, take a comparison and
 * a multiplication each.
 * @returns the number of symbols of the segment so far
 */
function decodePatch(patch: i32, grid: i32, symbol: i32, laneMask: i32): i32 {
  const mode = modeOfPatch(patch);
  const codec = codecOfMode(mode);
  locatePatch(patch, grid);
  buildWindow(patch, mode, grid, false);
  resetFronts();
  const width = <usize>gridWidth(grid) << 1;
  const origin = rowAddress(planeOfMode(mode, grid), grid, patchY) + (<usize>patchX << 1);
  // Zeros are not stored one by one.
  for (let y = 0; y < patchHeight; ++y) clearRow(origin + <usize>y * width, patchWidth);
  const empty = zeroPrediction(codec);
  const emptyRow = rowOf(empty);
  // The symbol of latent 0 in that row, if it is not an escape.
  const zero = reachOf(emptyRow) + 1 - integerOf(empty);
  const coded = zero > 0 && zero < 2 * reachOf(emptyRow) + 2;
  const zeroStart = coded ? startOf(rowPointer(emptyRow), zero) : 0;
  const zeroFrequency = coded ? frequencyOf(rowPointer(emptyRow), zero) : 0;
  // From one row of a front to the next.
  const step = windowStride - 6;
  const sampleStep = width - 6;
  const fronts = patchWidth + 3 * (patchHeight - 1);
  let state = stateOf(symbol & laneMask);
  // Not 0 once a latent does not fit 16 bits.
  let excess = 0;
  for (let front = 0; front < fronts; ++front) {
    const leftmost = front / 3;
    const last = min(patchHeight - 1, leftmost);
    const window = addressInWindow(front, 0);
    const samples = origin + (<usize>front << 1);
    for (let y = firstOfFront(front); y <= last; ) {
      const base = y & ~63;
      const end = min(last, y | 63) + 1;
      let marks = marksOf(front, y, end, leftmost);
      predictRun(codec, window + <usize>base * step, step, marks, STEP_ROWS);
      let found: u64 = 0;
      while (true) {
        const stop = marks != 0 ? base + <i32>ctz(marks) : end;
        while (y < stop && slotOf(state) - zeroStart < zeroFrequency) {
          state = advance(state, zeroFrequency, slotOf(state) - zeroStart);
          if (laneMask != 0) {
            saveState(symbol & laneMask, state);
            state = stateOf(++symbol & laneMask);
          }
          ++y;
        }
        if (y == end) break;
        let predicted = empty;
        if (y == stop) {
          predicted = load<u32>(STEP_ROWS + (<usize>(y - base) << 2));
          marks &= marks - 1;
        }
        const peak = peakOf(rowOf(predicted));
        const offset = slotOf(state) - peakStart(peak);
        let latent = integerOf(predicted);
        if (offset < peakFrequency(peak)) {
          state = advance(state, peakFrequency(peak), offset);
          latent += peakResidual(peak);
        } else {
          saveState(symbol & laneMask, state);
          latent += decodeResidual(symbol & laneMask, rowOf(predicted));
          state = stateOf(symbol & laneMask);
        }
        // No branch on what the latent is: half of those that come here are 0, in no order.
        excess |= latent ^ <i32>(<i16>latent);
        store<i16>(window + <usize>y * step, toContext(latent));
        store<i16>(samples + <usize>y * sampleStep, <i16>latent);
        found |= <u64>(latent != 0) << (y & 63);
        if (laneMask != 0) {
          saveState(symbol & laneMask, state);
          state = stateOf(++symbol & laneMask);
        }
        ++y;
      }
      if (found != 0) markReaders(front, base, found);
    }
    closeFront(front);
  }
  if (excess != 0) desynchronise();
  saveState(symbol & laneMask, state);
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
  resetFronts();
  const width = gridWidth(grid);
  const origin = rowAddress(planeOfMode(mode, grid), grid, patchY) + (<usize>patchX << 1);
  const empty = zeroPrediction(codec);
  const step = windowStride - 6;
  const sampleStep = (<usize>width << 1) - 6;
  const fronts = patchWidth + 3 * (patchHeight - 1);
  for (let front = 0; front < fronts; ++front) {
    const leftmost = front / 3;
    const last = min(patchHeight - 1, leftmost);
    const window = addressInWindow(front, 0);
    const samples = origin + (<usize>front << 1);
    for (let y = firstOfFront(front); y <= last; ) {
      const base = y & ~63;
      const end = min(last, y | 63) + 1;
      let marks = marksOf(front, y, end, leftmost);
      predictRun(codec, window + <usize>base * step, step, marks, STEP_ROWS);
      let found: u64 = 0;
      for (let bit = y & 63; y < end; ++y, ++bit) {
        const latent = <i32>load<i16>(samples + <usize>y * sampleStep);
        store<u32>(out, ((marks >> bit) & 1) != 0 ? load<u32>(STEP_ROWS + (<usize>bit << 2)) : empty);
        store<i32>(out, latent, 4);
        found |= <u64>(latent != 0) << bit;
        out += 8;
      }
      if (found != 0) markReaders(front, base, found);
    }
    closeFront(front);
  }
  return out;
}
