/** The context model on the open window, with the kernels that `useSimd` chose. */
import { predict } from "./arm";
import { predictSimd } from "./arm_simd";
import { windowStride } from "./window";
import { simd } from "../memory";

/** Predicts the marked ones of a run of positions; see `predict` in `arm.ts`. */
// @ts-ignore: decorator
@inline
export function predictRun(codec: usize, position: usize, step: isize, marks: u64, out: usize): void {
  if (simd) predictSimd(codec, position, windowStride, step, marks, out);
  else predict(codec, position, windowStride, step, marks, out);
}
