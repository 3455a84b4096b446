/**
 * What a patch costs: the exact code length of its symbols, for the encoder's decisions.
 *
 * READ ME FIRST
 * - Rows instead of wavefronts: all samples are known. Runs of zeros with empty contexts are counted eight at a time.
 */
import { integerOf, rowOf, zeroPrediction } from "./arm";
import { fillRow, readWindow } from "./activity";
import { predictRun } from "./predict";
import { addressInWindow, buildWindow } from "./window";
import { residualBits } from "../entropy/escape";
import { GRIDS, STEP_ROWS, codecOfMode, gridWidth, locatePatch, patchHeight, patchWidth, patchX, patchY, planeOfMode, rowAddress } from "../memory";

/**
 * Exact code length of a patch's symbols if it had `mode` and all other patches theirs of the mode map; needs `loadCosts`.
 * @returns bits
 */
export function patchRate(patch: i32, mode: i32): f64 {
  const codec = codecOfMode(mode);
  let bits: f64 = 0;
  for (let grid = GRIDS - 1; grid >= 0; --grid) {
    locatePatch(patch, grid);
    const empty = zeroPrediction(codec);
    let zeros = 0;
    buildWindow(patch, mode, grid, true);
    readWindow();
    const width = gridWidth(grid);
    const origin = rowAddress(planeOfMode(mode, grid), grid, patchY) + (<usize>patchX << 1);
    for (let y = 0; y < patchHeight; ++y) {
      const row = fillRow(y);
      const latents = origin + (<usize>(y * width) << 1);
      for (let start = 0; start < patchWidth; start += 64) {
        const end = min(patchWidth - start, 64);
        const marks = load<u64>(row + <usize>(start >> 3)) & (<u64>-1 >> (-end & 63));
        predictRun(codec, addressInWindow(start, y), 2, marks, STEP_ROWS);
        for (let x = 0; x < end; ) {
          const latent = latents + (<usize>(start + x) << 1);
          if (x + 8 <= end && (((marks >> x) & 0xff) | load<u64>(latent) | load<u64>(latent, 8)) == 0) {
            zeros += 8;
            x += 8;
            continue;
          }
          const predicted = ((marks >> x) & 1) != 0 ? load<u32>(STEP_ROWS + (<usize>x << 2)) : empty;
          bits += residualBits(rowOf(predicted), <i32>load<i16>(latent) - integerOf(predicted));
          ++x;
        }
      }
    }
    bits += <f64>zeros * residualBits(rowOf(empty), -integerOf(empty));
  }
  return bits;
}
