/**
 * The entropy coder and the context model on plain arrays, for tests, reference vectors and measurements.
 */
import { integerOf, predict, rowOf } from "./context/arm";
import { predictSimd } from "./context/arm_simd";
import { toContext } from "./context/window";
import { largestOf, largestOfSimd } from "./entropy/largest";
import {
  advance, desynchronised, finishDecoding, finishEncoding, put, saveState, slotOf, startDecoding, startEncoding, stateOf, symbolAt, validLanes,
} from "./entropy/rans";
import { putTurns } from "./entropy/runs";
import { frequencyIn, frequencyOf, peakFrequency, peakStart, peakSymbol, rowPointer, slotsOf, startIn, startOf, symbolPeakOf } from "./entropy/tables";
import { allocateLarge, mark, release, simd } from "./memory";
import { Status } from "./status";

const ROWS: u32 = 1024;
const LAST_SYMBOL: u32 = 70;

// @ts-ignore: decorator
@inline
function at16(array: usize, index: i32): u32 {
  return load<u16>(array + (<usize>index << 1));
}

/** Whether all rows are below 1024 and all symbols lie within a row's entries. */
function areRowSymbols(symbols: usize, rows: usize, count: i32): bool {
  if (simd) return largestOfSimd(rows, count) < ROWS && largestOfSimd(symbols, count) <= LAST_SYMBOL;
  return largestOf(rows, count) < ROWS && largestOf(symbols, count) <= LAST_SYMBOL;
}

/**
 * Encodes row symbols (escapes are not followed by values here).
 * @param symbols, rows  u16 × count
 * @returns bytes, −1 when `capacity` is too small, −2 for a symbol or row that does not exist
 */
export function ransEncode(symbols: usize, rows: usize, count: i32, lanes: i32, out: usize, capacity: u32): i32 {
  if (!validLanes(lanes)) return -2;
  startEncoding(out, capacity, lanes);
  if (!areRowSymbols(symbols, rows, count)) return -2;
  // A single lane needs no turns; of several, the symbols after the last whole turn come one by one.
  const turns = lanes == 1 ? 0 : count / lanes;
  const whole = turns * lanes;
  let state = stateOf(0);
  for (let index = count - 1; index >= whole; --index) {
    const slots = slotsOf(rowPointer(at16(rows, index)), at16(symbols, index));
    // Entries behind a row's last symbol are all alike.
    if (frequencyIn(slots) == 0) return -2;
    if (lanes > 1) state = stateOf(index - whole);
    state = put(state, startIn(slots), frequencyIn(slots));
    if (lanes > 1) saveState(index - whole, state);
  }
  if (lanes == 1) saveState(0, state);
  if (turns > 0 && !putTurns(symbols, rows, turns, lanes)) return -2;
  return finishEncoding(out, capacity);
}

/** Decodes what `ransEncode` wrote. @returns ok, invalidArgument or entropyDesync */
export function ransDecode(bytes: usize, length: u32, rows: usize, count: i32, lanes: i32, symbols: usize): i32 {
  if (!validLanes(lanes)) return Status.invalidArgument;
  const status = startDecoding(bytes, length, lanes);
  if (status != Status.ok) return status;
  let state = stateOf(0);
  for (let index = 0; index < count && !desynchronised; ++index) {
    const rowIndex = at16(rows, index);
    if (rowIndex >= ROWS) return Status.invalidArgument;
    const slot = slotOf(state);
    const peak = symbolPeakOf(rowIndex);
    const offset = slot - peakStart(peak);
    let symbol = peakSymbol(peak);
    if (offset < peakFrequency(peak)) state = advance(state, peakFrequency(peak), offset);
    else {
      const row = rowPointer(rowIndex);
      symbol = symbolAt(row, slot);
      state = advance(state, frequencyOf(row, symbol), slot - startOf(row, symbol));
    }
    store<u16>(symbols + (<usize>index << 1), <u16>symbol);
    if (lanes > 1) {
      saveState(index & (lanes - 1), state);
      state = stateOf((index + 1) & (lanes - 1));
    }
  }
  if (lanes == 1) saveState(0, state);
  return finishDecoding();
}

/**
 * Predictions of a whole plane of one mode, without tiles, in raster order; the offset is that of `setStep`.
 * @param plane  i16, width × height
 * @param rows  u16 × width · height, class · 16 + fraction + 8
 * @param integers  i16 × width · height
 * @returns ok or limitMemory
 */
export function contextRows(plane: usize, width: i32, height: i32, codec: usize, rows: usize, integers: usize): i32 {
  const before = mark();
  const stride = <usize>(width + 5) << 1;
  const window = allocateLarge((<u64>width + 5) * (<u64>height + 3) * 2);
  const predictions = allocateLarge(<u64>width * 4);
  if (window == 0 || predictions == 0) {
    release(before);
    return Status.limitMemory;
  }
  memory.fill(window, 0, stride * <usize>(height + 3));
  const origin = window + 3 * stride + 6;
  for (let y = 0; y < height; ++y) {
    for (let x = 0; x < width; ++x) {
      const latent = <i32>load<i16>(plane + (<usize>(y * width + x) << 1));
      store<i16>(origin + <usize>y * stride + (<usize>x << 1), toContext(latent));
    }
  }
  for (let y = 0; y < height; ++y) {
    for (let x = 0; x < width; x += 64) {
      const position = origin + <usize>y * stride + (<usize>x << 1);
      const marks = <u64>-1 >> (x + 64 > width ? x + 64 - width : 0);
      const out = predictions + (<usize>x << 2);
      if (simd) predictSimd(codec, position, stride, 2, marks, out);
      else predict(codec, position, stride, 2, marks, out);
    }
    for (let x = 0; x < width; ++x) {
      const prediction = load<u32>(predictions + (<usize>x << 2));
      const index = <usize>(y * width + x) << 1;
      store<u16>(rows + index, <u16>rowOf(prediction));
      store<i16>(integers + index, <i16>integerOf(prediction));
    }
  }
  release(before);
  return Status.ok;
}
