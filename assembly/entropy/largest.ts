/** The largest of many 16-bit numbers: one look at all symbols instead of one at each. */

/** The largest of u16 × count; 0 of none. */
export function largestOf(array: usize, count: i32): u32 {
  let largest: u32 = 0;
  for (let index = 0; index < count; ++index) largest = max(largest, load<u16>(array + (<usize>index << 1)));
  return largest;
}

/** SIMD twin of `largestOf`. */
export function largestOfSimd(array: usize, count: i32): u32 {
  let first = i16x8.splat(0), second = i16x8.splat(0);
  const whole = count & ~15;
  for (let index = 0; index < whole; index += 16) {
    const at = array + (<usize>index << 1);
    first = i16x8.max_u(first, v128.load(at));
    second = i16x8.max_u(second, v128.load(at, 16));
  }
  first = i16x8.max_u(first, second);
  first = i16x8.max_u(first, v128.shuffle<i16>(first, first, 4, 5, 6, 7, 0, 1, 2, 3));
  first = i16x8.max_u(first, v128.shuffle<i16>(first, first, 2, 3, 0, 1, 6, 7, 4, 5));
  const largest = <u32>max(i16x8.extract_lane_u(first, 0), i16x8.extract_lane_u(first, 1));
  return max(largest, largestOf(array + (<usize>whole << 1), count - whole));
}
