/**
 * Every SIMD kernel against its scalar twin on random cases. For tests: not part of build/codec.wasm.
 *
 * READ ME FIRST
 * - A trial draws sizes (all tail lengths of up to three vectors) and addresses (every alignment, odd ones too), runs both twins and
 *   compares. It returns the number of cases that differ.
 * - Inputs lie in one pool that is drawn anew every `REFILL` cases; a case takes its rows from anywhere in it.
 * - Both outputs start equal, so what a twin writes beside its rows shows, but for the slack that `kernels_simd.ts` is allowed.
 */
import { RESIDUAL_LAST, RESIDUAL_THIRD, kernelsOf } from "../codec";
import { predict } from "../context/arm";
import { predictSimd } from "../context/arm_simd";
import { largestOf, largestOfSimd } from "../entropy/largest";
import { findSymbol } from "../entropy/search";
import { findSymbolSimd } from "../entropy/search_simd";
import { rowPointer } from "../entropy/tables";
import { allocate, levelStride, setInverseGain } from "../memory";
import { rowError, rowErrorSimd } from "../select/distortion";
import * as scalar from "../synthesis/kernels";
import * as simd from "../synthesis/kernels_simd";
import * as scalarLayers from "../synthesis/layers";
import * as simdLayers from "../synthesis/layers_simd";
import { meanOfRow } from "../synthesis/reduce_kernels";
import { meanOfRowSimd } from "../synthesis/reduce_kernels_simd";
import { anyFloat, below, between, next } from "./random";

const REFILL: i32 = 64;
const WIDEST: i32 = 25;
const TALLEST: i32 = 5;
/** Floats of the pool: seven planes of the largest case, and as much again to choose from. */
const POOL_FLOATS: i32 = 16384;
const OUTPUT_BYTES: i32 = 16384;

let pool: usize = 0;
let outputs: usize = 0;
let expected: usize = 0;

/** Where the floats of this case begin, and how far the addresses of its outputs are from a multiple of 16. */
let source: usize = 0;
let target: usize = 0;
let twin: usize = 0;
let width: i32 = 0;
let rows: i32 = 0;
let stride: i32 = 0;

/** @returns false without memory */
export function openTrials(): bool {
  pool = allocate(POOL_FLOATS * 4 + 64);
  outputs = allocate(OUTPUT_BYTES + 64);
  expected = allocate(OUTPUT_BYTES + 64);
  return pool != 0 && outputs != 0 && expected != 0;
}

function drawCase(index: i32): void {
  if (index % REFILL == 0) {
    source = pool + <usize>below(16);
    for (let at = 0; at < POOL_FLOATS; ++at) store<f32>(source + (<usize>at << 2), anyFloat());
  }
  width = between(1, WIDEST);
  rows = between(1, TALLEST);
  stride = levelStride(width + 6) + below(4);
  const misaligned = <usize>(32 + below(16));
  target = outputs + misaligned;
  twin = expected + <usize>(32 + below(16));
  memory.fill(outputs, 0x5a, OUTPUT_BYTES);
  memory.fill(expected, 0x5a, OUTPUT_BYTES);
}

/** A place in the pool from which `floats` can be read. */
function drawSource(floats: i32): usize {
  return source + (<usize>below(<u32>(POOL_FLOATS - floats)) << 2);
}

/** Compares rows of floats as numbers: 0 is −0, and no number is no number. */
function sameRows(planes: i32, plane: usize, columns: i32): bool {
  for (let index = 0; index < planes; ++index) {
    for (let y = 0; y < rows; ++y) {
      for (let x = 0; x < columns; ++x) {
        const at = <usize>index * plane + (<usize>(y * stride + x) << 2);
        const a = load<f32>(target + at), b = load<f32>(twin + at);
        if (a != b && (a == a || b == b)) return false;
      }
    }
  }
  // Nothing before the first row, and nothing behind the slack of the last.
  const end = <usize>(planes - 1) * plane + (<usize>((rows - 1) * stride + columns + 8) << 2);
  return load<u64>(target - 8) == 0x5a5a5a5a5a5a5a5a && load<u64>(target + end) == 0x5a5a5a5a5a5a5a5a;
}

