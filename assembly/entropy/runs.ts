/**
 * Runs of row symbols on two, four or eight lanes, encoded with the states in registers instead of in memory.
 *
 * READ ME FIRST
 * - A run is a whole number of turns, one symbol per lane; what is left over is coded one by one, before it (`research.ts`).
 * - Encoding goes backwards: the last lane comes first.
 */
import { put, saveState, stateOf } from "./rans";
import { frequencyIn, rowPointer, slotsOf, startIn } from "./tables";

/** Set when a symbol has no slots. */
let missing: bool = false;

/** Puts the symbol at place `lane` of a turn. */
// @ts-ignore: decorator
@inline
function step(state: u32, symbols: usize, rows: usize, lane: usize): u32 {
  const slots = slotsOf(rowPointer(load<u16>(rows + (lane << 1))), load<u16>(symbols + (lane << 1)));
  const frequency = frequencyIn(slots);
  if (frequency == 0) missing = true;
  return put(state, startIn(slots), frequency);
}

/**
 * Encodes turns of `lanes` symbols, the last turn first.
 * @param symbols, rows  u16 × turns · lanes; rows below 1024, symbols within a row's entries
 * @param lanes  2, 4 or 8
 * @returns false for a symbol that its row does not have
 */
export function putTurns(symbols: usize, rows: usize, turns: i32, lanes: i32): bool {
  missing = false;
  const bytes = <usize>lanes << 1;
  let last = symbols + <usize>turns * bytes;
  const offset = rows - symbols;
  let a = stateOf(0), b = stateOf(1), c = stateOf(2), d = stateOf(3), e = stateOf(4), f = stateOf(5), g = stateOf(6), h = stateOf(7);
  if (lanes == 8) {
    while (last > symbols) {
      last -= 16;
      const row = last + offset;
      h = step(h, last, row, 7);
      g = step(g, last, row, 6);
      f = step(f, last, row, 5);
      e = step(e, last, row, 4);
      d = step(d, last, row, 3);
      c = step(c, last, row, 2);
      b = step(b, last, row, 1);
      a = step(a, last, row, 0);
    }
  } else if (lanes == 4) {
    while (last > symbols) {
      last -= 8;
      const row = last + offset;
      d = step(d, last, row, 3);
      c = step(c, last, row, 2);
      b = step(b, last, row, 1);
      a = step(a, last, row, 0);
    }
  } else {
    while (last > symbols) {
      last -= 4;
      const row = last + offset;
      b = step(b, last, row, 1);
      a = step(a, last, row, 0);
    }
  }
  saveState(0, a);
  saveState(1, b);
  saveState(2, c);
  saveState(3, d);
  saveState(4, e);
  saveState(5, f);
  saveState(6, g);
  saveState(7, h);
  return !missing;
}
