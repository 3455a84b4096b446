/** The gradients of the refinement module against central differences of the plain reference, and its SIMD kernels against their twins. */

import { describe, expect, test } from 'vitest';
import { gridCount, gridSide, patchLayout } from '../../src/geometry.js';
import { parseDecoderPack } from '../../src/models/pack.js';
import { Refiner } from '../../src/refine/refiner.js';
import { randomNumbers, synthetic, variedPack } from '../helpers.js';
import { type RealPicture, realCost } from './reference.js';

const pack = parseDecoderPack(variedPack().files['decoder.bin']);

interface Case {
  readonly name: string;
  readonly width: number;
  readonly height: number;
  readonly patch: 64 | 128 | 256;
  readonly modes: readonly number[];
  readonly anchor: number;
  readonly step: number;
}

const cases: readonly Case[] = [
  { name: 'one pixel', width: 1, height: 1, patch: 128, modes: [0], anchor: 0, step: 0 },
  { name: 'one patch', width: 37, height: 29, patch: 64, modes: [0], anchor: 1, step: 10 },
  { name: 'four patches of one mode', width: 69, height: 67, patch: 64, modes: [1, 1, 1, 1], anchor: 2, step: 3 },
  { name: 'patches of two modes', width: 75, height: 70, patch: 64, modes: [0, 1, 1, 0], anchor: 0, step: 10 },
  { name: 'modes around a corner', width: 71, height: 66, patch: 64, modes: [0, 0, 1, 0], anchor: pack.anchors - 1, step: 20 },
  { name: 'an edge between tiles', width: 516, height: 3, patch: 128, modes: [0, 0, 0, 0, 0], anchor: 1, step: 10 },
];

/** Latents of the size that trained ones have: mostly small, large on the coarse grids. */
function randomLatents(width: number, height: number, seed: number): Float64Array[] {
  const random = randomNumbers(seed);
  const uniform = (): number => random() / 2 ** 31 - 1;
  return Array.from({ length: gridCount }, (_, grid) =>
    // In single precision, so that the module and the reference start from the same numbers.
    Float64Array.from({ length: gridSide(width, grid) * gridSide(height, grid) }, () =>
      Math.fround(uniform() ** 3 * (1 + 3 * grid ** 2) + 0.3 * uniform()),
    ),
  );
}

function realPicture({ width, height, patch, modes, anchor, step }: Case): RealPicture {
  const subset = (pack.modeSets.get(2) as { subset: readonly number[] }).subset;
  return {
    ...{ width, height, patch, modes, planes: randomLatents(width, height, width + height), pixels: synthetic(width, height).data },
    decoders: subset.map((codec) => pack.decoders[codec][anchor]),
    inverseGain: pack.steps[step].inverseGain / 16_384,
    offset: pack.steps[step].logScaleOffset / 256,
    lambda: 0.002,
  };
}

async function refinerOf(picture: RealPicture, step: number): Promise<Refiner> {
  const { width, height, patch } = picture;
  const refiner = await Refiner.create(pack.steps[step]);
  refiner.setDecoders(picture.decoders.map((decoder) => decoder.bytes));
  const { columns, rows } = patchLayout(width, height, patch);
  const modes = Uint8Array.from(picture.modes);
  const region = { left: 0, top: 0, right: columns, bottom: rows };
  refiner.openPicture({ width, height, patch, modes });
  refiner.openRegion(region, Uint8Array.from(picture.pixels), width * 4, picture.lambda);
  return refiner;
}

function planeOf(
  refiner: Refiner,
  plane: 'value' | 'symbol' | 'slope' | 'gradient',
  grid: number,
  { width, height }: RealPicture,
): Float32Array {
  const columns = gridSide(width, grid);
  const out = new Float32Array(columns * gridSide(height, grid));
  for (let y = 0; y < gridSide(height, grid); y++) out.set(refiner.row(plane, { grid, x: 0, y, length: columns }), y * columns);
  return out;
}

function fill(refiner: Refiner, plane: 'value' | 'symbol', picture: RealPicture): void {
  picture.planes.forEach((samples, grid) => {
    const columns = gridSide(picture.width, grid);
    for (let y = 0; y < gridSide(picture.height, grid); y++)
      refiner.row(plane, { grid, x: 0, y, length: columns }).set(samples.subarray(y * columns, (y + 1) * columns));
  });
}