/** The filters of the upsampling. @param kind  0 doubleAlongX, 1 doubleAlongY, 2 filterAlongX, 3 filterAlongY, 4 dequantise, 5 doublePair */
export function tryFilters(kind: i32, codec: usize, count: i32): i32 {
  let differences = 0;
  for (let index = 0; index < count; ++index) {
    drawCase(index);
    const kernel = kernelsOf(codec, below(6));
    let columns = width;
    if (kind == 0) {
      const from = drawSource(stride * (rows + 1));
      const pairs = (width + 1) >> 1;
      columns = 2 * pairs;
      scalar.doubleAlongX(from, twin, stride, pairs, rows, kernel);
      simd.doubleAlongX(from, target, stride, pairs, rows, kernel);
    } else if (kind == 1) {
      const sourceStride = levelStride(width);
      const from = drawSource(sourceStride * (rows + 5));
      scalar.doubleAlongY(from, twin, sourceStride, stride, width, rows, kernel);
      simd.doubleAlongY(from, target, sourceStride, stride, width, rows, kernel);
    } else if (kind == 2) {
      const from = drawSource(stride * (rows + 1));
      scalar.filterAlongX(from, twin, stride, width, rows, kernel);
      simd.filterAlongX(from, target, stride, width, rows, kernel);
    } else if (kind == 4) {
      // The bits of floats are latents of every size.
      const from = drawSource(width);
      rows = 1;
      const scale = anyFloat();
      scalar.dequantise(from, twin, width, scale);
      simd.dequantise(from, target, width, scale);
      if (memory.compare(target - 16, twin - 16, 256) != 0) ++differences;
    } else if (kind == 5) {
      const a = drawSource(width), b = drawSource(width), c = drawSource(width), d = drawSource(width);
      rows = 2;
      const apart = <usize>stride << 2;
      scalar.doublePair(a, b, c, d, twin, twin + apart, width, kernel);
      simd.doublePair(a, b, c, d, target, target + apart, width, kernel);
    } else {
      const from = drawSource(stride * (rows + 8));
      const original = drawSource(stride * (rows + 8));
      scalar.filterAlongY(from, original, twin, stride, stride, width, rows, kernel);
      simd.filterAlongY(from, original, target, stride, stride, width, rows, kernel);
    }
    if (!sameRows(1, 0, columns)) ++differences;
  }
  return differences;
}

/** Compares a row of `count` pairs or pixels; nothing is written behind the slack. */
function sameWords(at: usize, count: i32): bool {
  if (memory.compare(target + at, twin + at, <usize>count << 2) != 0) return false;
  return load<u64>(target + at + (<usize>(count + 8) << 2)) == 0x5a5a5a5a5a5a5a5a;
}

/** Compares two lines of colours and the second halves of the line before. */
function sameColours(line: usize): bool {
  const before = load<u64>(target - line - 8) == 0x5a5a5a5a5a5a5a5a;
  return before && sameWords(0, width) && sameWords(line, width) && sameWords(0 - line, width);
}

/** Where the lines are that the 3×3 layers read. */
const lines: usize = memory.data(20, 16);

/** The layers of the synthesis. @param kind  0 packFeatures, 1 pointwise, 2 residualRelu, 3 residualPixels */
export function tryLayers(kind: i32, codec: usize, count: i32): i32 {
  let differences = 0;
  for (let index = 0; index < count; ++index) {
    drawCase(index);
    // Room for the line before.
    target += 256;
    twin += 256;
    const line = <usize>stride << 2;
    const plane = <usize>(stride * TALLEST) << 2;
    const from = drawSource(7 * (<i32>plane >> 2) + 16);
    for (let index = 0; index < 5; ++index) store<usize>(lines + (<usize>index << 2), from + <usize>((index * 3) % 5) * line);
    let same = true;
    if (kind == 0) {
      scalarLayers.packFeatures(codec, from, plane, twin, width);
      simdLayers.packFeatures(codec, from, plane, target, width);
      // Four pixels after the other, and whole vectors of them.
      for (let x = 0; x < width; ++x) {
        for (let pair = 0; pair < 4; ++pair) {
          const at = <usize>((x >> 2) * 64 + pair * 16 + (x & 3) * 4);
          if (load<u32>(target + at) != load<u32>(twin + at)) same = false;
        }
      }
      same = same && load<u64>(target - 8) == 0x5a5a5a5a5a5a5a5a && load<u64>(target + (<usize>((width + 3) >> 2) << 6)) == 0x5a5a5a5a5a5a5a5a;
    } else if (kind == 1) {
      scalarLayers.pointwise(codec, from, twin, twin + 2 * line, line, twin - line, width);
      simdLayers.pointwise(codec, from, target, target + 2 * line, line, target - line, width);
      same = sameColours(line) && sameWords(2 * line, width) && sameWords(3 * line, width);
    } else if (kind == 2) {
      scalarLayers.residualRelu(codec + RESIDUAL_THIRD, lines, twin, line, twin - line, width);
      simdLayers.residualRelu(codec + RESIDUAL_THIRD, lines, target, line, target - line, width);
      same = sameColours(line);
    } else {
      scalarLayers.residualPixels(codec + RESIDUAL_LAST, lines, width, twin);
      simdLayers.residualPixels(codec + RESIDUAL_LAST, lines, width, target);
      // Pixels go to the caller's rows: not a byte beside them.
      same = memory.compare(target - 32, twin - 32, <usize>(4 * width) + 64) == 0;
    }
    if (!same) ++differences;
  }
  return differences;
}

