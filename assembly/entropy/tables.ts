/**
 * Rows of the entropy coder and what a symbol costs (FORMAT.md §4, §7.2).
 *
 * READ ME FIRST
 * - A row holds the LAST slot of each symbol, not its start: `symbol = number of last slots below the slot`, the final
 *   entry is 32,767 by itself, and a signed 16-bit comparison serves for all of 0…32,767.
 * - Entry 0 is −1 ("the last slot before symbol 0"), so start and frequency are one subtraction each, without a branch.
 * - The costs are for the encoder's decisions only; no bit of a stream depends on them.
 */
import { CLASSES, CLASS_PARAMETERS, COSTS, COST_ROW_BYTES, FRACTIONS, ROWS, ROW_BYTES } from "../memory";
import { Status } from "../status";

const SLOTS: u32 = 32768;
/** 1024 × {start u16, frequency u16, symbol u16, residual i16}; see `peakOf`. */
const PEAKS: usize = memory.data(8192, 16);
/** The same with escapes; see `symbolPeakOf`. */
const SYMBOL_PEAKS: usize = memory.data(8192, 16);

/** @returns address of row `index` = class · 16 + fraction + 8 */
// @ts-ignore: decorator
@inline
export function rowPointer(index: u32): usize {
  return ROWS + <usize>index * ROW_BYTES;
}

/** Last slot of the symbol before and of `symbol`, in one load for `startIn` and `frequencyIn`. */
// @ts-ignore: decorator
@inline
export function slotsOf(row: usize, symbol: u32): u32 {
  return load<u32>(row + (<usize>symbol << 1));
}

// @ts-ignore: decorator
@inline
export function startIn(slots: u32): u32 {
  return (slots + 1) & 0xffff;
}

// @ts-ignore: decorator
@inline
export function frequencyIn(slots: u32): u32 {
  return (slots >> 16) + 1 - startIn(slots);
}

/** @returns first slot of `symbol` */
// @ts-ignore: decorator
@inline
export function startOf(row: usize, symbol: u32): u32 {
  return <u32>(<i32>load<i16>(row + (<usize>symbol << 1)) + 1);
}

/** @returns number of slots of `symbol` */
// @ts-ignore: decorator
@inline
export function frequencyOf(row: usize, symbol: u32): u32 {
  const entry = row + (<usize>symbol << 1);
  return <u32>(<i32>load<i16>(entry, 2) - <i32>load<i16>(entry));
}

// A decoder asks for the likeliest symbol first: on the peaked rows of fine grids that is a comparison which the branch predictor
// foresees, while a search keeps every symbol waiting for the one before.

/** The likeliest symbol of a row, in one load for the four below; of frequency 0 where none has half of the slots, or an escape has. */
// @ts-ignore: decorator
@inline
export function peakOf(rowIndex: u32): u64 {
  return load<u64>(PEAKS + (<usize>rowIndex << 3));
}

/** The same where an escape may be the likeliest: for symbols without what follows them. */
// @ts-ignore: decorator
@inline
export function symbolPeakOf(rowIndex: u32): u64 {
  return load<u64>(SYMBOL_PEAKS + (<usize>rowIndex << 3));
}

// @ts-ignore: decorator
@inline
export function peakStart(peak: u64): u32 {
  return <u32>peak & 0xffff;
}

// @ts-ignore: decorator
@inline
export function peakFrequency(peak: u64): u32 {
  return <u32>peak >> 16;
}

// @ts-ignore: decorator
@inline
export function peakSymbol(peak: u64): u32 {
  return <u32>(peak >> 32) & 0xffff;
}

/** Latent minus integer part. */
// @ts-ignore: decorator
@inline
export function peakResidual(peak: u64): i32 {
  return <i32>(<i64>peak >> 48);
}

/** @returns the largest residual of a class that is not escaped */
// @ts-ignore: decorator
@inline
export function reachOf(rowIndex: u32): i32 {
  return load<u8>(CLASS_PARAMETERS + (<usize>(rowIndex >> 4) << 1));
}

/** @returns the order of the escape code of a class */
// @ts-ignore: decorator
@inline
export function escapeOrderOf(rowIndex: u32): i32 {
  return load<u8>(CLASS_PARAMETERS + (<usize>(rowIndex >> 4) << 1), 1);
}

