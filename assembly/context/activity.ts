/**
 * Which positions of a patch may have a tap that is not 0. The others, most of a fine grid, need no gathering and no network: their
 * prediction is the codec's own for empty contexts.
 *
 * READ ME FIRST
 * - One bit per position, 64 to a word, 0 where all taps are 0. A bit may be set without need; the kernels look again.
 * - Along wavefronts (`marksOf`), latents become known one by one, so those that are not 0 mark the positions that will read them. They lie
 *   on the next nine fronts, hence a ring of sixteen. Positions that read samples outside the patch are always marked.
 * - Along rows (`fillRow`), all samples are known, so the taps are put together for eight positions at a time.
 */
import { LEFT, RIGHT, ABOVE, windowStride } from "./window";
import { contextWindow, patchHeight, patchWidth } from "../memory";

/** Words of 64 rows: those of the patch, then those that reach below it. */
const FRONT_BYTES: usize = 64;
const FRONTS: i32 = 16;
const RING: usize = memory.data(1024, 16);
/** A byte per sample of the context window: (256 + 5) × (256 + 3), and room to read on. */
const SAMPLES: usize = memory.data(67648, 16);
/** The marks of a row: 256 bits, and room to read on. */
const ROW: usize = memory.data(48, 16);

// @ts-ignore: decorator
@inline
function wordAt(front: i32, row: i32): usize {
  return RING + <usize>(front & (FRONTS - 1)) * FRONT_BYTES + (<usize>(row >> 6) << 3);
}

/** Forgets all marks, before the first front of a patch. */
export function resetFronts(): void {
  memory.fill(RING, 0, <usize>FRONTS * FRONT_BYTES);
}

/**
 * @param front  no other one of the patch may have been marked sixteen fronts before without `closeFront`
 * @param from, to  rows of the patch on this front, `to` excluded, all in one word
 * @param leftmost  the row where the front has one of the first three columns
 * @returns the marks of these rows: bit k is row 64 · ⌊from / 64⌋ + k
 */
// @ts-ignore: decorator
@inline
export function marksOf(front: i32, from: i32, to: i32, leftmost: i32): u64 {
  let marks = load<u64>(wordAt(front, from));
  // The first three rows read the patches above, the first three columns those to the left.
  if (from < 64) marks |= 7;
  if (to > leftmost) marks |= <u64>1 << (leftmost & 63);
  return marks & (<u64>-1 << (from & 63)) & (<u64>-1 >> (-to & 63));
}

/** Clears a front whose marks have been used. */
// @ts-ignore: decorator
@inline
export function closeFront(front: i32): void {
  const words = wordAt(front, 0);
  // Four words of the patch and what reached below it.
  store<u64>(words, 0);
  store<u64>(words, 0, 8);
  store<u64>(words, 0, 16);
  store<u64>(words, 0, 24);
  store<u64>(words, 0, 32);
}

// @ts-ignore: decorator
@inline
function mark(front: i32, row: i32, rows: u64): void {
  const word = wordAt(front, row);
  store<u64>(word, load<u64>(word) | rows);
}

/** Marks the positions that have samples of a front among their taps (FORMAT.md §4); bit k of `rows` is row `base` + k. */
// @ts-ignore: decorator
@inline
export function markReaders(front: i32, base: i32, rows: u64): void {
  const both = rows | (rows << 1);
  mark(front + 1, base, both);
  mark(front + 2, base, both);
  mark(front + 3, base, both);
  mark(front + 4, base, both << 1);
  mark(front + 5, base, both << 1);
  mark(front + 6, base, both << 1);
  mark(front + 7, base, rows << 2);
  mark(front + 8, base, both << 2);
  mark(front + 9, base, rows << 3);
  if (rows >> 61 != 0) markNextWord(front, base + 64, rows);
}

/** The readers of the last three rows of a word that lie in the next one. */
function markNextWord(front: i32, base: i32, rows: u64): void {
  const one = rows >> 63, two = rows >> 62, three = rows >> 61;
  mark(front + 1, base, one);
  mark(front + 2, base, one);
  mark(front + 3, base, one);
  mark(front + 4, base, one | two);
  mark(front + 5, base, one | two);
  mark(front + 6, base, one | two);
  mark(front + 7, base, two);
  mark(front + 8, base, two | three);
  mark(front + 9, base, three);
}

/** Reads the context window, which holds all samples of the patch, for `fillRow`. */
export function readWindow(): void {
  const samples = SAMPLES + <usize>((patchWidth + LEFT + RIGHT) * (patchHeight + ABOVE));
  let source = contextWindow + 1;
  for (let sample = SAMPLES; sample < samples; ++sample) {
    // Context values are whole multiples of 256, so the high byte says it all.
    store<u8>(sample, load<u8>(source));
    source += 2;
  }
}

/** Bit k is set where byte k is not 0. */
// @ts-ignore: decorator
@inline
function bitsOfBytes(bytes: u64): u32 {
  const high = (bytes | ((bytes & 0x7f7f7f7f7f7f7f7f) + 0x7f7f7f7f7f7f7f7f)) & 0x8080808080808080;
  return <u32>(((high >> 7) * 0x0102040810204080) >> 56);
}

/** @returns address of the marks of row `y` of the patch, bit x of the words that follow each other for column x */
export function fillRow(y: i32): usize {
  const stride = windowStride >> 1;
  const end = ROW + <usize>((patchWidth + 7) >> 3);
  let last = SAMPLES + <usize>(y + ABOVE) * stride + LEFT;
  for (let target = ROW; target < end; ++target) {
    const row1 = last - stride, row2 = row1 - stride, row3 = row2 - stride;
    const taps = load<u64>(row3) | load<u64>(row3, 1) |
      load<u64>(row2 - 2) | load<u64>(row2 - 1) | load<u64>(row2) | load<u64>(row2, 1) | load<u64>(row2, 2) |
      load<u64>(row1 - 3) | load<u64>(row1 - 2) | load<u64>(row1 - 1) | load<u64>(row1) | load<u64>(row1, 1) | load<u64>(row1, 2) |
      load<u64>(last - 3) | load<u64>(last - 2) | load<u64>(last - 1);
    store<u8>(target, <u8>bitsOfBytes(taps));
    last += 8;
  }
  return ROW;
}
