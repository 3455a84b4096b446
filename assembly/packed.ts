/**
 * Packed latents: what an encoder holds of grids 2…0 of every competing codec until a patch is looked at.
 *
 * READ ME FIRST
 * - These grids are 63 of 64 latents, most of them 0 and nearly all of the others small. They are kept in blocks of 32 × 32: nothing
 *   for a block of zeros, a byte per sample where that is enough, else two.
 * - All kernels read planes of i16, which have room for the rows that the window of a patch reaches; `bringWindow` unpacks there what
 *   is not there yet.
 * - A packed block is an address with its kind in the low bits; 0 is a block of zeros.
 */
import {
  BLOCK_LOG2, BLOCK_SLOTS, FINE_GRIDS, allocate, blockColumns, blockRows, gridHeight, gridWidth, heldBlocks, heldRows, locatePatch, modeOfPatch,
  packedBlocks, packedSets, patchColumns, patchHeight, patchLog2, patchRows, patchWidth, patchX, patchY, planeOfMode, rowAddress,
} from "./memory";

export const BLOCK_SIDE: i32 = 1 << BLOCK_LOG2;
const BLOCK_SAMPLES: i32 = BLOCK_SIDE * BLOCK_SIDE;
/** Bytes of a block of i16. */
const BLOCK_BYTES: usize = <usize>BLOCK_SAMPLES << 1;
/** The block that is packed next. */
const UNPACKED: usize = memory.data(2048, 16);
/** Samples that a window reaches on every side of a patch (FORMAT.md §6). */
const REACH: i32 = 8;

const enum Kind {
  zeros = 0,
  bytes = 1,
  words = 2,
}

// @ts-ignore: decorator
@inline
function packedEntry(set: i32, grid: i32, row: i32, column: i32): usize {
  return packedBlocks + (<usize>(((set * FINE_GRIDS + grid) * blockRows + row) * blockColumns + column) << 2);
}

/** i16 × 32 × 32: the block that `packBlock` takes. */
// @ts-ignore: decorator
@inline
export function blockScratch(): usize {
  return UNPACKED;
}

export function clearBlockScratch(): void {
  memory.fill(UNPACKED, 0, BLOCK_BYTES);
}

/**
 * Packs the block in the scratch.
 * @param x, y  its first sample
 * @returns whether there was memory for it
 */
export function packBlock(set: i32, grid: i32, x: i32, y: i32): bool {
  const scratch = UNPACKED;
  let used: u64 = 0;
  for (let four: usize = 0; four < BLOCK_BYTES; four += 8) used |= load<u64>(scratch + four);
  let entry: usize = Kind.zeros;
  if (used != 0) {
    const kind = fitsBytes(scratch) ? Kind.bytes : Kind.words;
    const block = allocate(BLOCK_SAMPLES * kind);
    if (block == 0) return false;
    if (kind == Kind.words) memory.copy(block, scratch, BLOCK_BYTES);
    else for (let sample: usize = 0; sample < <usize>BLOCK_SAMPLES; ++sample) store<i8>(block + sample, <i8>load<i16>(scratch + (sample << 1)));
    entry = block | kind;
  }
  store<u32>(packedEntry(set, grid, y >> BLOCK_LOG2, x >> BLOCK_LOG2), <u32>entry);
  return true;
}

function fitsBytes(block: usize): bool {
  for (let sample: usize = 0; sample < BLOCK_BYTES; sample += 2) {
    const latent = <i32>load<i16>(block + sample);
    if (latent != <i32>(<i8>latent)) return false;
  }
  return true;
}

/**
 * Sees to it that the planes of `grid` hold what the window of the patch that `locatePatch` found reads: the patch as it is for `mode`,
 * and what is near of its neighbours as it is for theirs.
 */
export function bringWindow(patch: i32, mode: i32, grid: i32): void {
  const left = patchX - REACH, top = patchY - REACH;
  const right = patchX + patchWidth + REACH, bottom = patchY + patchHeight + REACH;
  const side = 1 << patchLog2 >> grid;
  const ownRow = patch / patchColumns, ownColumn = patch % patchColumns;
  for (let row = max(ownRow - 1, 0); row <= min(ownRow + 1, patchRows - 1); ++row) {
    for (let column = max(ownColumn - 1, 0); column <= min(ownColumn + 1, patchColumns - 1); ++column) {
      const other = row * patchColumns + column;
      const x = column * side, y = row * side;
      bringBlocks(
        other == patch ? mode : modeOfPatch(other), grid, max(left, x), max(top, y), min(min(right, x + side), gridWidth(grid)),
        min(min(bottom, y + side), gridHeight(grid)),
      );
    }
  }
}

/** Copies the latents of a patch in one grid, as they are for its mode, to i16 at `out`, row after row. */
export function copyLatents(patch: i32, grid: i32, out: usize): void {
  locatePatch(patch, grid);
  const mode = modeOfPatch(patch);
  if (packedSets && grid < FINE_GRIDS) bringWindow(patch, mode, grid);
  const bytes = <usize>patchWidth << 1;
  for (let y = 0; y < patchHeight; ++y) {
    memory.copy(out, rowAddress(planeOfMode(mode, grid), grid, patchY + y) + (<usize>patchX << 1), bytes);
    out += bytes;
  }
}

/** The blocks of the samples left…right−1 of the rows top…bottom−1. */
function bringBlocks(mode: i32, grid: i32, left: i32, top: i32, right: i32, bottom: i32): void {
  const places = (heldRows(grid) + BLOCK_SIDE - 1) >> BLOCK_LOG2;
  for (let row = top >> BLOCK_LOG2; row <= (bottom - 1) >> BLOCK_LOG2; ++row) {
    const held = heldBlocks + (<usize>(((mode * FINE_GRIDS + grid) * BLOCK_SLOTS + row % places) * blockColumns) << 2);
    for (let column = left >> BLOCK_LOG2; column <= (right - 1) >> BLOCK_LOG2; ++column) {
      const place = held + (<usize>column << 2);
      if (load<u32>(place) == 1 + row) continue;
      store<u32>(place, 1 + row);
      unpackBlock(mode, grid, row, column);
    }
  }
}

function unpackBlock(mode: i32, grid: i32, row: i32, column: i32): void {
  const entry = <usize>load<u32>(packedEntry(mode, grid, row, column));
  const kind = <i32>entry & 3;
  const x = column << BLOCK_LOG2, y = row << BLOCK_LOG2;
  const columns = <usize>min(BLOCK_SIDE, gridWidth(grid) - x);
  const rows = min(BLOCK_SIDE, gridHeight(grid) - y);
  const stride = <usize>gridWidth(grid) << 1;
  let source = entry & ~3;
  let target = rowAddress(planeOfMode(mode, grid), grid, y) + (<usize>x << 1);
  for (let line = 0; line < rows; ++line) {
    if (kind == Kind.zeros) memory.fill(target, 0, columns << 1);
    else if (kind == Kind.words) memory.copy(target, source, columns << 1);
    else for (let sample: usize = 0; sample < columns; ++sample) store<i16>(target + (sample << 1), load<i8>(source + sample));
    source += BLOCK_SIDE * kind;
    target += stride;
  }
}
