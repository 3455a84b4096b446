/**
 * Trades: each latent, a whole number, may become its neighbour where J should fall.
 *
 * What J does is foretold to second order: its derivative, for the error the curvature along the one latent, for the symbol's own bits the exact
 * change. The curvature of the synthesis differs a thousandfold from flat places to edges, so the codec's mean for a grid (measured
 * in training) is taken half as it is and half in proportion to how strongly the colours follow the latent at its place.
 *
 * READ ME FIRST
 * - All latents are judged as if the others stayed, so trades side by side disturb each other: often two would do what one does. The best
 *   ones come first, and what is beside them stays for the next round. A margin keeps back those that are nearly even.
 * - Adding up what neighbours do to each other (the colours of two correlate by 0.1 to 0.2) made files larger: bits depend on neighbours too,
 *   and the other way round.
 * - Where the context model has seen only zeros, nothing is foretold and nothing is traded: UP and DOWN stay out of reach there.
 */
import { GRIDS, codecOfMode, simd } from "../memory";
import {
  CANDIDATE, DOWN, FORCE, GRADIENT, MOMENT, SYMBOL, UP, VALUE, VARIANCE, clearGradients, fillPlane, locate, modeOfPatch, patchHeight, patchWidth, patchX, patchY, planeDistance, planeStride, regionHeight,
  regionWidth, regionX, regionY, sampleAddress,
} from "./region";
import { addScaledRow } from "./rows";
import { SIGNS_MARGIN, rowStride, signsRow, slopeRows, slopeSums, unitSigns } from "./scratch";
import { addGradient } from "./steps";
import * as scalarTrades from "./trade_kernels";
import * as simdTrades from "./trade_kernels_simd";

/** No trade is worth this. */
const OUT_OF_REACH: f32 = 1e30;
/** Largest magnitude of a symbol; those that have it stay as they are. */
const LARGEST: f32 = 32767;
/** f32 × 7; see `setCurvature`. */
const CURVATURES: usize = memory.data(32, 16);

/** f32 × 7: means of FORCE over the region. */
const MEANS: usize = memory.data(32, 16);

/** Trades are looked for this often; the first times they must be worth this many margins. */
const SWEEPS: i32 = 3;
const WORTHS: usize = memory.data<f32>([3, 1.6, 1], 16);

let isFirst: bool = true;

/** Second derivative of J / λ by a latent of a grid: its mean over pictures. 0 for a grid whose latents are to stay. */
export function setCurvature(grid: i32, curvature: f32): void {
  if (grid >= 0 && grid < GRIDS) store<f32>(CURVATURES + (<usize>grid << 2), curvature);
}

/** Makes ready for gradient steps from the symbols of the region: Adam begins at 0. */
export function startSteps(): void {
  for (let grid = 0; grid < GRIDS; ++grid) {
    fillPlane(MOMENT, grid, 0);
    fillPlane(VARIANCE, grid, 0);
    const bytes = <usize>regionWidth(grid) << 2;
    for (let y = regionY(grid); y < regionY(grid) + regionHeight(grid); ++y) {
      memory.copy(sampleAddress(VALUE, grid, regionX(grid), y), sampleAddress(SYMBOL, grid, regionX(grid), y), bytes);
    }
  }
}

/** Sets SYMBOL of the region to the whole numbers nearest to VALUE. */
export function roundLatents(): void {
  for (let grid = 0; grid < GRIDS; ++grid) {
    const count = <usize>regionWidth(grid) << 2;
    for (let y = regionY(grid); y < regionY(grid) + regionHeight(grid); ++y) {
      const values = sampleAddress(VALUE, grid, regionX(grid), y), symbols = sampleAddress(SYMBOL, grid, regionX(grid), y);
      for (let x: usize = 0; x < count; x += 4) {
        // −0 becomes 0: what is all zeros has no bits that are set.
        store<f32>(symbols + x, min<f32>(max<f32>(nearest<f32>(load<f32>(values + x)), -LARGEST), LARGEST) + 0);
      }
    }
  }
}

/**
 * Forgets what an earlier round has foretold.
 * @param first  whether this is the first round: later ones keep its FORCE, which one round changes little
 */
