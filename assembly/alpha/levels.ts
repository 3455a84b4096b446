/**
 * A tile of alpha with any levels (FORMAT.md §9.3): the error of a prediction from three neighbours, in adaptive bits.
 *
 * READ ME FIRST
 * - The sample is (prediction ± magnitude) mod 256. A magnitude m is coded as the number of bits below its leading one, in unary, and
 *   then those bits.
 * - The first contexts tell flat surroundings from busy ones, and full and no cover from the levels between.
 */
import { encodeNotes, nextBit, noteBit, resetContexts } from "./bits";
import { desynchronised, finishDecoding, startDecoding } from "../entropy/rans";
import { allocateLarge, mark, release } from "../memory";
import { Status } from "../status";

/** Longest binary logarithm of a magnitude. */
const LONGEST: i32 = 7;
const ACTIVITIES: i32 = 8;
const SURROUNDINGS: i32 = ACTIVITIES * 3;
const SIGN: i32 = SURROUNDINGS;
const UNARY: i32 = SIGN + SURROUNDINGS;
const SUFFIX: i32 = UNARY + ACTIVITIES * LONGEST;
const CONTEXTS: i32 = SUFFIX + 8 * 8;
/** Bytes that the bits of one sample take when written down: 1 + 1 + 7 + 7 bits of 2 bytes. */
const NOTE_BYTES: u64 = 32;

let prediction: i32 = 0;
let activity: i32 = 0;
let surroundings: i32 = 0;

/** Sets `prediction`, `activity` and `surroundings` of a sample from those before it. `here` is its address. */
// @ts-ignore: decorator
@inline
function lookAround(here: usize, x: i32, y: i32, width: i32): void {
  let left = 255, above = 255, corner = 255, right = 255;
  if (y == 0) {
    if (x > 0) left = <i32>load<u8>(here - 1);
    above = corner = right = left;
  } else {
    above = <i32>load<u8>(here - width);
    left = corner = right = above;
    if (x > 0) {
      left = <i32>load<u8>(here - 1);
      corner = <i32>load<u8>(here - width - 1);
    }
    if (x + 1 < width) right = <i32>load<u8>(here - width + 1);
  }
  const most = max(left, above);
  const least = min(left, above);
  prediction = corner >= most ? least : corner <= least ? most : left + above - corner;
  const gradients = abs(left - corner) + abs(corner - above) + abs(above - right);
  activity = min(31 - clz(gradients + 1), ACTIVITIES - 1);
  surroundings = activity * 3 + (prediction == 0 ? 1 : prediction == 255 ? 2 : 0);
}

/**
 * Decodes a tile.
 * @param out  u8 × width · height
 * @returns ok or entropyDesync
 */
export function decodeLevels(pointer: usize, length: u32, width: i32, height: i32, out: usize): i32 {
  const status = startDecoding(pointer, length, 1);
  if (status != Status.ok) return status;
  resetContexts(CONTEXTS);
  let here = out;
  for (let y = 0; y < height && !desynchronised; ++y) {
    for (let x = 0; x < width; ++x) {
      lookAround(here, x, y, width);
      store<u8>(here++, <u8>(prediction + decodeError()));
    }
  }
  return finishDecoding();
}

function decodeError(): i32 {
  if (nextBit(surroundings) == 0) return 0;
  const negative = nextBit(SIGN + surroundings);
  let length = 0;
  while (length < LONGEST && nextBit(UNARY + activity * LONGEST + length)) ++length;
  let magnitude = 1;
  for (let bit = length - 1; bit >= 0; --bit) magnitude = (magnitude << 1) | <i32>nextBit(SUFFIX + length * 8 + bit);
  return negative ? -magnitude : magnitude;
}

/**
 * Encodes a tile.
 * @param samples  u8 × width · height
 * @returns bytes, −1 when `capacity` is too small, −3 without memory
 */
export function encodeLevels(samples: usize, width: i32, height: i32, out: usize, capacity: u32): i32 {
  const before = mark();
  const notes = allocateLarge(<u64>width * <u64>height * NOTE_BYTES);
  if (notes == 0) return -3;
  resetContexts(CONTEXTS);
  let next = notes;
  let here = samples;
  for (let y = 0; y < height; ++y) {
    for (let x = 0; x < width; ++x) {
      lookAround(here, x, y, width);
      next = noteError(<i32><i8>(<i32>load<u8>(here++) - prediction), next);
    }
  }
  const bytes = encodeNotes(notes, next, out, capacity);
  release(before);
  return bytes;
}

function noteError(error: i32, next: usize): usize {
  next = noteBit(surroundings, error == 0 ? 0 : 1, next);
  if (error == 0) return next;
  next = noteBit(SIGN + surroundings, error < 0 ? 1 : 0, next);
  const magnitude = abs(error);
  const length = 31 - clz(magnitude);
  for (let index = 0; index < length; ++index) next = noteBit(UNARY + activity * LONGEST + index, 1, next);
  if (length < LONGEST) next = noteBit(UNARY + activity * LONGEST + length, 0, next);
  for (let bit = length - 1; bit >= 0; --bit) next = noteBit(SUFFIX + length * 8 + bit, (magnitude >> bit) & 1, next);
  return next;
}
