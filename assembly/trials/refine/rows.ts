/** The refinement's kernels of latents against their scalar twins: the context model forwards and backwards, soft rounding, Adam. */
import { GATED, PLAIN, RELU } from "../../refine/context_kernels";
import * as scalarContext from "../../refine/context_kernels";
import * as simdContext from "../../refine/context_kernels_simd";
import * as scalarTrades from "../../refine/trade_kernels";
import * as simdTrades from "../../refine/trade_kernels_simd";
import { hyperbolicTangent } from "../../refine/math";
import { SIGNS_BYTES, TAP_MARGIN, contextStride, rowStride, tapStride } from "../../refine/scratch";
import * as scalarSteps from "../../refine/steps_kernels";
import * as simdSteps from "../../refine/steps_kernels_simd";
import { BACKWARD1, BACKWARD2, BIASES1, BIASES2, FORWARD1, FORWARD2, LAST_BIASES, ZEROS } from "../../refine/weights";
import { anyFloat, below, between, next } from "../random";
import { allowSlack, drawSigns, drawSource, openCase, putBoth, sameResults, scratch, target, twin } from "./cases";

const WIDEST: i32 = 25;
const ROW_TABLE: usize = memory.data(64, 16);
const QUANTILES: usize = memory.data(1024, 16);
/** Below this, latents are settled in the schedules of `src/refine`. */
const SETTLED: f32 = 0.38;

/** 0 to 1, without 1. */
function fraction(): f32 {
  return <f32>(next() >> 8) / <f32>(1 << 24);
}

/** A latent: mostly small, sometimes whole, halfway between whole numbers, or beyond what the contexts clamp to. */
function anyLatent(): f32 {
  const kind = below(16);
  if (kind == 0) return 0;
  if (kind == 1) return <f32>between(-200, 200);
  if (kind == 2) return <f32>between(-8, 8) + <f32>0.5;
  if (kind == 3) return (fraction() - <f32>0.5) * 65536;
  return (fraction() - <f32>0.5) * <f32>(1 << between(0, 8));
}

/** Latents in stretches: zeros, small ones that are settled, any. */
function drawLatents(address: usize, count: i32): void {
  let at = 0;
  while (at < count) {
    const end = min(at + between(4, 20), count);
    const kind = below(4);
    for (; at < end; ++at) {
      const value: f32 = kind == 0 ? <f32>0 : kind == 1 ? (fraction() - <f32>0.5) * 2 * SETTLED : anyLatent();
      store<f32>(address + (<usize>at << 2), value);
    }
  }
}

/** A dense layer of 16 inputs and outputs. @param kind  RELU, GATED, PLAIN */
export function tryDense(kind: i32, weights: usize, count: i32): i32 {
  let differences = 0;
  for (let index = 0; index < count; ++index) {
    openCase(index);
    const width = between(1, WIDEST);
    const stride = (kind == PLAIN ? tapStride(width) : rowStride(width)) + below(4);
    // Stretches begin at eights and end anywhere.
    const from = 8 * below(<u32>(width + 7) >> 3);
    const to = between(from + 1, width);
    for (let input: usize = 0; input < 64; input += 4) store<u32>(ROW_TABLE + input, <u32>drawSource(WIDEST + 8));
    const gate = kind == GATED ? drawSource(16 * stride + 8) : 0;
    const second = below(2) == 1;
    let matrix = weights + (second ? FORWARD2 : FORWARD1), biases = weights + (second ? BIASES2 : BIASES1);
    if (kind != RELU) {
      matrix = weights + (second ? BACKWARD2 : BACKWARD1);
      biases = weights + ZEROS;
    }
    scalarContext.dense(kind, ROW_TABLE, matrix, biases, twin, gate, stride, from, to);
    simdContext.dense(kind, ROW_TABLE, matrix, biases, target, gate, stride, from, to);
    allowSlack(16, <usize>stride << 2, 1, stride, to, 8);
    if (!sameResults()) ++differences;
  }
  return differences;
}

