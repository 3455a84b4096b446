/** Repeatable random numbers for the trials: mulberry32. */

let state: u32 = 1;

export function seedRandom(seed: u32): void {
  state = seed;
}

/** @returns 0 to 2^32 − 1 */
export function next(): u32 {
  state += 0x6d2b79f5;
  let mixed: u32 = (state ^ (state >>> 15)) * (state | 1);
  mixed ^= mixed + (mixed ^ (mixed >>> 7)) * (mixed | 61);
  return mixed ^ (mixed >>> 14);
}

/** @returns 0 to count − 1 */
export function below(count: u32): i32 {
  return <i32>((<u64>next() * <u64>count) >> 32);
}

/** @returns least to most */
export function between(least: i32, most: i32): i32 {
  return least + below(<u32>(most - least + 1));
}

/** @returns a number of any size that a picture may come to: mostly small, sometimes 0, −0 or huge */
export function anyFloat(): f32 {
  const kind = below(16);
  if (kind == 0) return 0;
  if (kind == 1) return -0.0;
  const value = <f32>(<i32>next() >> between(0, 24));
  return value * (kind == 2 ? 1e12 : 0.00390625);
}
