/**
 * The ABI of the refinement module: gradient steps on the latents of a region, all weights frozen (DESIGN.md §4, latent overfitting).
 *
 * Encoders load it when an effort asks for it. It shares the core's sources for weights and forward filters, and nothing at run
 * time. DESIGN.md proposed an ONNX graph; compiled kernels follow the windows of FORMAT.md exactly (modes, tiles, borders) and take
 * about half the time. Everything here is floating point and decides nothing but which latents an encoder tries: the core measures
 * their exact cost afterwards.
 *
 * Order of calls: `createWeights` and `setCodec` for each mode, `setStep`, `setScale` of each grid, `openPicture`; for each region `openRegion`
 * and `setTarget`, fill SYMBOL, that of the halo too; `startSteps`; then for each step `roundSoftly`, `startGradients`, `patchGradient` of every patch, `moveLatents`. For trades:
 * `setCurvature` of each grid; fill SYMBOL; for each round `startTrades`, `patchTrades` of every patch, `tradeLatents`.
 */
import { allocate, mark, release, storeCodec, useSimd as setSimd } from "../memory";
import { GRADIENT, VALUE, placePicture, placeRegion, planeStride, sampleAddress } from "./region";
import { placeScratch } from "./scratch";

export { allocate, mark, release };
export { moveLatents, patchGradient, roundSoftly, setScale, setStep, setTarget, startGradients } from "./steps";
export { patchTrades, roundLatents, setCurvature, startSteps, startTrades, tradeLatents } from "./trade";
export { planeStride };
export { createWeights } from "./weights";

/** Gives a mode its weights. */
export function setCodec(mode: i32, handle: usize): void {
  storeCodec(mode, handle);
}

/**
 * Begins a picture.
 * @param map  u8 per patch: the mode map; it must stay where it is
 * @returns 1, or 0 without memory
 */
export function openPicture(width: i32, height: i32, log2: i32, map: usize): i32 {
  placePicture(width, height, log2, map);
  return placeScratch(1 << log2) ? 1 : 0;
}

/** Opens the patches [left, right) × [top, bottom) of the picture (`placeRegion`). @returns 1, or 0 without memory */
export function openRegion(left: i32, top: i32, right: i32, bottom: i32): i32 {
  return placeRegion(left, top, right, bottom) ? 1 : 0;
}

/** Address of the sample (x, y), in the picture's grid, of a plane: 0 VALUE, 1 SYMBOL, 2 SLOPE, 3 GRADIENT. */
export function planeAddress(plane: i32, grid: i32, x: i32, y: i32): usize {
  return plane < VALUE || plane > GRADIENT ? 0 : sampleAddress(plane, grid, x, y);
}

/** 1 for the SIMD kernels, 0 for their scalar twins; results are the same. */
export function useSimd(flag: i32): void {
  setSimd(flag != 0);
}