export function startTrades(first: bool): void {
  isFirst = first;
  clearGradients();
  for (let grid = 0; grid < GRIDS; ++grid) {
    fillPlane(UP, grid, OUT_OF_REACH);
    fillPlane(DOWN, grid, OUT_OF_REACH);
  }
}

/** Foretells what trades of the latents that a patch depends on do to its J / λ. */
export function patchTrades(patch: i32): void {
  addGradient(patch, true);
  if (isFirst) setForces(patch);
}

/** Sets FORCE of a patch to the mean of the colours' slopes over the pixels that lie under each latent. */
function setForces(patch: i32): void {
  const weights = codecOfMode(modeOfPatch(patch));
  locate(patch, 0);
  const width = patchWidth;
  const row = <usize>rowStride(width) << 2;
  // `errorGradient` has left which units are shut.
  let signs = unitSigns + <usize>SIGNS_MARGIN * signsRow(width);
  for (let y = 0; y < patchHeight; ++y) {
    if (simd) simdTrades.colourSlopes(weights, signs, slopeRows, row, width + 2 * SIGNS_MARGIN);
    else scalarTrades.colourSlopes(weights, signs, slopeRows, row, width + 2 * SIGNS_MARGIN);
    for (let grid = 0; grid < GRIDS; ++grid) {
      const line = <usize>grid * row;
      // Rows under the same latents are added up first.
      if ((y & ((1 << grid) - 1)) == 0) memory.copy(slopeSums + line, slopeRows + line, row);
      else addScaledRow(slopeRows + line, slopeSums + line, <i32>row >> 2, 1);
      if (((y + 1) & ((1 << grid) - 1)) != 0 && y + 1 < patchHeight) continue;
      setMeans(slopeSums + line + (SIGNS_MARGIN << 2), sampleAddress(FORCE, grid, patchX >> grid, (patchY + y) >> grid), grid, width);
    }
    signs += signsRow(width);
  }
}

function setMeans(row: usize, target: usize, grid: i32, width: i32): void {
  const part: f32 = <f32>1 / <f32>(1 << (2 * grid));
  for (let x = 0; x < width; ) {
    const end = min(x + (1 << grid), width);
    let sum: f32 = 0;
    for (; x < end; ++x) sum += load<f32>(row + (<usize>x << 2));
    store<f32>(target, sum * part);
    target += 4;
  }
}

/**
 * Makes the trades of the region that are worth more than `margin` times what the curvature takes from them, none beside another of its grid.
 * @returns how many latents have changed
 */
export function tradeLatents(margin: f32): i32 {
  let count = 0;
  for (let grid = 0; grid < GRIDS; ++grid) {
    const curvature = load<f32>(CURVATURES + (<usize>grid << 2));
    if (curvature > 0) count += tradeGrid(grid, curvature, margin);
  }
  return count;
}

function tradeGrid(grid: i32, curvature: f32, margin: f32): i32 {
  const left = regionX(grid), top = regionY(grid);
  const width = regionWidth(grid);
  const bottom = top + regionHeight(grid);
  const mean = meanForce(grid);
  // Half of the mean curvature, and half in proportion; and a second-order term has one half itself.
  const even: f32 = <f32>0.25 * curvature;
  const proportion: f32 = mean > 0 ? even / mean : 0;
  // Few latents are worth a trade at all: they are looked for once.
  const candidates = sampleAddress(CANDIDATE, grid, left, top);
  let end = candidates;
  for (let y = top; y < bottom; ++y) end = listRow(grid, left, y, width, even, proportion, margin, end);
  let count = 0;
  for (let sweep = 0; sweep < SWEEPS; ++sweep) {
    const worth = margin * load<f32>(WORTHS + (<usize>sweep << 2));
    for (let at = candidates; at < end; at += 4) count += tradeLatent(grid, load<usize>(at), even, proportion, worth);
  }
  return count;
}

