/**
 * The competition: J = squared error / (3 · 255²) + λ · bits, and the choice of modes (DESIGN.md §2, "Selection").
 *
 * READ ME FIRST
 * - `evaluatePatch` fills a table of J per mode and patch under the mode map of the moment; the caller makes the map uniform,
 *   so the table holds J among neighbours of the same mode. It ranks the candidates of `choosePatch`.
 * - A patch's J depends on which neighbours share its mode. `choosePatch` counts its own J and what its choice does to the
 *   eight around it; J is cached by the set of equal neighbours. Farther patches matter only through the
 *   coarsest grids; the cache ignores them, `patchCost` does not.
 * - Every mode costs the same bits in a fixed-length map, so the map does not enter the comparison of two modes.
 */
import { patchRate } from "../context/rate";
import { modeMapBits } from "../modes/map";
import { CHOICE, costCache, costTable, modeCount, modes, patchColumns, patchCount, patchRows } from "../memory";
import { patchDistortion } from "./distortion";

const ERROR_SCALE: f64 = 1.0 / (3.0 * 255.0 * 255.0);
/** Marks a filled cache entry; the low 8 bits are the neighbours with the same mode. */
const FILLED: u64 = 1 << 63;
const ENTRY_BYTES: usize = 16;

let source: usize = 0;
let sourceStride: u32 = 0;
let sourceRows: i32 = 0;
let lambda: f64 = 0;

/**
 * The picture to compare with: RGBA8, rows `stride` bytes apart. It must stay where it is.
 * @param rows  0 when all rows are there; else a power of two, a multiple of the patch side: row y is at y mod `rows`, and the
 *   caller sees to it that the rows of a patch and of its eight neighbours are there when it is evaluated or chooses
 */
export function setSource(pixels: usize, stride: u32, rows: i32): void {
  source = pixels;
  sourceStride = stride;
  sourceRows = rows;
}

/** Price of a bit, as weight against the mean squared error of a pixel on [0, 1]. */
export function setLambda(value: f64): void {
  lambda = value;
}

function costOfPatch(patch: i32, mode: i32): f64 {
  return patchDistortion(patch, mode, source, sourceStride, sourceRows) * ERROR_SCALE + lambda * patchRate(patch, mode);
}

// @ts-ignore: decorator
@inline
function tableEntry(patch: i32, mode: i32): usize {
  return costTable + ((<usize>mode * patchCount() + <usize>patch) << 3);
}

/** J of a patch if it had `mode` and all others theirs of the mode map; remembered for `choosePatch`. */
export function evaluatePatch(patch: i32, mode: i32): f64 {
  const cost = costOfPatch(patch, mode);
  store<f64>(tableEntry(patch, mode), cost);
  return cost;
}

// @ts-ignore: decorator
@inline
function neighbourOf(patch: i32, index: i32): i32 {
  // Index 0…8 in raster order; 4 is the patch itself.
  const column = patch % patchColumns + index % 3 - 1;
  const row = patch / patchColumns + index / 3 - 1;
  if (<u32>column >= <u32>patchColumns || <u32>row >= <u32>patchRows) return -1;
  return row * patchColumns + column;
}

/** J of a patch with `mode` in the map of the moment, from the cache where the neighbourhood is the same. */
function cachedCost(patch: i32, mode: i32): f64 {
  let key = FILLED;
  for (let index = 0; index < 9; ++index) {
    const other = neighbourOf(patch, index);
    if (index != 4 && other >= 0 && load<u8>(modes + <usize>other) == mode) key |= <u64>1 << (index > 4 ? index - 1 : index);
  }
  const entries = costCache + ((<usize>mode * patchCount() + <usize>patch) << 5);
  if (load<u64>(entries) == key) return load<f64>(entries, 8);
  if (load<u64>(entries + ENTRY_BYTES) == key) return load<f64>(entries + ENTRY_BYTES, 8);
  const cost = costOfPatch(patch, mode);
  memory.copy(entries + ENTRY_BYTES, entries, ENTRY_BYTES);
  store<u64>(entries, key);
  store<f64>(entries, cost, 8);
  return cost;
}

/** What changes around `patch` when it takes `mode` instead of a mode that no neighbour has. */
function effectOnNeighbours(patch: i32, mode: i32): f64 {
  let effect: f64 = 0;
  for (let index = 0; index < 9; ++index) {
    const other = neighbourOf(patch, index);
    if (index == 4 || other < 0 || load<u8>(modes + <usize>other) != mode) continue;
    store<u8>(modes + <usize>patch, <u8>mode);
    const joined = cachedCost(other, mode);
    store<u8>(modes + <usize>patch, 255);
    effect += joined - cachedCost(other, mode);
  }
  return effect;
}

/**
 * Lets a patch choose among the `candidates` modes with the lowest J in the table, and the one it has.
 * @returns 1 if the mode map changed
 */
export function choosePatch(patch: i32, candidates: i32): i32 {
  const place = modes + <usize>patch;
  const current = <i32>load<u8>(place);
  for (let mode = 0; mode < modeCount; ++mode) store<u8>(CHOICE + <usize>mode, 0);
  store<u8>(CHOICE + <usize>current, 1);
  for (let taken = 0; taken < min(candidates, modeCount); ++taken) {
    let cheapest = -1;
    for (let mode = 0; mode < modeCount; ++mode) {
      if (load<u8>(CHOICE + <usize>mode) & 2) continue;
      if (cheapest < 0 || load<f64>(tableEntry(patch, mode)) < load<f64>(tableEntry(patch, cheapest))) cheapest = mode;
    }
    store<u8>(CHOICE + <usize>cheapest, 3);
  }
  let best = current;
  let bestCost = Infinity;
  for (let mode = 0; mode < modeCount; ++mode) {
    if (load<u8>(CHOICE + <usize>mode) == 0) continue;
    store<u8>(place, <u8>mode);
    const cost = cachedCost(patch, mode) + effectOnNeighbours(patch, mode);
    if (cost < bestCost || (cost == bestCost && mode == current)) {
      bestCost = cost;
      best = mode;
    }
  }
  store<u8>(place, <u8>best);
  return best == current ? 0 : 1;
}

/** Exact J of a patch under the mode map. That of the picture is the sum over all patches, and `mapCost`. */
export function patchCost(patch: i32): f64 {
  return costOfPatch(patch, load<u8>(modes + <usize>patch));
}

/** J of the mode map itself. */
export function mapCost(): f64 {
  return lambda * modeMapBits();
}
