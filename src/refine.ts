/**
 * Refinement of the latents at the highest efforts (DESIGN.md §4, latent overfitting; Zhang et al. 2022, Yang and Mandt 2023).
 *
 * The codecs stay as they are; gradient steps move the latents of the winning modes so that J falls. Region after region: the steps
 * work on real numbers with a soft, noisy stand-in for rounding; then the latents are rounded, the core measures their exact J, and
 * whatever has not become cheaper is taken back. The file's format knows nothing of it.
 */

import type { Core } from './core.js';
import { gridCount, gridSide, patchLayout, tileSide } from './geometry.js';
import type { Pack } from './models/load.js';
import type { ModeSet } from './models/pack.js';
import type { Pacer } from './pacer.js';
import type { Rate } from './quality.js';
import { Refiner, type RefinerRegion } from './refiner.js';
import { analyseTiles } from './transforms/analyse.js';
import type { Analysis } from './transforms/transform.js';
import type { PixelSource } from './types.js';

/** Regions of 2×2 tiles: large enough that few patches have fixed neighbours, small enough for about 40 MB. */
const regionSide = 2 * tileSide;
/** Pixels around a patch whose cost depends on its latents: three samples of the coarsest grid. */
const reach = 3 * 64;

/** How the latents are moved. */
interface Schedule {
  readonly steps: number;
  /** First rate of Adam, in steps of the quantiser; it falls with the square root of what is left. */
  readonly rate: number;
}

function scheduleOfEffort(effort: number): Schedule {
  return effort <= 8 ? { steps: 80, rate: 0.06 } : { steps: 200, rate: 0.05 };
}

/** What is refined, after the competition. */
export interface Refinable {
  /** Holds the picture, its latents and the mode map. */
  readonly core: Core;
  readonly image: PixelSource;
  readonly patch: number;
  readonly pack: Pack;
  readonly modeSet: ModeSet;
  readonly rate: Rate;
  readonly lambda: number;
  readonly analysis: Analysis;
}

/**
 * Refines the latents in the core.
 *
 * @returns what J of the picture has gained, at least 0
 * @throws TesseraError
 */
export async function refineLatents(refinable: Refinable, effort: number, pacer: Pacer): Promise<number> {
  const { core, image, patch, pack, modeSet, rate } = refinable;
  const schedule: Schedule = (globalThis as any).tesseraSchedule ?? scheduleOfEffort(effort);
  const picture = { width: image.width, height: image.height, patch, modes: core.modes().slice() };
  const layout = patchLayout(image.width, image.height, patch);
  const decoders = modeSet.subset.map((codec) => pack.decoder.decoders[codec][rate.anchor].bytes);
  const refiner = await Refiner.create(decoders, pack.decoder.steps[rate.step]);
  const remainders = await readRemainders(refinable, picture.modes);
  const regions = regionsOf(layout, patch);
  const total = layout.count * schedule.steps;
  let done = 0;
  let gain = 0;
  for (const region of regions) {
    openRegion(refiner, refinable, picture, region, remainders);
    for (let step = 0; step < schedule.steps; step++) {
      const progress = step / schedule.steps;
      const s: any = schedule;
      const t0 = s.t0 ?? 0.3, t1 = s.t1 ?? 0.1, s0 = s.s0 ?? 1, s1 = s.s1 ?? 2;
      refiner.roundSoftly(t0 + (t1 - t0) * progress, s0 + (s1 - s0) * progress, step);
      refiner.startGradients();
      for (const index of patchesIn(region, layout)) {
        refiner.patchGradient(index);
        await pacer.step('refine', ++done, total);
      }
      refiner.moveLatents({ rate: schedule.rate * Math.sqrt(1 - progress), first: s.first ?? 0.9, second: s.second ?? 0.99, epsilon: s.epsilon ?? 1e-8, done: step });
    }
    gain += keepIfCheaper(refiner, core, picture, region, layout);
  }
  return gain;
}

/** What rounding took from the winners' latents, in 1/256 (−128…127), one plane per grid. */
async function readRemainders(refinable: Refinable, modes: Uint8Array): Promise<Int8Array[]> {
  const { core, image, patch, pack, modeSet, rate, analysis } = refinable;
  const { width, height } = image;
  const { columns } = patchLayout(width, height, patch);
  const stepGain = pack.decoder.steps[rate.step].gain / 16_384;
  const remainders = Array.from({ length: gridCount }, (_, grid) => new Int8Array(gridSide(width, grid) * gridSide(height, grid)));
  for await (const tile of analyseTiles(image, analysis)) {
    for (let grid = 0; grid < gridCount; grid++) {
      const scale = 2 ** grid;
      const side = patch / scale;
      const stride = (tile.x.windowEnd - tile.x.windowStart) / scale;
      const plane = (stride * (tile.y.windowEnd - tile.y.windowStart)) / scale;
      const right = Math.min(tile.x.end / scale, gridSide(width, grid));
      const bottom = Math.min(tile.y.end / scale, gridSide(height, grid));
      const gains = modeSet.subset.map((codec) => pack.manifest.gains[codec][rate.anchor][grid] * stepGain);
      const latents = modeSet.subset.map((_, mode) => core.plane(mode, grid));
      for (let y = tile.y.start / scale; y < bottom; y++) {
        const row = (y - tile.y.windowStart / scale) * stride - tile.x.windowStart / scale;
        for (let x = tile.x.start / scale; x < right; x++) {
          const mode = modes[Math.floor(y / side) * columns + Math.floor(x / side)];
          const index = y * gridSide(width, grid) + x;
          const remainder = tile.grids[grid][modeSet.subset[mode] * plane + row + x] * gains[mode] - latents[mode][index];
          remainders[grid][index] = Math.max(-128, Math.min(127, Math.round(remainder * 256)));
        }
      }
    }
  }
  return remainders;
}

