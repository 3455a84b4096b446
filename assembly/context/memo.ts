/**
 * Predictions of contexts that were seen lately: contexts of fine grids repeat, and looking one up costs a tenth of computing it.
 *
 * READ ME FIRST
 * - A context value is a multiple of 256, so the high bytes of the 16 taps are the whole context, one vector; entries keep it and compare all
 *   of it. A hit gives what the network would.
 * - Entries belong to one codec and log-scale offset: `openMemo` forgets them when another one comes, `createCodec` when weights do.
 */

/** log2 of the entries: keys and predictions together stay well below a first-level cache. */
const ENTRIES_LOG2: u64 = 10;
const ENTRIES: usize = 1024;
const KEYS: usize = memory.data(16384, 16);
const PREDICTIONS: usize = memory.data(4096, 16);

let owner: usize = 0;
let ownerOffset: i32 = 0;

/** Forgets everything at the next `openMemo`: a codec's weights may have changed. */
export function closeMemo(): void {
  owner = 0;
}

/** @returns whether what is remembered is of `codec` at a log-scale offset */
// @ts-ignore: decorator
@inline
export function isMemoOf(codec: usize, offset: i32): bool {
  return owner == codec && ownerOffset == offset;
}

/** Makes the memory that of `codec` at a log-scale offset, with `empty` for its empty context. */
export function openMemo(codec: usize, offset: i32, empty: u32): void {
  owner = codec;
  ownerOffset = offset;
  // A key of zeros is right wherever it stands.
  memory.fill(KEYS, 0, ENTRIES << 4);
  for (let entry = PREDICTIONS; entry < PREDICTIONS + (ENTRIES << 2); entry += 4) store<u32>(entry, empty);
}

/** The context of 16 taps in the order of the SIMD kernel. */
// @ts-ignore: decorator
@inline
export function keyOf(low: v128, high: v128): v128 {
  return i8x16.narrow_i16x8_s(i16x8.shr_s(low, 8), i16x8.shr_s(high, 8));
}

/** @returns the entry where a context belongs */
// @ts-ignore: decorator
@inline
export function entryOf(key: v128): usize {
  const mixed = i64x2.extract_lane(key, 0) * 0x9e3779b97f4a7c15 + i64x2.extract_lane(key, 1) * 0xc2b2ae3d27d4eb4f;
  return <usize>(<u64>mixed >> (64 - ENTRIES_LOG2));
}

// @ts-ignore: decorator
@inline
export function isKnown(entry: usize, key: v128): bool {
  return !v128.any_true(v128.xor(v128.load(KEYS + (entry << 4)), key));
}

/** The prediction of an entry. */
// @ts-ignore: decorator
@inline
export function known(entry: usize): u32 {
  return load<u32>(PREDICTIONS + (entry << 2));
}

// @ts-ignore: decorator
@inline
export function remember(entry: usize, key: v128, prediction: u32): void {
  v128.store(KEYS + (entry << 4), key);
  store<u32>(PREDICTIONS + (entry << 2), prediction);
}
