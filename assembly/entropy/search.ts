/**
 * Which symbol a slot belongs to: the scalar twin of `search_simd.ts`.
 */

/**
 * @param row  see `tables.ts`; ends with 32,767, so the scan always stops
 * @param slot  0…32,767
 * @returns the symbol whose range holds `slot`
 */
// @ts-ignore: decorator
@inline
export function findSymbol(row: usize, slot: i32): u32 {
  let entry = row + 2;
  while (<i32>load<i16>(entry) < slot) entry += 2;
  return <u32>((entry - row - 2) >> 1);
}
