/**
 * Division by a frequency as a multiplication: the slowest step of an encoder without it.
 *
 * READ ME FIRST
 * - With r = ⌊2^46 / f⌋ + 1, ⌊x / f⌋ = (x · r) >> 46 for every x below f · 2^16, which is what a state is once its bytes have left:
 *   r · f exceeds 2^46 by at most f, so the product exceeds x / f by at most x / 2^46, less than 1 / f. And x · r stays below 2^63.
 */

const FREQUENCIES: u64 = 32768;
const SHIFT: u64 = 46;
/** r for each frequency, u64; filled at the first use. */
const RECIPROCALS: usize = memory.data(262144, 16);

/** Fills the table, once. */
export function fillReciprocals(): void {
  if (load<u64>(RECIPROCALS, 8) != 0) return;
  for (let frequency: u64 = 1; frequency < FREQUENCIES; ++frequency) {
    store<u64>(RECIPROCALS + (<usize>frequency << 3), (<u64>1 << SHIFT) / frequency + 1);
  }
}

/** @returns ⌊state / frequency⌋ for a frequency of 1…32,767 and a state below frequency · 2^16 */
// @ts-ignore: decorator
@inline
export function quotientOf(state: u32, frequency: u32): u32 {
  return <u32>((<u64>state * load<u64>(RECIPROCALS + (<usize>frequency << 3))) >> SHIFT);
}
