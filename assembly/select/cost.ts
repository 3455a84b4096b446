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
import { modeOfPatch } from "../memory";
import { patchDistortion } from "./distortion";

const ERROR_SCALE: f64 = 1.0 / (3.0 * 255.0 * 255.0);

let lambda: f64 = 0;

/** Price of a bit, as weight against the mean squared error of a pixel on [0, 1]. */
export function setLambda(value: f64): void {
  lambda = value;
}

/** J of a patch if it had `mode` and all others theirs of the mode map. */
export function evaluatePatch(patch: i32, mode: i32): f64 {
  return patchDistortion(patch, mode) * ERROR_SCALE + lambda * patchRate(patch, mode);
}

/** Exact J of a patch under the mode map. That of the picture is the sum over all patches, and `mapCost`. */
export function patchCost(patch: i32): f64 {
  return evaluatePatch(patch, modeOfPatch(patch));
}

/** J of the mode map itself. */
export function mapCost(): f64 {
  return lambda * modeMapBits();
}
