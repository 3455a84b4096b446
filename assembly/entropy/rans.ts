/**
 * rANS: symbols to bytes and back (FORMAT.md §5).
 *
 * READ ME FIRST
 * - Encode in REVERSE order of symbols; the bytes grow DOWNWARDS from the end of the buffer and `finishEncoding` moves
 *   the stream to its front.
 * - All lanes read and write one pointer. Symbol k belongs to lane k mod N; the caller counts.
 * - A decoder that runs out of bytes sets `desynchronised` and goes on with zero bytes: no call loops without bound, no
 *   byte outside the stream is read, and the caller looks at the flag when it suits.
 * - States start at 2^23 and must end there: a free check of the whole stream.
 */
import { LANES, simd } from "../memory";
import { Status } from "../status";
import { findSymbol } from "./search";
import { findSymbolSimd } from "./search_simd";
import { fillReciprocals, quotientOf } from "./reciprocals";
import { frequencyIn, frequencyOf, slotsOf, startIn, startOf } from "./tables";

const LOWEST_STATE: u32 = 1 << 23;
const HIGHEST_STATE: u32 = 1 << 31;
const HALF: u32 = 16384;

let pointer: usize = 0;
let limit: usize = 0;
let laneCount: i32 = 1;
/** Set when a stream cannot be what an encoder wrote; stays set until the next stream starts. */
export let desynchronised: bool = false;
/** Set when the encoded stream does not fit its buffer. */
let overflowed: bool = false;

/** @returns whether `lanes` is 1, 2, 4 or 8 */
export function validLanes(lanes: i32): bool {
  return lanes == 1 || lanes == 2 || lanes == 4 || lanes == 8;
}

/** Marks the stream as damaged. */
export function desynchronise(): void {
  desynchronised = true;
}

// ── Decoding ────────────────────────────────────────────────────────────────────────────────────────────────────────

/** Opens the stream of `length` bytes at `start`. @returns ok or entropyDesync */
export function startDecoding(start: usize, length: u32, lanes: i32): i32 {
  desynchronised = false;
  laneCount = lanes;
  if (length < <u32>(lanes << 2)) return Status.entropyDesync;
  pointer = start;
  limit = start + <usize>length;
  for (let lane = 0; lane < lanes; ++lane) {
    const state = load<u32>(pointer);
    if (state < LOWEST_STATE || state >= HIGHEST_STATE) return Status.entropyDesync;
    store<u32>(LANES + (<usize>lane << 2), state);
    pointer += 4;
  }
  return Status.ok;
}

/** @returns ok if every state is back at its start and every byte was used, else entropyDesync */
export function finishDecoding(): i32 {
  if (desynchronised || pointer != limit) return Status.entropyDesync;
  for (let lane = 0; lane < laneCount; ++lane) {
    if (load<u32>(LANES + (<usize>lane << 2)) != LOWEST_STATE) return Status.entropyDesync;
  }
  return Status.ok;
}

// @ts-ignore: decorator
@inline
function refill(state: u32): u32 {
  // At most two turns: the state is at least 2^8 here.
  while (state < LOWEST_STATE) {
    let byte: u32 = 0;
    if (pointer < limit) byte = load<u8>(pointer++);
    else desynchronised = true;
    state = (state << 8) | byte;
    if (state == 0) return LOWEST_STATE;
  }
  return state;
}

/** The state of a lane, for loops that keep it in a register; `saveState` puts it back. */
// @ts-ignore: decorator
@inline
export function stateOf(lane: i32): u32 {
  return load<u32>(LANES + (<usize>lane << 2));
}

// @ts-ignore: decorator
@inline
export function saveState(lane: i32, state: u32): void {
  store<u32>(LANES + (<usize>lane << 2), state);
}

/** The slot that a state stands at. */
// @ts-ignore: decorator
@inline
export function slotOf(state: u32): u32 {
  return state & 0x7fff;
}

/** The state after a symbol of `frequency`; `offset` is the slot within the symbol. */
// @ts-ignore: decorator
@inline
export function advance(state: u32, frequency: u32, offset: u32): u32 {
  return refill(frequency * (state >> 15) + offset);
}

