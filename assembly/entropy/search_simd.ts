/**
 * Which symbol a slot belongs to, sixteen symbols at a time.
 *
 * READ ME FIRST
 * - Rows ascend, so "entries below the slot" are a run of ones from the low end of the mask: its length is what counts,
 *   and whatever follows the row in memory does not matter.
 */

/** Same contract as `findSymbol` in `search.ts`. */
// @ts-ignore: decorator
@inline
export function findSymbolSimd(row: usize, slot: i32): u32 {
  const wanted = i16x8.splat(<i16>slot);
  let entry = row + 2;
  let symbol: i32 = 0;
  while (true) {
    const low = i16x8.gt_s(wanted, v128.load(entry));
    const high = i16x8.gt_s(wanted, v128.load(entry, 16));
    const run = ctz(~i8x16.bitmask(i8x16.narrow_i16x8_s(low, high)));
    symbol += run;
    if (run < 16) return <u32>symbol;
    entry += 32;
  }
  return 0;
}
