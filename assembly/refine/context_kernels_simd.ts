/**
 * The context model in f32, SIMD twins of `context_kernels.ts` with the same bits.
 *
 * READ ME FIRST
 * - Lanes are neighbouring positions. `dense` computes four outputs at eight positions at a time, so that eight sums fill the latency
 *   and all fits the registers; rows are computed in whole vectors, up to 7 results beyond `count`.
 */
import { LAST, LAST_BIASES } from "./weights";
import { GATED, HALF_LOG2_E, HIGHEST_LOG_SCALE, LOWEST_LOG_SCALE, PROBABILITY_FLOOR, RELU } from "./context_kernels";
import { exponentialSimd } from "./math";

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
function finish(kind: i32, sum: v128, gate: usize): v128 {
  if (kind == RELU) return f32x4.pmax(sum, f32x4.splat(0));
  if (kind == GATED) return v128.and(sum, f32x4.gt(v128.load(gate), f32x4.splat(0)));
  return sum;
}

/** See `context_kernels.ts`. */
export function dense(kind: i32, inputs: usize, weights: usize, biases: usize, outputs: usize, gate: usize, stride: i32, from: i32, to: i32): void {
  const row = <usize>stride << 2;
  const inputsEnd = inputs + 64;
  for (let x = <usize>from << 2; x < <usize>to << 2; x += 32) {
    let weight = weights;
    let out = outputs + x;
    let open = gate + x;
    for (let output: usize = 0; output < 64; output += 16) {
      let a0 = v128.load32_splat(biases + output), b0 = v128.load32_splat(biases + output, 4);
      let c0 = v128.load32_splat(biases + output, 8), d0 = v128.load32_splat(biases + output, 12);
      let a1 = a0, b1 = b0, c1 = c0, d1 = d0;
      for (let input = inputs; input < inputsEnd; input += 4) {
        const source = <usize>load<u32>(input) + x;
        const left = v128.load(source), right = v128.load(source, 16);
        let factor = v128.load32_splat(weight);
        a0 = plus(a0, times(factor, left));
        a1 = plus(a1, times(factor, right));
        factor = v128.load32_splat(weight, 4);
        b0 = plus(b0, times(factor, left));
        b1 = plus(b1, times(factor, right));
        factor = v128.load32_splat(weight, 8);
        c0 = plus(c0, times(factor, left));
        c1 = plus(c1, times(factor, right));
        factor = v128.load32_splat(weight, 12);
        d0 = plus(d0, times(factor, left));
        d1 = plus(d1, times(factor, right));
        weight += 16;
      }
      v128.store(out, finish(kind, a0, open));
      v128.store(out, finish(kind, a1, open + 16), 16);
      out += row;
      open += row;
      v128.store(out, finish(kind, b0, open));
      v128.store(out, finish(kind, b1, open + 16), 16);
      out += row;
      open += row;
      v128.store(out, finish(kind, c0, open));
      v128.store(out, finish(kind, c1, open + 16), 16);
      out += row;
      open += row;
      v128.store(out, finish(kind, d0, open));
      v128.store(out, finish(kind, d1, open + 16), 16);
      out += row;
      open += row;
    }
  }
}

