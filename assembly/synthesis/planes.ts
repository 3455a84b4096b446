/** Sizes of the float planes of one level of a patch. */
import { levelRows, levelStride } from "../memory";

/** Samples around the patch that every level keeps: the doubling filter turns a margin of 3 into exactly 3 again. */
export const MARGIN: i32 = 3;
/** A grid that is smoothed loses 3 more samples on every side. */
export const SMOOTHED_MARGIN: i32 = 6;

// @ts-ignore: decorator
@inline
export function planeBytes(width: i32, height: i32): usize {
  return <usize>(levelStride(width) * levelRows(height)) << 2;
}