/** @returns bits of `symbol` in row `rowIndex`, after `loadCosts` */
// @ts-ignore: decorator
@inline
export function costOf(rowIndex: u32, symbol: u32): f32 {
  return load<f32>(COSTS + <usize>rowIndex * COST_ROW_BYTES + (<usize>symbol << 2));
}

/**
 * Builds the 1024 rows from block 1 of `decoder.bin`.
 * @param classes  64 × {n u8, escape order u8}
 * @param frequencies  u16, class by class, fractions −8…0, 2n + 3 each
 * @returns ok or corruptModel
 */
export function loadTables(classes: usize, frequencies: usize): i32 {
  for (let index = 0; index < CLASSES; ++index) {
    const reach = <i32>load<u8>(classes + (<usize>index << 1));
    const order = <i32>load<u8>(classes + (<usize>index << 1), 1);
    if (reach < 1 || reach > 31 || order > 15) return Status.corruptModel;
    store<u8>(CLASS_PARAMETERS + (<usize>index << 1), <u8>reach);
    store<u8>(CLASS_PARAMETERS + (<usize>index << 1), <u8>order, 1);
    const symbols = 2 * reach + 3;
    for (let fraction = 0; fraction <= 8; ++fraction) {
      const straight = rowPointer(index * FRACTIONS + fraction);
      if (!fillRow(straight, frequencies, symbols, 1)) return Status.corruptModel;
      // Fraction f > 0 is the mirror of −f; −8 has no mirror and 0 is its own.
      if (fraction > 0 && fraction < 8) {
        const mirrored = rowPointer(index * FRACTIONS + 16 - fraction);
        fillRow(mirrored, frequencies + (<usize>(symbols - 1) << 1), symbols, -1);
      }
      frequencies += <usize>symbols << 1;
    }
  }
  return Status.ok;
}

function fillRow(row: usize, source: usize, symbols: i32, direction: i32): bool {
  store<i16>(row, -1);
  let sum: u32 = 0;
  for (let symbol = 0; symbol < symbols; ++symbol) {
    const frequency = <u32>load<u16>(source + ((symbol * direction) << 1));
    sum += frequency;
    if (frequency == 0 || sum > SLOTS) return false;
    store<i16>(row + (<usize>symbol << 1), <i16>(sum - 1), 2);
  }
  const end = row + ROW_BYTES;
  for (let entry = row + 2 + (<usize>symbols << 1); entry < end; entry += 2) store<i16>(entry, 32767);
  fillPeak(row, symbols);
  return sum == SLOTS;
}

function fillPeak(row: usize, symbols: i32): void {
  const place = (row - ROWS) / ROW_BYTES << 3;
  store<u64>(PEAKS + place, 0);
  store<u64>(SYMBOL_PEAKS + place, 0);
  for (let symbol = 0; symbol < symbols; ++symbol) {
    const frequency = frequencyOf(row, symbol);
    if (frequency < SLOTS / 2) continue;
    const peak = SYMBOL_PEAKS + place;
    store<u16>(peak, <u16>startOf(row, symbol));
    store<u16>(peak, <u16>frequency, 2);
    store<u16>(peak, <u16>symbol, 4);
    store<i16>(peak, <i16>(symbol - (symbols >> 1)), 6);
    // The first and the last symbol are the escapes.
    if (symbol > 0 && symbol < symbols - 1) store<u64>(PEAKS + place, load<u64>(peak));
    return;
  }
}

/** Fills the bit costs of all rows: 15 − log2(frequency). @returns ok */
export function loadCosts(): i32 {
  for (let index: u32 = 0; index < <u32>(CLASSES * FRACTIONS); ++index) {
    const row = rowPointer(index);
    const costs = COSTS + <usize>index * COST_ROW_BYTES;
    const symbols = <u32>(2 * reachOf(index) + 3);
    for (let symbol: u32 = 0; symbol < symbols; ++symbol) {
      store<f32>(costs + (<usize>symbol << 2), <f32>bitsOf(frequencyOf(row, symbol)));
    }
  }
  return Status.ok;
}

/** @returns bits of a symbol that has `frequency` of the 32,768 slots */
export function bitsOf(frequency: u32): f64 {
  return 15 - NativeMath.log2(<f64>frequency);
}
