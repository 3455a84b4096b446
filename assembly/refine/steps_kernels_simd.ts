/** What a step does to each latent, SIMD twins of `steps_kernels.ts` with the same bits. What is left of a row is done by those. */
import { hyperbolicTangentSimd } from "./math";
import * as scalarKernels from "./steps_kernels";

// @ts-ignore: decorator
@inline
function times(a: v128, b: v128): v128 {
  return f32x4.mul(a, b);
}

// @ts-ignore: decorator
@inline
function plus(a: v128, b: v128): v128 {
  return f32x4.add(a, b);
}

// @ts-ignore: decorator
@inline
function quantileAt(quantiles: usize, counter: u32): usize {
  return quantiles + (<usize>scalarKernels.scramble(counter) << 2);
}

/** See `steps_kernels.ts`. */
export function noisyRound(
  values: usize, symbols: usize, slopes: usize, count: i32, quantiles: usize, counter: u32, inverse: f32, scale: f32, settled: f32,
): void {
  const half = f32x4.splat(0.5);
  const one = f32x4.splat(1);
  const inverses = f32x4.splat(inverse);
  const scales = f32x4.splat(scale);
  const steepness = times(scales, inverses);
  const zero = f32x4.splat(0);
  const limit = f32x4.splat(settled);
  const whole = count & ~7;
  for (let index = 0; index < whole; index += 4) {
    const offset = <usize>index << 2;
    if ((index & 4) == 0) {
      const left = f32x4.lt(f32x4.abs(v128.load(values + offset)), limit), right = f32x4.lt(f32x4.abs(v128.load(values + offset, 16)), limit);
      if (i32x4.all_true(v128.and(left, right))) {
        v128.store(symbols + offset, zero);
        v128.store(symbols + offset, zero, 16);
        v128.store(slopes + offset, zero);
        v128.store(slopes + offset, zero, 16);
        index += 4;
        continue;
      }
    }
    const value = v128.load(values + offset);
    let centre = plus(f32x4.floor(value), half);
    let bend = hyperbolicTangentSimd(times(f32x4.sub(value, centre), inverses));
    const first = f32x4.sub(one, times(bend, bend));
    const place = counter + <u32>index;
    let noise = v128.load32_zero(quantileAt(quantiles, place));
    noise = v128.load32_lane(quantileAt(quantiles, place + 1), noise, 1);
    noise = v128.load32_lane(quantileAt(quantiles, place + 2), noise, 2);
    noise = v128.load32_lane(quantileAt(quantiles, place + 3), noise, 3);
    const noisy = plus(plus(centre, times(scales, bend)), noise);
    centre = plus(f32x4.floor(noisy), half);
    bend = hyperbolicTangentSimd(times(f32x4.sub(noisy, centre), inverses));
    v128.store(symbols + offset, plus(centre, times(scales, bend)));
    v128.store(slopes + offset, times(times(steepness, first), times(steepness, f32x4.sub(one, times(bend, bend)))));
  }
  const done = <usize>whole << 2;
  scalarKernels.noisyRound(values + done, symbols + done, slopes + done, count - whole, quantiles, counter + <u32>whole, inverse, scale, settled);
}

/** See `steps_kernels.ts`. */
export function adam(
  values: usize, slopes: usize, gradients: usize, moments: usize, variances: usize, count: i32,
  rate: f32, first: f32, second: f32, firstScale: f32, secondScale: f32, epsilon: f32,
): void {
  const keepFirst = f32x4.splat(first);
  const keepSecond = f32x4.splat(second);
  const takeFirst = f32x4.splat(<f32>1 - first);
  const takeSecond = f32x4.splat(<f32>1 - second);
  const whole = <usize>(count & ~3) << 2;
  for (let index: usize = 0; index < whole; index += 16) {
    const gradient = times(v128.load(gradients + index), v128.load(slopes + index));
    const moment = plus(times(keepFirst, v128.load(moments + index)), times(takeFirst, gradient));
    const variance = plus(times(keepSecond, v128.load(variances + index)), times(takeSecond, times(gradient, gradient)));
    v128.store(moments + index, moment);
    v128.store(variances + index, variance);
    const root = plus(f32x4.sqrt(times(variance, f32x4.splat(secondScale))), f32x4.splat(epsilon));
    const move = f32x4.div(times(f32x4.splat(rate), times(moment, f32x4.splat(firstScale))), root);
    v128.store(values + index, f32x4.sub(v128.load(values + index), move));
  }
  scalarKernels.adam(
    values + whole, slopes + whole, gradients + whole, moments + whole, variances + whole, count & 3,
    rate, first, second, firstScale, secondScale, epsilon,
  );
}
