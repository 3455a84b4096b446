/**
 * A tile of alpha that has two values, as samples 0 and 1 (FORMAT.md §9.2).
 *
 * READ ME FIRST
 * - The context of a sample is the ten samples around it that are known; those outside the tile count as 0.
 * - Three registers slide along the row: two rows above, the row above, the row itself.
 */
import { encodeNotes, nextBit, noteBit, resetContexts } from "./bits";
import { desynchronised, finishDecoding, startDecoding } from "../entropy/rans";
import { allocateLarge, mark, release } from "../memory";
import { Status } from "../status";

const CONTEXTS: i32 = 1024;

/** A sample of a row, 0 outside the tile. `exists` says whether the row is inside. */
// @ts-ignore: decorator
@inline
function sampleAt(row: usize, x: i32, width: i32, exists: bool): u32 {
  return exists && x < width ? <u32>load<u8>(row + <usize>x) : 0;
}

/**
 * Decodes a tile.
 * @param out  u8 × width · height: 0 or 1
 * @returns ok or entropyDesync
 */
export function decodeMask(pointer: usize, length: u32, width: i32, height: i32, out: usize): i32 {
  const status = startDecoding(pointer, length, 1);
  if (status != Status.ok) return status;
  resetContexts(CONTEXTS);
  for (let y = 0; y < height && !desynchronised; ++y) {
    const row = out + <usize>y * width;
    const above = row - width;
    const second = above - width;
    let high = sampleAt(second, 0, width, y > 1);
    let middle = (sampleAt(above, 0, width, y > 0) << 1) | sampleAt(above, 1, width, y > 0);
    let low: u32 = 0;
    for (let x = 0; x < width; ++x) {
      high = ((high << 1) | sampleAt(second, x + 1, width, y > 1)) & 7;
      middle = ((middle << 1) | sampleAt(above, x + 2, width, y > 0)) & 31;
      const bit = nextBit((high << 7) | (middle << 2) | low);
      store<u8>(row + <usize>x, <u8>bit);
      low = ((low << 1) | bit) & 3;
    }
  }
  return finishDecoding();
}

/**
 * Encodes a tile of samples 0 and 1.
 * @returns bytes, −1 when `capacity` is too small, −3 without memory
 */
export function encodeMask(samples: usize, width: i32, height: i32, out: usize, capacity: u32): i32 {
  const before = mark();
  const notes = allocateLarge(<u64>width * <u64>height * 2);
  if (notes == 0) return -3;
  resetContexts(CONTEXTS);
  let next = notes;
  for (let y = 0; y < height; ++y) {
    const row = samples + <usize>y * width;
    const above = row - width;
    const second = above - width;
    let high = sampleAt(second, 0, width, y > 1);
    let middle = (sampleAt(above, 0, width, y > 0) << 1) | sampleAt(above, 1, width, y > 0);
    let low: u32 = 0;
    for (let x = 0; x < width; ++x) {
      high = ((high << 1) | sampleAt(second, x + 1, width, y > 1)) & 7;
      middle = ((middle << 1) | sampleAt(above, x + 2, width, y > 0)) & 31;
      const bit = <u32>load<u8>(row + <usize>x);
      next = noteBit((high << 7) | (middle << 2) | low, bit, next);
      low = ((low << 1) | bit) & 3;
    }
  }
  const bytes = encodeNotes(notes, next, out, capacity);
  release(before);
  return bytes;
}
