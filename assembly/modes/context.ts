/**
 * Probabilities of the adaptive mode map (FORMAT.md §3).
 *
 * READ ME FIRST
 * - Everything is integer; the row has the layout of `entropy/tables.ts`, so the one rANS coder serves both.
 * - The same function runs before each patch on both sides; `countMode` follows it with the patch's mode.
 */
import { MODE_COUNTS, MODE_ROW, PRIORS, modeCount, modes, patchColumns } from "../memory";

const COUNT_LIMIT: u32 = 255;
const SLOTS: u32 = 32768;
/** Entries that the SIMD search may read. */
const ROW_ENTRIES: i32 = 17;

export function resetModeCounts(): void {
  memory.fill(MODE_COUNTS, 0, 32);
}

export function countMode(mode: i32): void {
  const count = MODE_COUNTS + (<usize>mode << 2);
  store<u32>(count, min(load<u32>(count) + 1, COUNT_LIMIT));
}

// @ts-ignore: decorator
@inline
function prior(index: i32): u32 {
  return load<u16>(PRIORS + (<usize>index << 1));
}

function bonusOf(patch: i32, mode: i32): u32 {
  const column = patch % patchColumns;
  const hasLeft = column > 0;
  const hasAbove = patch >= patchColumns;
  const above = modes + <usize>(patch - patchColumns);
  let bonus: u32 = 0;
  if (hasLeft && load<u8>(modes + <usize>(patch - 1)) == mode) bonus += prior(modeCount);
  if (hasAbove && load<u8>(above) == mode) bonus += prior(modeCount + 1);
  if (hasAbove && hasLeft && load<u8>(above - 1) == mode) bonus += prior(modeCount + 2);
  if (hasAbove && column + 1 < patchColumns && load<u8>(above + 1) == mode) bonus += prior(modeCount + 3);
  return bonus;
}

/** Fills MODE_ROW for `patch` from the modes before it. */
export function fillModeRow(patch: i32): void {
  const increment = prior(modeCount + 4);
  let sum: u32 = 0;
  let largest: u32 = 0;
  let largestMode = 0;
  for (let mode = 0; mode < modeCount; ++mode) {
    const entry = MODE_COUNTS + (<usize>mode << 2);
    const weight = prior(mode) + increment * load<u32>(entry) + bonusOf(patch, mode);
    store<u32>(weightOf(mode), weight);
    sum += weight;
    if (weight > largest) {
      largest = weight;
      largestMode = mode;
    }
  }
  const spread = SLOTS - <u32>modeCount;
  let given: u32 = 0;
  for (let mode = 0; mode < modeCount; ++mode) {
    const frequency = 1 + (load<u32>(weightOf(mode)) * spread) / sum;
    store<u32>(weightOf(mode), frequency);
    given += frequency;
  }
  store<u32>(weightOf(largestMode), load<u32>(weightOf(largestMode)) + SLOTS - given);
  store<i16>(MODE_ROW, -1);
  let last: i32 = -1;
  for (let mode = 0; mode < modeCount; ++mode) {
    last += <i32>load<u32>(weightOf(mode));
    store<i16>(MODE_ROW + (<usize>mode << 1), <i16>last, 2);
  }
  for (let entry = modeCount + 1; entry < ROW_ENTRIES; ++entry) store<i16>(MODE_ROW + (<usize>entry << 1), 32767);
}

/** Weights, then frequencies, of `fillModeRow`: u32 × 8 behind the counts. */
// @ts-ignore: decorator
@inline
function weightOf(mode: i32): usize {
  return MODE_COUNTS + 32 + (<usize>mode << 2);
}
