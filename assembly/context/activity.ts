/**
 * Which positions of a patch may have a tap that is not 0. The others, most of a fine grid, need no gathering and no network: their
 * prediction is the codec's own for empty contexts.
 *
 * READ ME FIRST
 * - One byte per position, 0 where all taps are 0. A byte may be set without need; the kernels look again.
 * - Along wavefronts (`openFront`), latents become known one by one, so a latent that is not 0 marks the positions that will read it. They lie
 *   on the next nine fronts, hence a ring of sixteen. Positions that read samples outside the patch are always marked.
 * - Along rows (`fillRow`), all samples are known, so the bytes of the taps are put together for eight positions at a time.
 */
import { LEFT, RIGHT, ABOVE, windowStride } from "./window";
import { contextWindow, patchHeight, patchWidth } from "../memory";

/** Bytes of a front: 256 rows, the marks below them, and room to read eight at once. */
const FRONT_BYTES: usize = 272;
const FRONTS: i32 = 16;
const RING: usize = memory.data(4352, 16);
/** A byte per sample of the context window: (256 + 5) × (256 + 3), and room to read on. */
const SAMPLES: usize = memory.data(67648, 16);
const ROW: usize = memory.data(272, 16);

// @ts-ignore: decorator
@inline
function frontAt(front: i32): usize {
  return RING + <usize>(front & (FRONTS - 1)) * FRONT_BYTES;
}

/** Forgets all marks, before the first front of a patch. */
export function resetFronts(): void {
  memory.fill(RING, 0, <usize>FRONTS * FRONT_BYTES);
}

/** @returns address of the bytes of a front, by row of the patch, complete for the rows up to `last` */
// @ts-ignore: decorator
@inline
export function openFront(front: i32, last: i32): usize {
  const bytes = frontAt(front);
  // The first three rows read the patches above; the first three columns, at the end of a front, those to the left.
  store<u16>(bytes, 0x0101);
  store<u8>(bytes, 1, 2);
  if (last == front / 3) store<u8>(bytes + <usize>last, 1);
  return bytes;
}

/** Gives the bytes of a front back to the ring. */
// @ts-ignore: decorator
@inline
export function closeFront(bytes: usize, first: i32, last: i32): void {
  const end = bytes + <usize>last + 4;
  for (let next = bytes + <usize>(first & ~7); next < end; next += 8) store<u64>(next, 0);
}

/** Marks the positions that have row `y` of a front among their taps (FORMAT.md §4). */
// @ts-ignore: decorator
@inline
export function markReaders(front: i32, y: i32): void {
  const row = <usize>y;
  store<u16>(frontAt(front + 1) + row, 0x0101);
  store<u16>(frontAt(front + 2) + row, 0x0101);
  store<u16>(frontAt(front + 3) + row, 0x0101);
  store<u16>(frontAt(front + 4) + row, 0x0101, 1);
  store<u16>(frontAt(front + 5) + row, 0x0101, 1);
  store<u16>(frontAt(front + 6) + row, 0x0101, 1);
  store<u8>(frontAt(front + 7) + row, 1, 2);
  store<u16>(frontAt(front + 8) + row, 0x0101, 2);
  store<u8>(frontAt(front + 9) + row, 1, 3);
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

/** @returns address of the bytes of row `y` of the patch */
export function fillRow(y: i32): usize {
  const stride = windowStride >> 1;
  const end = ROW + <usize>patchWidth;
  let last = SAMPLES + <usize>(y + ABOVE) * stride + LEFT;
  for (let target = ROW; target < end; target += 8) {
    const row1 = last - stride, row2 = row1 - stride, row3 = row2 - stride;
    const taps = load<u64>(row3) | load<u64>(row3, 1) |
      load<u64>(row2 - 2) | load<u64>(row2 - 1) | load<u64>(row2) | load<u64>(row2, 1) | load<u64>(row2, 2) |
      load<u64>(row1 - 3) | load<u64>(row1 - 2) | load<u64>(row1 - 1) | load<u64>(row1) | load<u64>(row1, 1) | load<u64>(row1, 2) |
      load<u64>(last - 3) | load<u64>(last - 2) | load<u64>(last - 1);
    store<u64>(target, taps);
    last += 8;
  }
  return ROW;
}
