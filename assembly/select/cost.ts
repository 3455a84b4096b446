/**
 * The measure of the competition: J = squared error / (3 · 255²) + λ · bits (DESIGN.md §2, "Selection").
 *
 * READ ME FIRST
 * - A patch's context and margins read its neighbours' latents, those of the modes that the map of the moment gives them. So J of a patch
 *   depends on the map around it, though little; under a map of one mode it is that of a picture coded by this mode alone.
 * - Every mode costs the same bits in a fixed-length map, so the map does not enter the comparison of two modes.
 */
import { patchRate } from "../context/rate";
import { modeMapBits } from "../modes/map";
import { locatePatch, modeOfPatch, patchX, patchY } from "../memory";
import { errorOfPixels, patchDistortion } from "./distortion";

const ERROR_SCALE: f64 = 1.0 / (3.0 * 255.0 * 255.0);

let source: usize = 0;
export let sourceStride: u32 = 0;
let sourceRows: i32 = 0;
let lambda: f64 = 0;

/**
 * The picture to compare with: RGBA8, rows `stride` bytes apart. It must stay where it is.
 * @param rows  0 when all rows are there; else a power of two, a multiple of the patch side: row y is at y mod `rows`, and the
 *   caller sees to it that the rows of a patch are there when it is evaluated
 */
export function setSource(pixels: usize, stride: u32, rows: i32): void {
  source = pixels;
  sourceStride = stride;
  sourceRows = rows;
}

/** Price of a bit, as weight against the mean squared error of a pixel on [0, 1]. */
export function setLambda(value: f64): void {
  lambda = value;
}

/** Where the source of a patch begins; finds the patch too, in grid 0. */
export function sourceOfPatch(patch: i32): usize {
  locatePatch(patch, 0);
  return source + <usize>(patchY & (sourceRows - 1)) * sourceStride + (<usize>patchX << 2);
}

/** Squared level differences of pixels of a patch, RGBA8 row after row, from the source. */
export function observedError(patch: i32, pixels: usize): f64 {
  const corner = sourceOfPatch(patch);
  return errorOfPixels(pixels, corner, sourceStride);
}

/** J of a patch if it had `mode` and all others theirs of the mode map. */
export function evaluatePatch(patch: i32, mode: i32): f64 {
  return patchDistortion(patch, mode, source, sourceStride, sourceRows) * ERROR_SCALE + lambda * patchRate(patch, mode);
}

/** Exact J of a patch under the mode map. That of the picture is the sum over all patches, and `mapCost`. */
export function patchCost(patch: i32): f64 {
  return evaluatePatch(patch, modeOfPatch(patch));
}

/** J of the mode map itself. */
export function mapCost(): f64 {
  return lambda * modeMapBits();
}
