/**
 * The pixels of one patch at 1/2, 1/4 or 1/8 of the size: for thumbnails, no part of FORMAT.md.
 *
 * READ ME FIRST
 * - All of the patch is computed and means are taken. Half of what makes a picture an eighth of the size sits in the three finest grids, and
 *   features cannot be averaged before a network that is not linear: doing so all the same took longer than this (training/PLAN.md).
 */
import { locatePatch, modeOfPatch, modes, patchCount, patchHeight, patchWidth, pixelScratch, simd } from "../memory";
import { Status } from "../status";
import { meanOfRow } from "./reduce_kernels";
import { meanOfRowSimd } from "./reduce_kernels_simd";
import { synthesise } from "./run";

/**
 * Pixels of a patch with its mode of the mode map, at 1/2^level of the size: means of squares, cut at the picture's edges.
 * @param level  1, 2 or 3
 * @param out  RGBA8, rows `outStride` bytes apart
 * @returns ok or invalidArgument
 */
export function reducePatch(patch: i32, level: i32, out: usize, outStride: i32): i32 {
  if (modes == 0 || patch < 0 || patch >= patchCount() || level < 1 || level > 3) return Status.invalidArgument;
  locatePatch(patch, 0);
  const width = patchWidth;
  const height = patchHeight;
  const stride = <usize>width << 2;
  synthesise(patch, modeOfPatch(patch), pixelScratch, stride);
  const side = 1 << level;
  for (let y = 0; y < height; y += side) {
    const row = pixelScratch + <usize>y * stride;
    const rows = min(side, height - y);
    if (simd) meanOfRowSimd(row, stride, width, rows, level, out);
    else meanOfRow(row, stride, width, rows, level, out);
    out += <usize>outStride;
  }
  return Status.ok;
}