/** The symbol of `row` that a slot belongs to. */
// @ts-ignore: decorator
@inline
export function symbolAt(row: usize, slot: u32): u32 {
  return simd ? findSymbolSimd(row, <i32>slot) : findSymbol(row, <i32>slot);
}

/** Decodes one symbol of `row` on `lane`. */
export function decodeSymbol(lane: i32, row: usize): u32 {
  const state = stateOf(lane);
  const slot = slotOf(state);
  const symbol = symbolAt(row, slot);
  saveState(lane, advance(state, frequencyOf(row, symbol), slot - startOf(row, symbol)));
  return symbol;
}

/** Decodes one evenly distributed bit on `lane`. */
export function decodeBit(lane: i32): u32 {
  const address = LANES + (<usize>lane << 2);
  const state = load<u32>(address);
  const slot = state & 0x7fff;
  store<u32>(address, refill(HALF * (state >> 15) + (slot & (HALF - 1))));
  return slot >> 14;
}

/** Decodes a bit on `lane` whose 0 has the first `zero` slots, 1…32,767. */
// @ts-ignore: decorator
@inline
export function decodeChoice(lane: i32, zero: u32): u32 {
  const address = LANES + (<usize>lane << 2);
  const state = load<u32>(address);
  const slot = state & 0x7fff;
  const bit: u32 = slot < zero ? 0 : 1;
  const frequency = bit ? 2 * HALF - zero : zero;
  store<u32>(address, refill(frequency * (state >> 15) + slot - (bit ? zero : 0)));
  return bit;
}

// ── Encoding ────────────────────────────────────────────────────────────────────────────────────────────────────────

/** Opens a stream that will be built downwards in the `capacity` bytes at `out`. */
export function startEncoding(out: usize, capacity: u32, lanes: i32): void {
  laneCount = lanes;
  limit = out;
  pointer = out + <usize>capacity;
  overflowed = false;
  fillReciprocals();
  for (let lane = 0; lane < lanes; ++lane) store<u32>(LANES + (<usize>lane << 2), LOWEST_STATE);
}

/** The state with a symbol put on top of it. `frequency` is 1…32,767. */
// @ts-ignore: decorator
@inline
export function put(state: u32, start: u32, frequency: u32): u32 {
  const ceiling = frequency << 16;
  if (state >= ceiling) {
    let next = pointer;
    if (next < limit + 2) {
      // A symbol takes two bytes at most, and the states need four at the end, so a stream that fits never comes here.
      overflowed = true;
      return LOWEST_STATE;
    }
    store<u8>(--next, <u8>state);
    state >>= 8;
    if (state >= ceiling) {
      store<u8>(--next, <u8>state);
      state >>= 8;
    }
    pointer = next;
  }
  return state + start + quotientOf(state, frequency) * (32768 - frequency);
}

/** Encodes a symbol, given as its slots, on `lane`. */
export function putSlots(lane: i32, start: u32, frequency: u32): void {
  saveState(lane, put(stateOf(lane), start, frequency));
}

/** Encodes one symbol of `row` on `lane`. */
export function putSymbol(lane: i32, row: usize, symbol: u32): void {
  const slots = slotsOf(row, symbol);
  putSlots(lane, startIn(slots), frequencyIn(slots));
}

/** Encodes one evenly distributed bit on `lane`. */
export function putBit(lane: i32, bit: u32): void {
  putSlots(lane, bit << 14, HALF);
}

/** Writes the states and moves the stream to `out`. @returns its bytes, or −1 if the capacity is too small */
export function finishEncoding(out: usize, capacity: u32): i32 {
  if (overflowed || pointer - limit < <usize>(laneCount << 2)) return -1;
  for (let lane = laneCount - 1; lane >= 0; --lane) {
    pointer -= 4;
    store<u32>(pointer, load<u32>(LANES + (<usize>lane << 2)));
  }
  const bytes = out + <usize>capacity - pointer;
  memory.copy(out, pointer, bytes);
  return <i32>bytes;
}