/** A unit behind a ReLU, of a size at which means and scales are within their ranges as often as beyond. */
function anyUnit(): f32 {
  const kind = below(8);
  if (kind < 3) return 0;
  return fraction() * <f32>(2 << (kind == 3 ? between(3, 13) : 0));
}

/** The last layer of the context model and the code length. */
export function tryLastLayer(weights: usize, count: i32): i32 {
  const mean = load<f32>(weights + LAST_BIASES);
  let differences = 0;
  for (let index = 0; index < count; ++index) {
    openCase(index);
    const width = between(1, WIDEST);
    const stride = rowStride(width) + below(4);
    const from = 8 * below(<u32>(width + 7) >> 3);
    const to = between(from + 1, width);
    const end = (to + 7) & ~7;
    const symbols = scratch;
    const hidden = scratch + 256;
    drawLatents(symbols, end);
    for (let x = from; x < end; ++x) {
      // Some positions see zeros only, and some of those stand at the edge of the central bin.
      const empty = below(4) == 0;
      if (empty && below(2) == 0) store<f32>(symbols + (<usize>x << 2), mean + (below(2) == 0 ? <f32>0.5 : <f32>-0.5));
      for (let unit = 0; unit < 16; ++unit) store<f32>(hidden + (<usize>(unit * stride + x) << 2), empty ? 0 : anyUnit());
    }
    const offset = <f32>between(-2000, 2000) / 256;
    // Own derivatives and the two rows for trades lie behind the 16 rows of the others.
    const own = <usize>(16 * stride + between(8, 16)) << 2;
    const laplace = own + (<usize>(stride + between(8, 16)) << 2);
    scalarContext.lastLayer(weights, hidden, symbols, offset, twin, twin + own, twin + laplace, stride, from, to, width);
    simdContext.lastLayer(weights, hidden, symbols, offset, target, target + own, target + laplace, stride, from, to, width);
    // Both twins fill the last eight.
    if (!sameResults()) ++differences;
  }
  return differences;
}

/** Bends of bits. */
export function tryBends(count: i32): i32 {
  let differences = 0;
  for (let index = 0; index < count; ++index) {
    openCase(index);
    const width = between(1, WIDEST);
    const stride = rowStride(width) + below(4);
    const from = 8 * below(<u32>(width + 7) >> 3);
    const to = between(from + 1, width);
    const laplace = scratch, own = scratch + (<usize>(2 * stride + 8) << 2);
    for (let x = from; x < ((to + 7) & ~7); ++x) {
      // Scales are those of lastLayer, from exp(−5) to exp(3).
      store<f32>(laplace + (<usize>x << 2), anyLatent());
      store<f32>(laplace + (<usize>(stride + x) << 2), <f32>Mathf.exp(fraction() * 8 - 5));
      store<f32>(own + (<usize>x << 2), anyUnit());
    }
    const down = <usize>(stride + 8) << 2;
    scalarTrades.bendOfBits(laplace, own, twin, twin + down, stride, from, to);
    simdTrades.bendOfBits(laplace, own, target, target + down, stride, from, to);
    if (!sameResults()) ++differences;
  }
  return differences;
}

/** Slopes of the colours. */
export function trySlopes(weights: usize, count: i32): i32 {
  let differences = 0;
  for (let index = 0; index < count; ++index) {
    openCase(index);
    const width = between(1, WIDEST);
    drawSigns(scratch, <usize>((width + 7) >> 3) * SIGNS_BYTES);
    const row = <usize>(rowStride(width) + below(4)) << 2;
    scalarTrades.colourSlopes(weights, scratch, twin, row, width);
    simdTrades.colourSlopes(weights, scratch, target, row, width);
    if (!sameResults()) ++differences;
  }
  return differences;
}

