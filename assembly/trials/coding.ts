/**
 * Random symbols through the rANS coder and random maps through the mode-map coder, and back. For tests: not part of build/codec.wasm.
 */
import { decodeSymbol, finishDecoding, finishEncoding, putSymbol, startDecoding, startEncoding } from "../entropy/rans";
import { allocate, beginPicture, mark, modes, patchCount, release, useSimd } from "../memory";
import { decodeModeMap, encodeModeMap } from "../modes/map";
import { below, between, next } from "./random";

/** Rows of one stream, each of as many symbols as its alphabet; 16 entries more than needed, as the SIMD search reads on. */
const ROWS: i32 = 8;
const ROW_BYTES: usize = 2 * (256 + 1 + 31);
const LONGEST: i32 = 4096;
const STREAM_BYTES: u32 = 4 * LONGEST + 64;

let rowTable: usize = 0;
let drawnRows: usize = 0;
let drawnSymbols: usize = 0;
let stream: usize = 0;
let priors: usize = 0;
let drawnModes: usize = 0;

/** @returns false without memory */
export function openCoding(): bool {
  rowTable = allocate(ROWS * <i32>ROW_BYTES);
  drawnRows = allocate(LONGEST);
  drawnSymbols = allocate(2 * LONGEST);
  stream = allocate(STREAM_BYTES);
  priors = allocate(64);
  drawnModes = allocate(LONGEST);
  return drawnModes != 0;
}

/** A row of `symbols` symbols in the layout of `entropy/tables.ts`: even, of random shares, or with all but the least on one symbol. */
function drawRow(row: usize, symbols: i32): void {
  const kind = below(4);
  const favourite = below(<u32>symbols);
  let spare = 32768 - symbols;
  let sum = 0;
  store<i16>(row, -1);
  for (let symbol = 0; symbol < symbols; ++symbol) {
    let more = 0;
    if (kind == 0) more = spare / (symbols - symbol);
    else if (kind == 1) more = symbol == favourite ? spare : 0;
    else more = below(<u32>(2 * spare / (symbols - symbol) + 1));
    if (symbol == symbols - 1 || more > spare) more = spare;
    if (kind == 1 && symbol == symbols - 1 && symbol != favourite) more = 0;
    spare -= more;
    sum += 1 + more;
    store<i16>(row + (<usize>symbol << 1), <i16>(sum - 1), 2);
  }
  for (let entry = row + 2 + (<usize>symbols << 1); entry < row + ROW_BYTES; entry += 2) store<i16>(entry, 32767);
}

/** Half the streams are as long as a few lanes, one in forty is long. */
function drawLength(): i32 {
  const kind = below(40);
  if (kind == 0) return between(1000, LONGEST);
  return kind < 20 ? below(18) : below(71);
}

/**
 * Streams of random symbols of alphabets of 2 to 256, until there are `count` symbols.
 * @returns symbols and ends of streams that did not come back
 */
export function tryStreams(count: i32): i32 {
  let mismatches = 0;
  for (let done = 0; done < count; ) {
    const symbols = between(2, 256);
    for (let row = 0; row < ROWS; ++row) drawRow(rowTable + <usize>row * ROW_BYTES, symbols);
    const lanes = 1 << below(4);
    const length = min(drawLength(), count - done);
    for (let index = 0; index < length; ++index) {
      store<u8>(drawnRows + <usize>index, <u8>below(ROWS));
      store<u16>(drawnSymbols + (<usize>index << 1), <u16>below(<u32>symbols));
    }
    startEncoding(stream, STREAM_BYTES, lanes);
    for (let index = length - 1; index >= 0; --index) putSymbol(index & (lanes - 1), rowAt(index), symbolAt(index));
    const bytes = finishEncoding(stream, STREAM_BYTES);
    for (let kernels = 0; kernels < 2; ++kernels) {
      useSimd(kernels != 0);
      if (bytes < 0 || startDecoding(stream, <u32>bytes, lanes) != 0) {
        ++mismatches;
        continue;
      }
      for (let index = 0; index < length; ++index) {
        if (decodeSymbol(index & (lanes - 1), rowAt(index)) != symbolAt(index)) ++mismatches;
      }
      if (finishDecoding() != 0) ++mismatches;
    }
    // An empty stream counts too, or this might not end.
    done += max(1, length);
  }
  return mismatches;
}

// @ts-ignore: decorator
@inline
function rowAt(index: i32): usize {
  return rowTable + <usize>load<u8>(drawnRows + <usize>index) * ROW_BYTES;
}

// @ts-ignore: decorator
@inline
function symbolAt(index: i32): u32 {
  return load<u16>(drawnSymbols + (<usize>index << 1));
}

/**
 * Random mode maps of 2, 4 and 8 modes in every kind that holds them, until there are `count` modes.
 * @returns maps that did not come back
 */
export function tryMaps(count: i32): i32 {
  let mismatches = 0;
  for (let done = 0; done < count; ) {
    const before = mark();
    const modeCount = 1 << between(1, 3);
    // Rows of patches that are one sample high: maps are large, pictures small.
    const columns = between(1, 24);
    const rows = between(1, 24);
    if (beginPicture(64 * (columns - 1) + 1, 64 * (rows - 1) + 1, 6, modeCount, 2) != 0) return -1;
    const patches = patchCount();
    for (let round = 0; round < 8; ++round) {
      drawPriors(modeCount);
      const similar = below(4);
      for (let patch = 0; patch < patches; ++patch) {
        const copied = patch > 0 && below(4) < similar;
        store<u8>(drawnModes + <usize>patch, copied ? load<u8>(drawnModes + <usize>(patch - 1)) : <u8>below(<u32>modeCount));
      }
      for (let kind = 0; kind < 3; ++kind) {
        memory.copy(modes, drawnModes, <usize>patches);
        const bytes = encodeModeMap(kind, priors, stream, STREAM_BYTES);
        if (kind == 2 && bytes == -1) continue;
        for (let kernels = 0; kernels < 2; ++kernels) {
          useSimd(kernels != 0);
          memory.fill(modes, 0, <usize>patches);
          if (bytes < 0 || decodeModeMap(stream, <u32>bytes, priors) != 0 || memory.compare(modes, drawnModes, <usize>patches) != 0) ++mismatches;
        }
      }
      done += patches;
    }
    release(before);
  }
  return mismatches;
}

/** Priors within the bounds of FORMAT.md §7.4. */
function drawPriors(modeCount: i32): void {
  let left: u32 = 65535;
  const increment = min<u32>(<u32>below(60), left / <u32>(512 * modeCount));
  left -= 255 * <u32>modeCount * increment;
  for (let mode = 0; mode < modeCount; ++mode) {
    const prior: u32 = 1 + <u32>below((left - <u32>(modeCount - mode)) / 2 + 1);
    left -= prior;
    store<u16>(priors + (<usize>mode << 1), <u16>prior);
  }
  for (let neighbour = 0; neighbour < 4; ++neighbour) {
    const bonus = <u32>below(left / 2 + 1);
    left -= bonus;
    store<u16>(priors + (<usize>(modeCount + neighbour) << 1), <u16>bonus);
  }
  store<u16>(priors + (<usize>(modeCount + 4) << 1), <u16>increment);
  next();
}
