/** The refinement's kernels of pixels against their scalar twins: layers forwards and backwards, transposed doubling filters. */
import {
  SYNTHESIS_B3, SYNTHESIS_B4, SYNTHESIS_LAST, SYNTHESIS_THIRD, SYNTHESIS_W3, SYNTHESIS_W4, kernelsOf,
} from "../../codec";
import { levelStride } from "../../memory";
import * as scalarLayers from "../../refine/float_layers";
import * as simdLayers from "../../refine/float_layers_simd";
import * as scalar from "../../refine/pixel_kernels";
import * as simd from "../../refine/pixel_kernels_simd";
import { SIGNS_BYTES, gradientStride } from "../../refine/scratch";
import { MIRRORED_W3, MIRRORED_W4, ZEROS, codecOf } from "../../refine/weights";
import { below, between } from "../random";
import { allowSlack, drawPixels, drawSigns, drawSource, openCase, sameResults, scratch, target, twin } from "./cases";

const WIDEST: i32 = 25;
const TALLEST: i32 = 3;
/** 48 units: 8 pixels and an address each. */
const UNITS_BYTES: usize = 48 * 48;
const GUARD: u64 = 0x5a5a5a5a5a5a5a5a;

/** The transposed filters. @param kind  0 halveAlongX, 1 halveAlongY */
export function tryHalving(kind: i32, weights: usize, count: i32): i32 {
  let differences = 0;
  for (let index = 0; index < count; ++index) {
    openCase(index);
    const kernel = kernelsOf(codecOf(weights), below(6));
    const width = between(1, WIDEST);
    const rows = between(1, TALLEST);
    const stride = gradientStride(width) + below(4);
    if (kind == 0) {
      // Results need inputs from 6 before their row on; vectors of them read up to 15 beyond.
      const sourceStride = 2 * width + 8 + below(8);
      const from = drawSource(sourceStride * rows + 32) + 24;
      scalar.halveAlongX(from, twin, sourceStride, stride, width, rows, kernel);
      simd.halveAlongX(from, target, sourceStride, stride, width, rows, kernel);
    } else {
      const from = drawSource(stride * (2 * rows + 8)) + (<usize>(6 * stride) << 2);
      scalar.halveAlongY(from, twin, stride, width, rows, kernel);
      simd.halveAlongY(from, target, stride, width, rows, kernel);
    }
    allowSlack(1, 0, rows, stride, width, 4);
    if (!sameResults()) ++differences;
  }
  return differences;
}

/** The layers. @param kind  0 pointwise, 1 residualRelu, 2 residualError, 3 residualGated, 4 residualPlain */
export function tryRefineLayers(kind: i32, weights: usize, count: i32): i32 {
  const codec = codecOf(weights);
  const zeros = weights + ZEROS;
  let differences = 0;
  for (let index = 0; index < count; ++index) {
    openCase(index);
    const width = between(1, WIDEST);
    const rows = between(1, TALLEST);
    const stride = levelStride(width) + below(4);
    const floats = stride * (rows + 2) + below(8);
    const plane = <usize>floats << 2;
    const from = drawSource(7 * floats + 16);
    // The layer that a call has to do with, or the other one.
    const last = below(2) == 1;
    if (kind == 0) {
      const colourPlane = <usize>(stride * rows + below(8)) << 2;
      // With room for more of them, which must stay as they are.
      const bytes = (<usize>(rows * ((width + 7) >> 3)) + 1) * SIGNS_BYTES;
      memory.fill(scratch, 0, 2 * bytes);
      scalarLayers.pointwise(codec, from, twin, scratch, plane, colourPlane, stride, width, rows);
      simdLayers.pointwise(codec, from, target, scratch + bytes, plane, colourPlane, stride, width, rows);
      allowSlack(3, colourPlane, rows, stride, width, 8);
      if (!sameResults() || memory.compare(scratch, scratch + bytes, bytes) != 0) ++differences;
      continue;
    }
    if (kind == 1) {
      const biases = codec + (last ? SYNTHESIS_B4 : SYNTHESIS_B3);
      scalarLayers.residualRelu(codec + (last ? SYNTHESIS_W4 : SYNTHESIS_W3), biases, from, twin, plane, stride, width, rows);
      simdLayers.residualRelu(codec + (last ? SYNTHESIS_LAST : SYNTHESIS_THIRD), biases, from, target, plane, stride, width, rows);
    } else if (kind == 2) {
      const pixelStride = <usize>(4 * width + below(16));
      const pixels = drawPixels((width + 4) * rows + 8) + <usize>below(4);
      const scale = <f32>between(1, 1 << 22) / 16;
      const layer = codec + SYNTHESIS_LAST, biases = codec + SYNTHESIS_B4;
      scalar.residualError(layer, biases, from, plane, stride, width, rows, pixels, pixelStride, scale, twin);
      simd.residualError(layer, biases, from, plane, stride, width, rows, pixels, pixelStride, scale, target);
    } else {
      const mirrored = weights + (last ? MIRRORED_W4 : MIRRORED_W3);
      if (kind == 3) {
        const gate = drawSource(3 * floats + 16);
        scalar.residualGated(mirrored, from, gate, twin, zeros, plane, stride, width, rows);
        simd.residualGated(mirrored, from, gate, target, zeros, plane, stride, width, rows);
      } else {
        scalar.residualPlain(mirrored, from, twin, zeros, plane, stride, width, rows);
        simd.residualPlain(mirrored, from, target, zeros, plane, stride, width, rows);
      }
    }
    allowSlack(3, plane, rows, stride, width, 8);
    if (!sameResults()) ++differences;
  }
  return differences;
}

/** The 1×1 layers backwards. */
export function tryPointwiseBack(weights: usize, count: i32): i32 {
  let differences = 0;
  for (let index = 0; index < count; ++index) {
    openCase(index);
    const width = between(1, WIDEST);
    const rows = between(1, TALLEST);
    const stride = levelStride(width) + below(4);
    const floats = stride * rows + below(8);
    const plane = <usize>floats << 2;
    const signs = scratch + UNITS_BYTES + 32;
    drawSigns(signs, <usize>(rows * ((width + 7) >> 3)) * SIGNS_BYTES);
    const colours = drawSource(3 * floats + 16);
    const targetStride = gradientStride(width) + below(4);
    const targetPlane = <usize>(targetStride * rows + below(8)) << 2;
    // Both twins leave in the units what they like, and nothing beside them.
    const units = scratch + 8;
    store<u64>(units - 8, GUARD);
    store<u64>(units + UNITS_BYTES, GUARD);
    scalar.pointwiseBack(weights, signs, colours, plane, stride, twin, targetPlane, targetStride, units, width, rows);
    simd.pointwiseBack(weights, signs, colours, plane, stride, target, targetPlane, targetStride, units, width, rows);
    allowSlack(7, targetPlane, rows, targetStride, width, 8);
    if (!sameResults() || load<u64>(units - 8) != GUARD || load<u64>(units + UNITS_BYTES) != GUARD) ++differences;
  }
  return differences;
}