/** Cuts the patches into regions. */
function regionsOf({ columns, rows }: { columns: number; rows: number }, patch: number): RefinerRegion[] {
  const side = regionSide / patch;
  const regions: RefinerRegion[] = [];
  for (let top = 0; top < rows; top += side) {
    for (let left = 0; left < columns; left += side)
      regions.push({ left, top, right: Math.min(columns, left + side), bottom: Math.min(rows, top + side) });
  }
  return regions;
}

function* patchesIn({ left, top, right, bottom }: RefinerRegion, { columns }: { columns: number }): Generator<number> {
  for (let row = top; row < bottom; row++) for (let column = left; column < right; column++) yield row * columns + column;
}

interface RefinedPicture {
  readonly width: number;
  readonly height: number;
  readonly patch: number;
  readonly modes: Uint8Array;
}

/** Calls `visit` with every stretch of a row that lies in one patch, for all grids of the region and `margin` samples around it. */
function visitRows(
  { width, height, patch, modes }: RefinedPicture,
  { left, top, right, bottom }: RefinerRegion,
  margin: number,
  visit: (grid: number, mode: number, x: number, y: number, length: number, inside: boolean) => void,
): void {
  const columns = Math.ceil(width / patch);
  for (let grid = 0; grid < gridCount; grid++) {
    const side = patch / 2 ** grid;
    const firstX = Math.max(0, left * side - margin);
    const lastX = Math.min(gridSide(width, grid), right * side + margin);
    const lastY = Math.min(gridSide(height, grid), bottom * side + margin);
    for (let y = Math.max(0, top * side - margin); y < lastY; y++) {
      const row = Math.floor(y / side);
      for (let x = firstX; x < lastX; ) {
        const column = Math.floor(x / side);
        const end = Math.min(lastX, (column + 1) * side);
        visit(grid, modes[row * columns + column], x, y, end - x, row >= top && row < bottom && column >= left && column < right);
        x = end;
      }
    }
  }
}

/** Gives the module a region: its pixels, its latents before rounding, and the rounded ones around it. */
function openRegion(
  refiner: Refiner,
  { core, image, lambda }: Refinable,
  picture: RefinedPicture,
  region: RefinerRegion,
  remainders: readonly Int8Array[],
): void {
  const x = region.left * picture.patch;
  const y = region.top * picture.patch;
  const width = Math.min(region.right * picture.patch, image.width) - x;
  const height = Math.min(region.bottom * picture.patch, image.height) - y;
  const pixels = new Uint8Array(width * height * 4);
  for (let row = 0; row < height; row++) {
    const start = ((y + row) * image.width + x) * 4;
    pixels.set(image.data.subarray(start, start + width * 4), row * width * 4);
  }
  refiner.open(picture, region, pixels, width * 4, lambda);
  visitRows(picture, region, 8, (grid, mode, left, row, length, inside) => {
    const start = row * gridSide(image.width, grid) + left;
    const latents = core.plane(mode, grid).subarray(start, start + length);
    if (!inside) {
      refiner.row('symbol', grid, left, row, length).set(latents);
      return;
    }
    const values = refiner.row('value', grid, left, row, length);
    for (let i = 0; i < length; i++) values[i] = latents[i] + remainders[grid][start + i] / 256;
  });
}

/** Rounds a region's latents into the core, and takes them back unless J has fallen. @returns what J has gained */
function keepIfCheaper(
  refiner: Refiner,
  core: Core,
  picture: RefinedPicture,
  region: RefinerRegion,
  layout: { columns: number; rows: number },
): number {
  const ring = Math.ceil(reach / picture.patch);
  const affected: RefinerRegion = {
    left: Math.max(0, region.left - ring),
    top: Math.max(0, region.top - ring),
    right: Math.min(layout.columns, region.right + ring),
    bottom: Math.min(layout.rows, region.bottom + ring),
  };
  const measure = (): number => {
    let sum = 0;
    for (const index of patchesIn(affected, layout)) sum += core.evaluatePatch(index, picture.modes[index]);
    return sum;
  };
  const before = measure();
  const old: Int16Array[] = [];
  visitRows(picture, region, 0, (grid, mode, x, y, length) => {
    const start = y * gridSide(picture.width, grid) + x;
    const latents = core.plane(mode, grid).subarray(start, start + length);
    old.push(latents.slice());
    const values = refiner.row('value', grid, x, y, length);
    for (let i = 0; i < length; i++) latents[i] = Math.max(-32_767, Math.min(32_767, Math.round(values[i])));
  });
  const after = measure();
  if (after < before) return before - after;
  let next = 0;
  visitRows(picture, region, 0, (grid, mode, x, y, length) => {
    const start = y * gridSide(picture.width, grid) + x;
    core.plane(mode, grid).set(old[next++], start);
    void length;
  });
  return 0;
}
