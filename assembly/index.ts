/**
 * The whole ABI of the WASM core. Pointers are addresses in the exported memory; zero imports, no clock, no files.
 *
 * Order of calls: `loadTables` (and `loadCosts` to encode), `createCodec` for each mode, `beginPicture`, `setCodec`, `setStep`,
 * `setScale` of each grid that has one, `setPriors`; then `decodeModeMap`, `decodeSegment`, `synthesisePatch`, or `quantise`, `setSource`,
 * `setLambda`, `evaluatePatch`, `encodeModeMap`, `encodeSegment`. Statuses are the numbers of FORMAT.md §8.
 */
import { modes, setInverseGain, storeCodec, useSimd as setSimd } from "./memory";

export { decodeLevels, encodeLevels } from "./alpha/levels";
export { decodeMask, encodeMask } from "./alpha/mask";
export { createCodec } from "./codec";
export { patchRate } from "./context/rate";
export { decodeSegment, encodeSegment } from "./context/segment";
export { loadCosts, loadTables } from "./entropy/tables";
export { allocate, beginPicture, gridHeight, gridWidth, mark, patchCount, planePointer, release, setModes, setScale, tileCount } from "./memory";
export { decodeModeMap, encodeModeMap, setPriors } from "./modes/map";
export { copyLatents } from "./packed";
export { contextRows, ransDecode, ransEncode } from "./research";
export { evaluatePatch, mapCost, patchCost, setLambda } from "./select/cost";
export { gatherLast, gatherMixing } from "./select/gather";
export { observedError, patchDistortion, setSource } from "./select/distortion";
export { quantise } from "./select/quantise";
export { countResiduals, scaleBits } from "./select/scales";
export { reducePatch } from "./synthesis/reduce";
export { observePatch, synthesisePatch } from "./synthesis/run";

/** Version of this interface. */
export function version(): u32 {
  return 1;
}

/** Address of the mode map, u8 per patch; 0 without a picture. */
export function modesPointer(): usize {
  return modes;
}

/** Gives a mode of the open picture its codec. */
export function setCodec(mode: i32, handle: usize): void {
  storeCodec(mode, handle);
}

/** Inverse gain Q14 and log-scale offset Q8 of the step (FORMAT.md §7.3). */
export function setStep(inverseGainQ14: i32, logScaleOffset: i32): void {
  setInverseGain(inverseGainQ14, logScaleOffset);
}

/** 1 for the SIMD kernels, 0 for their scalar twins; results are the same. */
export function useSimd(flag: i32): void {
  setSimd(flag != 0);
}
