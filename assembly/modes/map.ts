/**
 * The mode map, to bytes and back (FORMAT.md §3).
 *
 * READ ME FIRST
 * - Three kinds: fixed-length bits, adaptive rANS, uniform. The encoder tries them and keeps the shortest.
 * - The adaptive kind needs the row of every patch twice (predict forwards, code in reverse): start and frequency are kept.
 */
import { countMode, fillModeRow, resetModeCounts } from "./context";
import {
  decodeSymbol, desynchronised, finishDecoding, finishEncoding, putSlots, startDecoding, startEncoding,
} from "../entropy/rans";
import { bitsOf, frequencyOf, startOf } from "../entropy/tables";
import { MODE_ROW, PRIORS, allocateLarge, mark, modeCount, modeLog2, modes, patchCount, release } from "../memory";
import { Status } from "../status";

const FIXED: i32 = 0;
const ADAPTIVE: i32 = 1;
const UNIFORM: i32 = 2;
const STATE_BITS: f64 = 32;

/** Copies prior u16 × M, bonus u16 × 4, increment u16 for the open picture's M. */
export function setPriors(priors: usize): void {
  memory.copy(PRIORS, priors, <usize>(modeCount + 5) << 1);
}

/** Decodes the map of the open picture. @returns ok, corruptSection or entropyDesync */
export function decodeModeMap(pointer: usize, length: u32, priors: usize): i32 {
  const count = patchCount();
  if (length == 0) {
    memory.fill(modes, 0, count);
    return modeCount == 1 ? Status.ok : Status.corruptSection;
  }
  const first = <i32>load<u8>(pointer);
  const kind = first & 3;
  const uniform = first >> 2;
  if (modeCount == 1 || (kind != UNIFORM && uniform != 0)) return Status.corruptSection;
  if (kind == UNIFORM) {
    if (length != 1 || uniform >= modeCount) return Status.corruptSection;
    memory.fill(modes, <u8>uniform, count);
    return Status.ok;
  }
  if (kind == FIXED) return decodeFixed(pointer + 1, length - 1);
  if (kind == ADAPTIVE) return decodeAdaptive(pointer + 1, length - 1, priors);
  return Status.corruptSection;
}

function decodeFixed(pointer: usize, length: u32): i32 {
  const count = patchCount();
  if (<u64>length != (<u64>count * modeLog2 + 7) >> 3) return Status.corruptSection;
  let held: u32 = 0;
  let bits = 0;
  for (let patch = 0; patch < count; ++patch) {
    if (bits < modeLog2) {
      held |= <u32>load<u8>(pointer++) << bits;
      bits += 8;
    }
    store<u8>(modes + <usize>patch, <u8>(held & (modeCount - 1)));
    held >>= modeLog2;
    bits -= modeLog2;
  }
  return held == 0 ? Status.ok : Status.corruptSection;
}

function decodeAdaptive(pointer: usize, length: u32, priors: usize): i32 {
  setPriors(priors);
  const status = startDecoding(pointer, length, 1);
  if (status != Status.ok) return status;
  resetModeCounts();
  const count = patchCount();
  for (let patch = 0; patch < count; ++patch) {
    fillModeRow(patch);
    const mode = <i32>decodeSymbol(0, MODE_ROW);
    store<u8>(modes + <usize>patch, <u8>mode);
    if (desynchronised) return Status.entropyDesync;
    countMode(mode);
  }
  return finishDecoding();
}

/** @returns bytes written with the kind byte, or −1 when the kind cannot hold this map or `capacity` is too small */
export function encodeModeMap(kind: i32, priors: usize, out: usize, capacity: u32): i32 {
  if (capacity < 1 || modeCount == 1) return -1;
  const count = patchCount();
  if (kind == UNIFORM) {
    const mode = load<u8>(modes);
    for (let patch = 1; patch < count; ++patch) {
      if (load<u8>(modes + <usize>patch) != mode) return -1;
    }
    store<u8>(out, <u8>(UNIFORM | (<i32>mode << 2)));
    return 1;
  }
  store<u8>(out, <u8>kind);
  if (kind == FIXED) return encodeFixed(out, capacity);
  return kind == ADAPTIVE ? encodeAdaptive(priors, out, capacity) : -1;
}

function encodeFixed(out: usize, capacity: u32): i32 {
  const count = patchCount();
  const bytes = (<u64>count * modeLog2 + 7) >> 3;
  if (bytes + 1 > <u64>capacity) return -1;
  let held: u32 = 0;
  let bits = 0;
  let next = out + 1;
  for (let patch = 0; patch < count; ++patch) {
    held |= <u32>load<u8>(modes + <usize>patch) << bits;
    bits += modeLog2;
    if (bits >= 8) {
      store<u8>(next++, <u8>held);
      held >>= 8;
      bits -= 8;
    }
  }
  if (bits > 0) store<u8>(next++, <u8>held);
  return <i32>(next - out);
}

function encodeAdaptive(priors: usize, out: usize, capacity: u32): i32 {
  const before = mark();
  const count = patchCount();
  const slots = allocateLarge(<u64>count << 3);
  if (slots == 0) return -1;
  setPriors(priors);
  resetModeCounts();
  for (let patch = 0; patch < count; ++patch) {
    fillModeRow(patch);
    const mode = load<u8>(modes + <usize>patch);
    store<u32>(slots + (<usize>patch << 3), startOf(MODE_ROW, mode));
    store<u32>(slots + (<usize>patch << 3), frequencyOf(MODE_ROW, mode), 4);
    countMode(mode);
  }
  startEncoding(out + 1, capacity - 1, 1);
  for (let patch = count - 1; patch >= 0; --patch) {
    const entry = slots + (<usize>patch << 3);
    putSlots(0, load<u32>(entry), load<u32>(entry, 4));
  }
  const bytes = finishEncoding(out + 1, capacity - 1);
  release(before);
  return bytes < 0 ? -1 : bytes + 1;
}

/** @returns bits of the current map in its cheapest kind, the kind byte included; 0 for M = 1 */
export function modeMapBits(): f64 {
  if (modeCount == 1) return 0;
  const count = patchCount();
  let uniform = true;
  let adaptive: f64 = STATE_BITS;
  resetModeCounts();
  for (let patch = 0; patch < count; ++patch) {
    const mode = load<u8>(modes + <usize>patch);
    uniform = uniform && mode == load<u8>(modes);
    fillModeRow(patch);
    adaptive += bitsOf(frequencyOf(MODE_ROW, mode));
    countMode(mode);
  }
  if (uniform) return 8;
  const fixed = <f64>(((<u64>count * modeLog2 + 7) >> 3) << 3);
  return 8 + min(fixed, adaptive);
}
