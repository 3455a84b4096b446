/**
 * The core with its inner stages exposed, for the speed bench only; the package ships `assembly/index.ts`.
 *
 * READ ME FIRST
 * - Stages of one patch, in the order of decoding: `contextPatch`, `windowPatch`, `upsamplePatch`, then the layers. Each layer
 *   reads what the one before left in the scratch planes, so call them in order at least once.
 * - `peakFloats` and `peakDots` keep everything in registers: what is left is the machine's own limit, in one thread, without
 *   fused multiply-add, which the format forbids.
 */

import { collectPatch } from '../../assembly/context/segment';
import { buildWindow } from '../../assembly/context/window';
import {
  levelStride,
  locatePatch,
  modeOfPatch,
  oddLevels,
  patchHeight,
  patchWidth,
} from '../../assembly/memory';
import { upsample } from '../../assembly/synthesis/run';
import { beginStrips, featurePair, mixRows, packRow, pixelRow, placeStrips, stripPairs, thirdRow } from '../../assembly/synthesis/strips';
import { fillFloatWindow } from '../../assembly/synthesis/window';

export * from '../../assembly/index';

/**
 * Predictions of all symbols of a patch, windows included, without entropy coding.
 * @param out  room for 8 bytes per symbol: {row u16, integer part i16, latent i32}
 * @returns the address after them
 */
export function contextPatch(patch: i32, out: usize): usize {
  for (let grid = 6; grid >= 0; --grid) out = collectPatch(patch, grid, out);
  return out;
}

/** The windows that the context model reads, alone. */
export function contextWindows(patch: i32): void {
  for (let grid = 6; grid >= 0; --grid) {
    locatePatch(patch, grid);
    buildWindow(patch, modeOfPatch(patch), grid, true);
  }
}

/** The dequantised windows of all grids of a patch. */
export function windowPatch(patch: i32): void {
  for (let grid = 6; grid >= 0; --grid) {
    locatePatch(patch, grid);
    const margin = grid == 6 ? 3 : 6;
    fillFloatWindow(patch, modeOfPatch(patch), grid, margin, oddLevels, levelStride(patchWidth + 2 * margin));
  }
}

/** Windows and upsampling: the seven features of every pixel of a patch, two rows at a time. */
export function upsamplePatch(patch: i32): void {
  const mode = modeOfPatch(patch);
  upsample(patch, mode, 1);
  placeStrips(patch, mode);
  beginStrips(patch, mode);
  const pairs = stripPairs();
  for (let pair = 0; pair < pairs; ++pair) featurePair(pair);
}

/** The 1×1 layers, over the patch and its margin of 2; features are what is there. */
export function pointwisePatch(patch: i32): void {
  placeStrips(patch, modeOfPatch(patch));
  for (let row = 0; row < patchHeight + 4; row += 2) {
    packRow(0, 0);
    packRow(1, 1);
    mixRows(row);
  }
}

/** The two 3×3 layers, to RGBA8 rows `outStride` bytes apart; colours are what is there. */
export function residualPatch(patch: i32, out: usize, outStride: i32): void {
  placeStrips(patch, modeOfPatch(patch));
  for (let row = 0; row < patchHeight + 2; ++row) thirdRow(row);
  for (let row = 0; row < patchHeight; ++row) pixelRow(row, out + <usize>(row * outStride));
}

/** 8 chains of f32 multiply and add, 4 lanes each: 32 multiply-accumulates a turn. */
export function peakFloats(turns: i32): f32 {
  let a = f32x4.splat(0.1);
  let b = f32x4.splat(0.2);
  let c = f32x4.splat(0.3);
  let d = f32x4.splat(0.4);
  let e = f32x4.splat(0.5);
  let f = f32x4.splat(0.6);
  let g = f32x4.splat(0.7);
  let h = f32x4.splat(0.8);
  // The factors change places every turn, so that no product can be taken out of the loop.
  let x = f32x4.splat(0.5);
  let y = f32x4.splat(-0.25);
  let z = f32x4.splat(0.125);
  let w = f32x4.splat(-0.375);
  for (let turn = 0; turn < turns; ++turn) {
    a = f32x4.add(a, f32x4.mul(x, y));
    b = f32x4.add(b, f32x4.mul(x, z));
    c = f32x4.add(c, f32x4.mul(x, w));
    d = f32x4.add(d, f32x4.mul(y, z));
    e = f32x4.add(e, f32x4.mul(y, w));
    f = f32x4.add(f, f32x4.mul(z, w));
    g = f32x4.add(g, f32x4.mul(x, x));
    h = f32x4.add(h, f32x4.mul(y, y));
    const first = x;
    x = y;
    y = z;
    z = w;
    w = first;
  }
  const sum = f32x4.add(f32x4.add(f32x4.add(a, b), f32x4.add(c, d)), f32x4.add(f32x4.add(e, f), f32x4.add(g, h)));
  return f32x4.extract_lane(sum, 0) + f32x4.extract_lane(sum, 1);
}

/** 8 chains of i16 dot products and i32 additions, 8 multiply-accumulates each: 64 a turn. */
export function peakDots(turns: i32): i32 {
  let a = i32x4.splat(1);
  let b = i32x4.splat(2);
  let c = i32x4.splat(3);
  let d = i32x4.splat(4);
  let e = i32x4.splat(5);
  let f = i32x4.splat(6);
  let g = i32x4.splat(7);
  let h = i32x4.splat(8);
  let x = i16x8.splat(3);
  let y = i16x8.splat(5);
  let z = i16x8.splat(-7);
  let w = i16x8.splat(-1);
  for (let turn = 0; turn < turns; ++turn) {
    a = i32x4.add(a, i32x4.dot_i16x8_s(x, y));
    b = i32x4.add(b, i32x4.dot_i16x8_s(x, z));
    c = i32x4.add(c, i32x4.dot_i16x8_s(x, w));
    d = i32x4.add(d, i32x4.dot_i16x8_s(y, z));
    e = i32x4.add(e, i32x4.dot_i16x8_s(y, w));
    f = i32x4.add(f, i32x4.dot_i16x8_s(z, w));
    g = i32x4.add(g, i32x4.dot_i16x8_s(x, x));
    h = i32x4.add(h, i32x4.dot_i16x8_s(y, y));
    const first = x;
    x = y;
    y = z;
    z = w;
    w = first;
  }
  const sum = i32x4.add(i32x4.add(i32x4.add(a, b), i32x4.add(c, d)), i32x4.add(i32x4.add(e, f), i32x4.add(g, h)));
  return i32x4.extract_lane(sum, 0) + i32x4.extract_lane(sum, 1);
}
