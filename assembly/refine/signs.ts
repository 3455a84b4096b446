/** Notation for the signs that `pointwise` leaves: a byte for each unit and eight pixels, whose bits say where it is shut. */

/** The byte of a unit, to compare with four of its bits. */
// @ts-ignore: decorator
@inline
export function shutPixels(signs: usize, unit: usize): v128 {
  return i32x4.splat(load<u8>(signs + unit));
}

/** All ones in the lanes whose bit is not set. @param bits  of each lane */
// @ts-ignore: decorator
@inline
export function openLanes(shut: v128, bits: v128): v128 {
  return i32x4.eq(v128.and(shut, bits), i32x4.splat(0));
}