/** Means of squares of pixels. */
export function tryMeans(count: i32): i32 {
  let differences = 0;
  for (let index = 0; index < count; ++index) {
    drawCase(index);
    const level = between(1, 3);
    const lines = between(1, 1 << level);
    const rowBytes = <usize>(4 * width + below(9));
    const from = drawSource(<i32>rowBytes * lines / 4 + 16);
    meanOfRow(from, rowBytes, width, lines, level, twin);
    meanOfRowSimd(from, rowBytes, width, lines, level, target);
    // Pixels go to the caller's rows: not a byte beside them.
    if (memory.compare(target - 32, twin - 32, <usize>(4 * width) + 64) != 0) ++differences;
  }
  return differences;
}

/** The context model, along rows and along wavefronts. */
export function tryPredict(codec: usize, count: i32): i32 {
  let differences = 0;
  for (let index = 0; index < count; ++index) {
    drawCase(index);
    const run = between(1, 64);
    const rowBytes = <usize>(2 * between(run + 8, run + 20));
    if (index % REFILL == 0) {
      for (let at = 0; at < POOL_FLOATS * 2; ++at) {
        const latent = below(3) == 0 ? 0 : between(-127, 127) >> below(8);
        store<i16>(source + (<usize>at << 1), <i16>(latent << 8));
      }
      // The pool holds latents now, not floats; sparse stretches are as common as full ones.
      memory.fill(source + <usize>(POOL_FLOATS), 0, <usize>(POOL_FLOATS));
    }
    const position = source + 3 * rowBytes + 6 + <usize>(2 * below(24000));
    const step: isize = below(2) == 0 ? 2 : <isize>rowBytes - 6;
    // Contexts are remembered for as long as the offset stays.
    if (index % 8 == 0) setInverseGain(16384, between(-2000, 2000));
    const some = <u64>next() | (<u64>next() << 32);
    const marks = (below(2) == 0 ? some : <u64>-1) >> (64 - run);
    predict(codec, position, rowBytes, step, marks, twin);
    predictSimd(codec, position, rowBytes, step, marks, target);
    if (memory.compare(target - 16, twin - 16, <usize>run * 4 + 32) != 0) ++differences;
  }
  return differences;
}

/** The search in a row of frequencies, at every alignment. */
export function trySearch(count: i32): i32 {
  let differences = 0;
  for (let index = 0; index < count; ++index) {
    if (index % REFILL == 0) {
      source = pool + <usize>below(16);
      memory.copy(source, rowPointer(<u32>below(1024)), 144);
    }
    const slot = <i32>(next() & 0x7fff);
    if (findSymbol(source, slot) != findSymbolSimd(source, slot)) ++differences;
  }
  return differences;
}

/** The largest of 16-bit numbers, which may be anywhere. */
export function tryLargest(count: i32): i32 {
  let differences = 0;
  for (let index = 0; index < count; ++index) {
    const length = between(0, 50);
    for (let at = 0; at < length; ++at) store<u16>(outputs + (<usize>at << 1), <u16>(next() >> (16 + below(16))));
    if (largestOf(outputs, length) != largestOfSimd(outputs, length)) ++differences;
  }
  return differences;
}

/** Squared differences of rows of pixels. */
export function tryRowError(count: i32): i32 {
  let differences = 0;
  for (let index = 0; index < count; ++index) {
    drawCase(index);
    const pixels = between(0, index % 100 == 0 ? 256 : 16);
    const a = drawSource(300) + <usize>below(4);
    const b = drawSource(300) + <usize>below(4);
    if (rowError(a, b, pixels) != rowErrorSimd(a, b, pixels)) ++differences;
  }
  return differences;
}