/** See `context_kernels.ts`. */
export function lastLayer(weights: usize, hidden: usize, symbols: usize, offset: f32, gradients: usize, own: usize, laplace: usize, stride: i32, from: i32, to: i32, count: i32): void {
  const last = weights + LAST;
  const row = <usize>stride << 2;
  const meanBias = v128.load32_splat(weights + LAST_BIASES);
  const scaleBias = plus(v128.load32_splat(weights + LAST_BIASES, 4), f32x4.splat(offset));
  const end = (to + 7) & ~7;
  const sign = i32x4.splat(0x80000000);
  const half = f32x4.splat(0.5);
  for (let x = from; x < end; x += 4) {
    const column = hidden + (<usize>x << 2);
    let mean = meanBias;
    let logScale = scaleBias;
    let value = column;
    for (let weight = last; weight < last + 64; weight += 4) {
      const input = v128.load(value);
      mean = plus(mean, times(v128.load32_splat(weight), input));
      logScale = plus(logScale, times(v128.load32_splat(weight, 64), input));
      value += row;
    }
    const low = f32x4.splat(LOWEST_LOG_SCALE);
    const high = f32x4.splat(HIGHEST_LOG_SCALE);
    const inverseScale = exponentialSimd(f32x4.neg(f32x4.pmin(f32x4.pmax(logScale, low), high)));
    const clamped = f32x4.pmin(f32x4.pmax(mean, f32x4.splat(-127)), f32x4.splat(127));
    const difference = f32x4.sub(v128.load(symbols + (<usize>x << 2)), clamped);
    const distance = f32x4.abs(difference);
    const inner = f32x4.sub(distance, half);
    const outer = plus(distance, half);
    const near = exponentialSimd(times(f32x4.neg(f32x4.abs(inner)), inverseScale));
    const far = exponentialSimd(times(f32x4.neg(outer), inverseScale));
    const outside = times(half, f32x4.sub(near, far));
    const inside = f32x4.sub(f32x4.splat(1), times(half, plus(near, far)));
    const mass = v128.bitselect(outside, inside, f32x4.ge(distance, half));
    const common = f32x4.div(times(f32x4.splat(HALF_LOG2_E), inverseScale), plus(mass, f32x4.splat(PROBABILITY_FLOOR)));
    let byMean = v128.xor(times(f32x4.sub(far, near), common), v128.and(difference, sign));
    let byScale = times(f32x4.sub(times(outer, far), times(inner, near)), common);
    const zero = f32x4.splat(0);
    const blocked = v128.or(
      v128.and(f32x4.lt(logScale, low), f32x4.gt(byScale, zero)),
      v128.and(f32x4.gt(logScale, high), f32x4.lt(byScale, zero)),
    );
    const valid = i32x4.lt_s(i32x4.add(i32x4.splat(x), i32x4(0, 1, 2, 3)), i32x4.splat(count));
    byScale = v128.and(v128.andnot(byScale, blocked), valid);
    byMean = v128.and(byMean, valid);
    v128.store(own + (<usize>x << 2), f32x4.neg(byMean));
    v128.store(laplace + (<usize>x << 2), difference);
    v128.store(laplace + row + (<usize>x << 2), inverseScale);
    let out = gradients + (<usize>x << 2);
    value = column;
    for (let weight = last; weight < last + 64; weight += 4) {
      const gradient = plus(times(v128.load32_splat(weight), byMean), times(v128.load32_splat(weight, 64), byScale));
      v128.store(out, v128.and(gradient, f32x4.gt(v128.load(value), zero)));
      value += row;
      out += row;
    }
  }
}

// @ts-ignore: decorator
@inline
function tapAt(taps: usize, row: i32, tap: i32, shift: i32): v128 {
  return v128.load(taps + (tap * row + (shift << 2)));
}

// @ts-ignore: decorator
@inline
function addTo(target: usize, value: v128): void {
  v128.store(target, plus(v128.load(target), value));
}

/** See `context_kernels.ts`. What lies beyond the ends gets zeros added. */
export function addTaps(taps: usize, tapStride: i32, target: usize, targetStride: i32, count: i32): void {
  const row = tapStride << 2;
  const line = <usize>targetStride << 2;
  for (let x = -3; x < count + 2; x += 4) {
    const t = taps + (x << 2);
    const place = target + (x << 2);
    addTo(place - 3 * line, plus(tapAt(t, row, 0, 0), tapAt(t, row, 1, -1)));
    let sum = plus(plus(tapAt(t, row, 2, 2), tapAt(t, row, 3, 1)), tapAt(t, row, 4, 0));
    addTo(place - 2 * line, plus(plus(sum, tapAt(t, row, 5, -1)), tapAt(t, row, 6, -2)));
    sum = plus(plus(tapAt(t, row, 7, 3), tapAt(t, row, 8, 2)), tapAt(t, row, 9, 1));
    sum = plus(plus(sum, tapAt(t, row, 10, 0)), tapAt(t, row, 11, -1));
    addTo(place - line, plus(sum, tapAt(t, row, 12, -2)));
    addTo(place, plus(plus(tapAt(t, row, 13, 3), tapAt(t, row, 14, 2)), tapAt(t, row, 15, 1)));
  }
}
