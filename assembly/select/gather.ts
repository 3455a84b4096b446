/**
 * What a patch says about two layers of its synthesis, as normal equations: how an encoder adapts them (FORMAT.md §1.2).
 *
 * READ ME FIRST
 * - Pixels are looked at by fours that lie side by side, as the features are packed. Each of the four has sums of its own; who reads them adds
 *   them up.
 * - f32 is enough for the pixels of one patch.
 * - Sums are f32 [sums][4]: products of inputs i ≥ j, row after row; of the inputs with what red, green and blue lack; energy of that.
 */
import { patchHeight, patchWidth, simd } from "../memory";
import { sourceOfPatch, sourceStride } from "./distortion";
import * as scalarKernels from "./gather_kernels";
import * as simdKernels from "./gather_kernels_simd";

/** Golden ratio in parts of 65,536: no two rows near each other look at the same columns. */
const TURN: i32 = 40503;

// @ts-ignore: decorator
@inline
function firstGroup(y: i32, spacing: i32): i32 {
  return (((y * TURN) & 65535) * spacing) >> 16;
}

// @ts-ignore: decorator
@inline
function addSamples(seen: usize, wanted: usize, inputs: i32, out: usize): void {
  if (simd) simdKernels.addSamples(seen, wanted, inputs, out);
  else scalarKernels.addSamples(seen, wanted, inputs, out);
}

/**
 * Adds the sampled pixels of a patch to the sums of the layer that mixes hidden units to colours: the inputs are the units. What the patch should
 * look like is the source (`setSource`).
 * @param features  as `observePatch` leaves them
 * @param seen  RGBA8, row after row: what the patch looks like
 * @param spacing  one group of four pixels in so many
 * @param weights  i16 [units][8]: bias and w1 of each unit
 * @param scales  f32 [units]: by how many levels an output of 1 changes a pixel
 * @returns how many groups were looked at
 */
export function gatherMixing(patch: i32, features: usize, seen: usize, spacing: i32, weights: usize, scales: usize, units: i32, out: usize): i32 {
  let count = 0;
  let wanted = sourceOfPatch(patch);
  const width = patchWidth;
  const rowBytes = <usize>((width + 7) >> 2) << 6;
  for (let y = 0; y < patchHeight; ++y) {
    // Groups begin two pixels to the left of the patch.
    for (let group = 1 + firstGroup(y, spacing); 4 * group + 2 <= width; group += spacing) {
      const place = features + (<usize>group << 6);
      if (simd) simdKernels.hiddenUnits(place, weights, scales, units);
      else scalarKernels.hiddenUnits(place, weights, scales, units);
      const pixel = <usize>(4 * group - 2) << 2;
      addSamples(seen + pixel, wanted + pixel, units, out);
      ++count;
    }
    features += rowBytes;
    seen += <usize>width << 2;
    wanted += sourceStride;
  }
  return count;
}

/**
 * Adds the sampled pixels of a patch to the sums of the last layer. Its inputs are nine rings, of each colour the sample itself, those on its
 * four sides and those at its corners, and a 1.
 * @param third  as `observePatch` leaves it
 * @param level  by how many levels an input of 1 changes a pixel
 */
export function gatherLast(patch: i32, third: usize, seen: usize, spacing: i32, level: f32, out: usize): i32 {
  let count = 0;
  let wanted = sourceOfPatch(patch);
  const width = patchWidth;
  const line = <usize>(width + 2) << 2;
  for (let y = 0; y < patchHeight; ++y) {
    for (let group = firstGroup(y, spacing); 4 * group + 4 <= width; group += spacing) {
      const place = third + (<usize>group << 4);
      if (simd) simdKernels.rings(place, line, level);
      else scalarKernels.rings(place, line, level);
      const pixel = <usize>group << 4;
      addSamples(seen + pixel, wanted + pixel, 10, out);
      ++count;
    }
    third += 2 * line;
    seen += <usize>width << 2;
    wanted += sourceStride;
  }
  return count;
}