function gradients(refiner: Refiner, picture: RealPicture): Float32Array[] {
  refiner.startGradients();
  for (let patch = 0; patch < picture.modes.length; patch++) refiner.patchGradient(patch);
  return Array.from({ length: gridCount }, (_, grid) => planeOf(refiner, 'gradient', grid, picture));
}

describe.each(cases)('$name', (one) => {
  test('gradients are those of the reference', async () => {
    const picture = realPicture(one);
    const refiner = await refinerOf(picture, one.step);
    fill(refiner, 'symbol', picture);
    const found = gradients(refiner, picture);
    const random = randomNumbers(5);
    for (let grid = 0; grid < gridCount; grid++) {
      const plane = picture.planes[grid];
      const typical = Math.sqrt(found[grid].reduce((sum, value) => sum + value * value, 0) / plane.length);
      // The last sample lies in a cut patch, the other anywhere.
      const chosen = new Set([plane.length - 1, random() % plane.length]);
      for (const index of chosen) {
        const original = plane[index];
        const cost = (shift: number): number => {
          plane[index] = original + shift;
          const value = realCost(picture);
          plane[index] = original;
          return value;
        };
        const expected = (cost(2 ** -16) - cost(-(2 ** -16))) / 2 ** -15;
        const tolerance = 2e-4 * (Math.abs(expected) + typical) + 1e-3;
        expect(Math.abs(found[grid][index] - expected), `grid ${grid}, sample ${index}: ${found[grid][index]}, ${expected}`).toBeLessThan(
          tolerance,
        );
      }
    }
  });

  test('the SIMD kernels give the bits of their twins', async () => {
    const picture = realPicture(one);
    const results: Float32Array[][] = [];
    for (const simd of [true, false]) {
      const refiner = await refinerOf(picture, one.step);
      refiner.useSimd(simd);
      fill(refiner, 'value', picture);
      for (let step = 0; step < 2; step++) {
        refiner.roundSoftly({ temperature: 0.25, shape: 1.4, settled: 0.2 }, step);
        gradients(refiner, picture);
        refiner.moveLatents({ rate: 0.06, growth: 0.3, first: 0.9, second: 0.99, epsilon: 0.01, done: step });
      }
      const planes = (['symbol', 'slope', 'gradient', 'value'] as const).flatMap((plane) =>
        Array.from({ length: gridCount }, (_, grid) => planeOf(refiner, plane, grid, picture)),
      );
      results.push(planes);
    }
    results[0].forEach((plane, index) => {
      // −0 and 0 count as equal: the twins differ in which they keep.
      const different = plane.findIndex((value, place) => value !== results[1][index][place]);
      expect(different, `plane ${index}`).toBe(-1);
    });
  });

  test('noise goes round: over eight steps every latent sees nearly all of it, each another way', async () => {
    const side = 64;
    const picture = { ...realPicture({ name: '', width: side, height: side, patch: 64, modes: [0], anchor: 0, step: 10 }) };
    picture.planes = picture.planes.map((plane) => plane.map(() => 3));
    const refiner = await refinerOf(picture, 10);
    fill(refiner, 'value', picture);
    const steps = Array.from({ length: 8 }, (_, step) => {
      // At so low a temperature nothing but the noise moves them, here by less than the width of a bin.
      refiner.roundSoftly({ temperature: 50, shape: 1, settled: 0 }, step);
      return planeOf(refiner, 'symbol', 0, picture).map((value) => value - 3);
    });
    const sums = new Float64Array(side ** 2);
    for (let index = 0; index < side ** 2; index++) {
      const noise = steps.map((plane) => plane[index]).sort((a, b) => a - b);
      sums[index] = noise.reduce((sum, value) => sum + value, 0);
      // The largest gap on the circle of eight multiples of the golden ratio is 0.21.
      for (let place = 1; place < 8; place++) expect(noise[place] - noise[place - 1]).toBeLessThan(0.22);
    }
    // The mean of eight independent ones would err by 0.10.
    const error = Math.sqrt(sums.reduce((sum, value) => sum + (value / 8) ** 2, 0) / side ** 2);
    expect(error).toBeLessThan(0.05);
    expect(new Set(steps[0]).size).toBeGreaterThan(200);
  });
});
