/**
 * The entropy coder and the context model on plain arrays, for tests, reference vectors and measurements.
 */
import { integerOf, predict, rowOf } from "./context/arm";
import { predictSimd } from "./context/arm_simd";
import { toContext } from "./context/window";
import { decodeSymbol, desynchronised, finishDecoding, finishEncoding, putSymbol, startDecoding, startEncoding, validLanes } from "./entropy/rans";
import { reachOf, rowPointer } from "./entropy/tables";
import { allocateLarge, mark, release, simd } from "./memory";
import { Status } from "./status";

const ROWS: u32 = 1024;

// @ts-ignore: decorator
@inline
function at16(array: usize, index: i32): u32 {
  return load<u16>(array + (<usize>index << 1));
}

/**
 * Encodes row symbols (escapes are not followed by values here).
 * @param symbols, rows  u16 × count
 * @returns bytes, −1 when `capacity` is too small, −2 for a symbol or row that does not exist
 */
export function ransEncode(symbols: usize, rows: usize, count: i32, lanes: i32, out: usize, capacity: u32): i32 {
  if (!validLanes(lanes)) return -2;
  for (let index = 0; index < count; ++index) {
    if (at16(rows, index) >= ROWS || at16(symbols, index) > <u32>(2 * reachOf(at16(rows, index)) + 2)) return -2;
  }
  startEncoding(out, capacity, lanes);
  for (let index = count - 1; index >= 0; --index) {
    putSymbol(index & (lanes - 1), rowPointer(at16(rows, index)), at16(symbols, index));
  }
  return finishEncoding(out, capacity);
}

/** Decodes what `ransEncode` wrote. @returns ok, invalidArgument or entropyDesync */
export function ransDecode(bytes: usize, length: u32, rows: usize, count: i32, lanes: i32, symbols: usize): i32 {
  if (!validLanes(lanes)) return Status.invalidArgument;
  const status = startDecoding(bytes, length, lanes);
  if (status != Status.ok) return status;
  for (let index = 0; index < count && !desynchronised; ++index) {
    if (at16(rows, index) >= ROWS) return Status.invalidArgument;
    store<u16>(symbols + (<usize>index << 1), <u16>decodeSymbol(index & (lanes - 1), rowPointer(at16(rows, index))));
  }
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
    const position = origin + <usize>y * stride;
    if (simd) predictSimd(codec, position, stride, 2, width, predictions);
    else predict(codec, position, stride, 2, width, predictions);
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