/** Mean of a grid's FORCE, which the first round has set. */
function meanForce(grid: i32): f32 {
  const place = MEANS + (<usize>grid << 2);
  if (!isFirst) return load<f32>(place);
  const width = regionWidth(grid);
  const height = regionHeight(grid);
  let sum: f64 = 0;
  for (let y = 0; y < height; ++y) {
    const forces = sampleAddress(FORCE, grid, regionX(grid), regionY(grid) + y);
    let line: f32 = 0;
    for (let x: usize = 0; x < <usize>width << 2; x += 4) line += load<f32>(forces + x);
    sum += line;
  }
  const mean = <f32>(sum / <f64>(width * height));
  store<f32>(place, mean);
  return mean;
}

// @ts-ignore: decorator
@inline
function isWorth(upwards: f32, downwards: f32, bend: f32, worth: f32): bool {
  return min(upwards, downwards) < -worth * bend;
}

/** Whether `isWorth` holds for one of four latents, places in other planes being so far from `at` in UP; out of reach, it does not. */
// @ts-ignore: decorator
@inline
function anyWorth(at: usize, gradients: usize, downs: usize, forces: usize, even: f32, proportion: f32, worth: f32): bool {
  const gradient = v128.load(at + gradients);
  const bend = f32x4.add(f32x4.splat(even), f32x4.mul(f32x4.splat(proportion), v128.load(at + forces)));
  const upwards = f32x4.add(f32x4.add(gradient, v128.load(at)), bend);
  const downwards = f32x4.add(f32x4.sub(v128.load(at + downs), gradient), bend);
  return v128.any_true(f32x4.lt(f32x4.min(upwards, downwards), f32x4.mul(f32x4.splat(-worth), bend)));
}

/** Lists, from `end` on, where in UP the latents of a row are that are worth a trade. @returns the end of the list */
function listRow(grid: i32, left: i32, y: i32, width: i32, even: f32, proportion: f32, margin: f32, end: usize): usize {
  const ups = sampleAddress(UP, grid, left, y), downs = sampleAddress(DOWN, grid, left, y) - ups;
  const gradients = sampleAddress(GRADIENT, grid, left, y) - ups, forces = sampleAddress(FORCE, grid, left, y) - ups;
  const symbols = sampleAddress(SYMBOL, grid, left, y) - ups;
  const last = ups + (<usize>width << 2);
  for (let at = ups; at < last; at += 4) {
    // Most have no neighbour that is worth a trade: four are passed over at once.
    while (at + 16 <= last && !anyWorth(at, gradients, downs, forces, even, proportion, margin)) at += 16;
    if (at >= last) break;
    const up = load<f32>(at);
    if (up >= OUT_OF_REACH) continue;
    const gradient = load<f32>(at + gradients);
    const bend = even + proportion * load<f32>(at + forces);
    if (!isWorth(gradient + up + bend, load<f32>(at + downs) - gradient + bend, bend, margin)) continue;
    if (abs<f32>(load<f32>(at + symbols)) >= LARGEST) continue;
    store<usize>(end, at);
    end += 4;
  }
  return end;
}

/** Trades one listed latent, if it is still there to be and worth so many times what the curvature takes from it. @returns 1 or 0 */
// @ts-ignore: decorator
@inline
function tradeLatent(grid: i32, at: usize, even: f32, proportion: f32, worth: f32): i32 {
  const up = load<f32>(at);
  if (up >= OUT_OF_REACH) return 0;
  const gradient = load<f32>(at + planeDistance(UP, GRADIENT, grid));
  const bend = even + proportion * load<f32>(at + planeDistance(UP, FORCE, grid));
  const upwards = gradient + up + bend, downwards = load<f32>(at + planeDistance(UP, DOWN, grid)) - gradient + bend;
  if (!isWorth(upwards, downwards, bend, worth)) return 0;
  const symbol = at + planeDistance(UP, SYMBOL, grid);
  store<f32>(symbol, load<f32>(symbol) + <f32>(upwards < downwards ? 1 : -1));
  const stride = <usize>planeStride(grid) << 2;
  store<f32>(at, OUT_OF_REACH);
  store<f32>(at - 4, OUT_OF_REACH);
  store<f32>(at + 4, OUT_OF_REACH);
  store<f32>(at - stride, OUT_OF_REACH);
  store<f32>(at + stride, OUT_OF_REACH);
  return 1;
}