/** Gradients of taps to the window. */
export function tryAddTaps(count: i32): i32 {
  let differences = 0;
  for (let index = 0; index < count; ++index) {
    openCase(index);
    const width = between(1, WIDEST);
    const stride = tapStride(width) + below(4);
    const taps = scratch + (TAP_MARGIN << 2);
    memory.fill(scratch, 0, <usize>(17 * stride) << 2);
    for (let tap = 0; tap < 16; ++tap) memory.copy(taps + (<usize>(tap * stride) << 2), drawSource(width), <usize>width << 2);
    const windowStride = contextStride(width) + below(4);
    const window = drawSource(4 * windowStride);
    for (let at: usize = 0; at < <usize>(4 * windowStride) << 2; at += 4) {
      // Sums that began at 0 are never −0.
      const value = load<f32>(window + at);
      putBoth(at, value == 0 ? 0 : value);
    }
    // Three rows above, and three columns to the left.
    const origin = <usize>(3 * windowStride + 3) << 2;
    scalarContext.addTaps(taps, stride, twin + origin, windowStride, width);
    simdContext.addTaps(taps, stride, target + origin, windowStride, width);
    if (!sameResults()) ++differences;
  }
  return differences;
}

/** Soft rounding with noise. */
export function tryNoisyRound(count: i32): i32 {
  let differences = 0;
  for (let index = 0; index < count; ++index) {
    openCase(index);
    if (index % 64 == 0) {
      const width = fraction();
      for (let rank = 0; rank < 256; ++rank) store<f32>(QUANTILES + (<usize>rank << 2), (<f32>rank - 127.5) / 256 * width);
    }
    const width = between(1, WIDEST);
    drawLatents(scratch, width);
    const inverse = <f32>1 / (fraction() * <f32>0.9 + <f32>0.1);
    const scale = <f32>0.5 / hyperbolicTangent(<f32>0.5 * inverse);
    const settled = below(4) == 0 ? fraction() : SETTLED;
    const counter = next();
    const slopes = <usize>(width + below(8)) << 2;
    scalarSteps.noisyRound(scratch, twin, twin + slopes, width, QUANTILES, counter, inverse, scale, settled);
    simdSteps.noisyRound(scratch, target, target + slopes, width, QUANTILES, counter, inverse, scale, settled);
    if (!sameResults()) ++differences;
  }
  return differences;
}

/** A derivative: of every size, but with a square that a float holds. */
function anyGradient(): f32 {
  return min<f32>(max<f32>(anyFloat(), -1e15), 1e15);
}

/** A step of Adam. */
export function tryAdam(count: i32): i32 {
  let differences = 0;
  for (let index = 0; index < count; ++index) {
    openCase(index);
    const width = between(1, WIDEST);
    const slopes = scratch, gradients = scratch + 256;
    // Values, running means and running means of squares lie one behind the other.
    const gap = width + below(8);
    const moments = <usize>gap << 2, variances = <usize>gap << 3;
    const begun = below(8) != 0;
    for (let at: usize = 0; at < <usize>width << 2; at += 4) {
      store<f32>(slopes + at, below(4) == 0 ? 0 : fraction() * 32);
      store<f32>(gradients + at, below(8) == 0 ? 0 : anyGradient());
      const mean = begun ? anyGradient() : 0;
      putBoth(at, anyLatent());
      putBoth(moments + at, mean);
      putBoth(variances + at, mean * mean * fraction());
    }
    const first: f32 = begun ? 0.8 + fraction() * 0.19 : 0.9;
    const second: f32 = begun ? 0.9 + fraction() * 0.099 : 0.99;
    const rate = fraction();
    const firstScale = <f32>1 + fraction() * 9;
    const secondScale = <f32>1 + fraction() * 99;
    scalarSteps.adam(twin, slopes, gradients, twin + moments, twin + variances, width, rate, first, second, firstScale, secondScale, 1e-8);
    simdSteps.adam(target, slopes, gradients, target + moments, target + variances, width, rate, first, second, firstScale, secondScale, 1e-8);
    if (!sameResults()) ++differences;
  }
  return differences;
}
