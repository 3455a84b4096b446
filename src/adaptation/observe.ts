/** What patches of a picture say about the layers that an adaptation changes: samples of their pixels, as normal equations. */

import type { Gathered, Observation } from '../core.js';
import { patchLayout } from '../geometry.js';
import type { PixelSource } from '../types.js';
import type { SynthesisView } from './apply.js';
import { NormalEquations } from './normal.js';

/** Of the irrational rotation that spreads samples. */
const turn = 0.6180339887;

/** Makes equations of what is seen of a patch. */
export type Observe = (view: SynthesisView, seen: Observation) => NormalEquations;

export interface SampledPatch {
  readonly index: number;
  readonly width: number;
  readonly height: number;
}

/** Numbers below `count`, about a `part` of them, spread evenly. */
export const someBelow = (count: number, part: number): number[] =>
  Array.from({ length: count }, (_, number) => number).filter((number) => (number * turn) % 1 < part);

/** Patches spread over the picture, by an irrational rotation along the columns: every so many in raster order would be those of a column. */
export function samplePatches({ width, height }: PixelSource, side: number, wanted: number): SampledPatch[] {
  const { columns, rows, count } = patchLayout(width, height, side);
  const taken = Math.min(count, Math.max(wanted, Math.ceil(count / 16)));
  const place = (number: number): number =>
    Math.floor(((number + 0.5) * rows) / taken) * columns + Math.floor(((number * turn) % 1) * columns);
  const indices = new Set(Array.from({ length: taken }, (_, number) => (taken === count ? number : place(number))));
  return Array.from(indices, (index) => {
    const [x, y] = [(index % columns) * side, Math.floor(index / columns) * side];
    return { index, width: Math.min(side, width - x), height: Math.min(side, height - y) };
  });
}

/** What one pixel in so many of a patch says about the mixing: by how many levels a change of each unit by 1 raises a pixel. */
export function observeMixing(units: readonly number[], view: SynthesisView, seen: Observation, spacing: number): NormalEquations {
  const level = view.lastNorm() / 2 ** (view.shift(1) + view.shift(3));
  const weights = Int16Array.from(units.flatMap((unit) => view.first(unit)));
  const scales = Float32Array.from(units, (unit) => view.unitNorm(unit) * level);
  return equationsOf(seen, seen.gatherMixing({ weights, scales }, spacing), units.length);
}

/** What one pixel in so many of a patch says about the last layer. */
export function observeLast(view: SynthesisView, seen: Observation, spacing: number): NormalEquations {
  return equationsOf(seen, seen.gatherLast(view.lastNorm() / 2 ** view.shift(3), spacing), 10);
}

/** All samples of a patch together count as much as its pixels. */
const equationsOf = ({ width, height }: Observation, { sums, samples }: Gathered, inputs: number): NormalEquations =>
  new NormalEquations(inputs, 3, sums, samples > 0 ? (width * height) / samples : 0);
