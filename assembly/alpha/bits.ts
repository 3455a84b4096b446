/**
 * Adaptive bits (FORMAT.md §9.1): a context learns how often its bit is 0, and the one rANS coder codes the bit.
 *
 * READ ME FIRST
 * - A context is a u32: the probability of 0 as 22 bits above a count of 10 bits. It moves fast at first and slower later.
 * - Encoding runs forwards to learn, writes (slots of 0, bit) down, and then codes in reverse.
 */
import { decodeChoice, finishEncoding, putSlots, startEncoding } from "../entropy/rans";
import { ALPHA_CONTEXTS } from "../memory";

const SLOTS: u32 = 32768;
const CERTAIN: i32 = (1 << 22) - 1;
const EVEN: u32 = (1 << 21) << 10;
const COUNT_MASK: u32 = 1023;
/** Counts stop here: what a context has learnt fades by one part in 64. */
const COUNT_LIMIT: u32 = 62;
const FEWEST_SLOTS: u32 = 8;

/** Makes `count` contexts know nothing. */
export function resetContexts(count: i32): void {
  for (let index: usize = 0; index < <usize>count; ++index) store<u32>(ALPHA_CONTEXTS + (index << 2), EVEN);
}

// @ts-ignore: decorator
@inline
function slotsOfZero(state: u32): u32 {
  return min(max(state >> 17, FEWEST_SLOTS), SLOTS - FEWEST_SLOTS);
}

// @ts-ignore: decorator
@inline
function learn(place: usize, state: u32, bit: u32): void {
  const probability = <i32>(state >> 10);
  const count = state & COUNT_MASK;
  const target = bit ? 0 : CERTAIN;
  const moved = probability + ((target - probability) * 2) / <i32>(2 * count + 3);
  store<u32>(place, (<u32>moved << 10) | min(count + 1, COUNT_LIMIT));
}

/** Decodes a bit in a context. */
// @ts-ignore: decorator
@inline
export function nextBit(context: i32): u32 {
  const place = ALPHA_CONTEXTS + (<usize>context << 2);
  const state = load<u32>(place);
  const bit = decodeChoice(0, slotsOfZero(state));
  learn(place, state, bit);
  return bit;
}

/** Writes a bit and the probability it has in its context down. @returns the address after them */
// @ts-ignore: decorator
@inline
export function noteBit(context: i32, bit: u32, out: usize): usize {
  const place = ALPHA_CONTEXTS + (<usize>context << 2);
  const state = load<u32>(place);
  store<u16>(out, <u16>((slotsOfZero(state) << 1) | bit));
  learn(place, state, bit);
  return out + 2;
}

/** Codes the bits that were written down from `start` to `end`. @returns bytes, or −1 when the capacity is too small */
export function encodeNotes(start: usize, end: usize, out: usize, capacity: u32): i32 {
  startEncoding(out, capacity, 1);
  while (end > start) {
    end -= 2;
    const note = <u32>load<u16>(end);
    const zero = note >> 1;
    if (note & 1) putSlots(0, zero, SLOTS - zero);
    else putSlots(0, 0, zero);
  }
  return finishEncoding(out, capacity);
}
