/** What patches of a picture say about the layers that an adaptation changes: samples of their pixels, as normal equations. */

import type { Gathered, Observation } from '../core.js';
import { patchLayout } from '../geometry.js';
import type { PixelSource } from '../types.js';
import type { SynthesisView } from './apply.js';
import { NormalEquations } from './normal.js';

/** Of the irrational rotation that spreads samples over the columns. */
const turn = 0.6180339887;

/** Makes equations of what is seen of a patch. */
export type Observe = (view: SynthesisView, seen: Observation, target: Target) => NormalEquations;

export interface SampledPatch {
  readonly index: number;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** Patches spread over the picture, by an irrational rotation along the columns: every so many in raster order would be those of a column. */
export function samplePatches({ width, height }: PixelSource, side: number, wanted: number): SampledPatch[] {
  const { columns, rows, count } = patchLayout(width, height, side);
  const taken = Math.min(count, Math.max(wanted, Math.ceil(count / 16)));
  const place = (number: number): number =>
    Math.floor(((number + 0.5) * rows) / taken) * columns + Math.floor(((number * turn) % 1) * columns);
  const indices = new Set(Array.from({ length: taken }, (_, number) => (taken === count ? number : place(number))));
  return Array.from(indices, (index) => {
    const x = (index % columns) * side;
    const y = Math.floor(index / columns) * side;
    return { index, x, y, width: Math.min(side, width - x), height: Math.min(side, height - y) };
  });
}

/** What a patch should become. */
export interface Target {
  readonly image: PixelSource;
  readonly x: number;
  readonly y: number;
}

export function squaredError({ width, height, pixels }: Observation, { image, x, y }: Target): number {
  let sum = 0;
  // Every fourth row is enough.
  for (let row = 0; row < height; row += 4) {
    let wanted = ((y + row) * image.width + x) * 4;
    for (let seen = row * width * 4; seen < (row + 1) * width * 4; seen += 4, wanted += 4) {
      for (let c = 0; c < 3; c++) sum += (image.data[wanted + c] - pixels[seen + c]) ** 2;
    }
  }
  return (sum * height) / Math.ceil(height / 4);
}

/** RGBA of a patch of the image. */
function wantedPixels({ width, height }: Observation, { image, x, y }: Target): Uint8Array {
  const wanted = new Uint8Array(width * height * 4);
  for (let row = 0; row < height; row++) {
    const start = ((y + row) * image.width + x) * 4;
    wanted.set(image.data.subarray(start, start + width * 4), row * width * 4);
  }
  return wanted;
}

/** What one pixel in so many of a patch says about the mixing: by how many levels a change of each unit by 1 raises a pixel. */
export function observeMixing(
  units: readonly number[],
  view: SynthesisView,
  seen: Observation,
  target: Target,
  spacing: number,
): NormalEquations {
  const level = view.lastNorm() / 2 ** (view.shift(1) + view.shift(3));
  const weights = Int16Array.from(units.flatMap((unit) => view.first(unit)));
  const scales = Float32Array.from(units, (unit) => view.unitNorm(unit) * level);
  return equationsOf(seen, seen.gatherMixing({ weights, scales }, wantedPixels(seen, target), spacing), units.length);
}

/** What one pixel in so many of a patch says about the last layer. */
export function observeLast(view: SynthesisView, seen: Observation, target: Target, spacing: number): NormalEquations {
  return equationsOf(seen, seen.gatherLast(view.lastNorm() / 2 ** view.shift(3), wantedPixels(seen, target), spacing), 10);
}

/** All samples of a patch together count as much as its pixels. */
const equationsOf = ({ width, height }: Observation, { sums, samples }: Gathered, inputs: number): NormalEquations =>
  new NormalEquations(inputs, 3, sums, samples > 0 ? (width * height) / samples : 0);
