/**
 * What a picture's symbols would cost in rows of other classes: how encoders find the scales of its grids (FORMAT.md §1.1, "Scales").
 *
 * READ ME FIRST
 * - Symbols are counted by row and residual, so that sixteen questions about a million of them are sixteen about a few thousand counts.
 * - A class at either end may have been clamped. It is taken for what it is, which the exact J of the picture puts right afterwards.
 */
import { integerOf, rowOf } from "../context/arm";
import { collectPatch } from "../context/segment";
import { residualBits } from "../entropy/escape";
import { allocateLarge, mark, patchCount, release } from "../memory";
import { Status } from "../status";

const ROWS: i32 = 1024;
const LAST_CLASS: i32 = 63;
/** Residuals beyond are counted as this. */
const FURTHEST: i32 = 40;
const RESIDUALS: i32 = 2 * FURTHEST + 1;
/** The scale of a grid is from −8 to 7. */
const LEAST_SCALE: i32 = -8;
const SCALES: i32 = 16;

/**
 * Adds the symbols of a patch in one grid, under the mode map and scales of the moment.
 * @param counts  u32 [row][residual + 40]
 * @returns ok, invalidArgument or limitMemory
 */
export function countResiduals(patch: i32, grid: i32, counts: usize): i32 {
  if (patch < 0 || patch >= patchCount() || grid < 0 || grid > 6) return Status.invalidArgument;
  const before = mark();
  const side: u64 = 256 >> grid;
  const symbols = allocateLarge(side * side * 8);
  if (symbols == 0) return Status.limitMemory;
  const end = collectPatch(patch, grid, symbols);
  for (let symbol = symbols; symbol < end; symbol += 8) {
    const predicted = load<u32>(symbol);
    const residual = min(max(load<i32>(symbol, 4) - integerOf(predicted), -FURTHEST), FURTHEST);
    const count = counts + (<usize>(<i32>rowOf(predicted) * RESIDUALS + residual + FURTHEST) << 2);
    store<u32>(count, load<u32>(count) + 1);
  }
  release(before);
  return Status.ok;
}

/** Bits of what was counted with scale −8 … 7 added to that of the counting; needs `loadCosts`. @param bits  f64 × 16 */
export function scaleBits(counts: usize, bits: usize): void {
  memory.fill(bits, 0, SCALES << 3);
  for (let row = 0; row < ROWS; ++row) {
    for (let residual = -FURTHEST; residual <= FURTHEST; ++residual) {
      const count = load<u32>(counts + (<usize>(row * RESIDUALS + residual + FURTHEST) << 2));
      if (count == 0) continue;
      for (let scale = 0; scale < SCALES; ++scale) {
        const other = min(max((row >> 4) + scale + LEAST_SCALE, 0), LAST_CLASS);
        const sum = bits + (<usize>scale << 3);
        store<f64>(sum, load<f64>(sum) + <f64>count * residualBits(<u32>((other << 4) | (row & 15)), residual));
      }
    }
  }
}
