/** Trades of whole latents for their neighbours: what the module foretells and does, on pictures whose latents are anything. */

import { describe, expect, test } from 'vitest';
import type { Round } from '../../src/effort.js';
import { gridCount, gridSide, patchLayout } from '../../src/geometry.js';
import { parseDecoderPack } from '../../src/models/pack.js';
import { Refiner } from '../../src/refine/refiner.js';
import { randomNumbers, synthetic, variedPack } from '../helpers.js';
import { type RealPicture, realCost } from './reference.js';

const pack = parseDecoderPack(variedPack().files['decoder.bin']);
const subset = (pack.modeSets.get(2) as { subset: readonly number[] }).subset;
const step = 32;

/** A picture of two modes with whole latents, most of the fine ones 0. */
function picture(width: number, height: number, anchor: number): RealPicture {
  const random = randomNumbers(width);
  const { count } = patchLayout(width, height, 64);
  return {
    ...{ width, height, patch: 64, modes: Array.from({ length: count }, (_, patch) => patch % 2), pixels: synthetic(width, height).data },
    planes: Array.from({ length: gridCount }, (_, grid) =>
      Float64Array.from({ length: gridSide(width, grid) * gridSide(height, grid) }, () => (random() % 4 === 0 ? (random() % 5) - 2 : 0)),
    ),
    decoders: subset.map((codec) => pack.decoders[codec][anchor]),
    inverseGain: pack.steps[step].inverseGain / 16_384,
    offset: pack.steps[step].logScaleOffset / 256,
    lambda: 0.002,
  };
}

async function opened(source: RealPicture, curvature: number, simd = true): Promise<Refiner> {
  const { width, height, patch } = source;
  const refiner = await Refiner.create(
    source.decoders.map(({ bytes }) => bytes),
    pack.steps[step],
  );
  refiner.useSimd(simd);
  const { columns, rows } = patchLayout(width, height, patch);
  const region = { left: 0, top: 0, right: columns, bottom: rows };
  refiner.openPicture({ width, height, patch, modes: Uint8Array.from(source.modes) });
  refiner.openRegion(region, Uint8Array.from(source.pixels), width * 4, source.lambda);
  refiner.setCurvatures(new Array(gridCount).fill(curvature));
  source.planes.forEach((samples, grid) => {
    const length = gridSide(width, grid);
    for (let y = 0; y < gridSide(height, grid); y++)
      refiner.row('symbol', { grid, x: 0, y, length }).set(samples.subarray(y * length, (y + 1) * length));
  });
  return refiner;
}

function trade(refiner: Refiner, { modes }: RealPicture, round: Round, first = true): number {
  refiner.startTrades(first);
  for (let patch = 0; patch < modes.length; patch++) refiner.patchTrades(patch);
  return refiner.tradeLatents(round);
}

function symbolsOf(refiner: Refiner, { width, height }: RealPicture): Float64Array[] {
  return Array.from({ length: gridCount }, (_, grid) => {
    const length = gridSide(width, grid);
    const rows = Array.from({ length: gridSide(height, grid) }, (_, y) => [...refiner.row('symbol', { grid, x: 0, y, length })]);
    return Float64Array.from(rows.flat());
  });
}

/** Grid, place and difference of every latent that has changed. */
function changes(before: readonly Float64Array[], after: readonly Float64Array[]): { grid: number; index: number; by: number }[] {
  return before.flatMap((plane, grid) =>
    [...plane].flatMap((value, index) => (after[grid][index] === value ? [] : [{ grid, index, by: after[grid][index] - value }])),
  );
}

describe.each([
  [70, 66, 0],
  [133, 64, 3],
  [61, 37, 7],
] as const)('%i × %i pixels, anchor %i', (width, height, anchor) => {
  const source = picture(width, height, anchor);

  test('what is traded goes up or down by one, and J falls', async () => {
    const refiner = await opened(source, 30);
    const count = trade(refiner, source, { margin: 1, parity: -1 });
    const after = symbolsOf(refiner, source);
    const found = changes(source.planes, after);
    expect(found).toHaveLength(count);
    expect(count).toBeGreaterThan(0);
    expect(found.every(({ by }) => Math.abs(by) === 1)).toBe(true);
    expect(realCost({ ...source, planes: after })).toBeLessThan(realCost(source));
  });

  test('a margin and a parity hold trades back', async () => {
    const all = await opened(source, 30);
    const count = trade(all, source, { margin: 1, parity: -1 });
    const everything = symbolsOf(all, source);
    const halves = await Promise.all(
      ([0, 1] as const).map(async (parity) => {
        const refiner = await opened(source, 30);
        trade(refiner, source, { margin: 1, parity });
        const found = changes(source.planes, symbolsOf(refiner, source));
        for (const { grid, index } of found) {
          const columns = gridSide(width, grid);
          expect(((index % columns) + Math.floor(index / columns)) % 2).toBe(parity);
        }
        return found;
      }),
    );
    // All are judged as if the others stayed, so the halves make up the whole.
    expect(halves.flat().length).toBe(count);
    for (const { grid, index, by } of halves.flat()) expect(everything[grid][index] - source.planes[grid][index]).toBe(by);
    const cautious = await opened(source, 30);
    expect(trade(cautious, source, { margin: 3, parity: -1 })).toBeLessThan(count);
    expect(trade(await opened(source, 1e9), source, { margin: 1, parity: -1 })).toBe(0);
    expect(trade(await opened(source, 0), source, { margin: 1, parity: -1 })).toBe(0);
  });

  test('a later round goes on where the first has left off', async () => {
    const refiner = await opened(source, 30);
    trade(refiner, source, { margin: 1, parity: -1 });
    const once = realCost({ ...source, planes: symbolsOf(refiner, source) });
    expect(trade(refiner, source, { margin: 0.65, parity: 0 }, false)).toBeGreaterThan(0);
    expect(realCost({ ...source, planes: symbolsOf(refiner, source) })).toBeLessThan(once);
  });

  test('the SIMD kernels trade as their twins do', async () => {
    const results = await Promise.all(
      [true, false].map(async (simd) => {
        const refiner = await opened(source, 30, simd);
        trade(refiner, source, { margin: 0.65, parity: -1 });
        trade(refiner, source, { margin: 0.5, parity: 0 }, false);
        return symbolsOf(refiner, source);
      }),
    );
    expect(changes(results[0], results[1])).toEqual([]);
  });
});

test('a latent that is traded back and forth alone comes to rest at the least J', async () => {
  // One pixel, one latent that matters: the whole curve can be looked at.
  const source = { ...picture(1, 1, 5), pixels: [200, 200, 200, 255] };
  const refiner = await opened(source, 1);
  for (const grid of [0, 1, 2, 3, 4, 5]) refiner.setCurvatures(Array.from({ length: gridCount }, (_, other) => (other > grid ? 1 : 0)));
  for (let round = 0; round < 40; round++) trade(refiner, source, { margin: 0, parity: -1 });
  const rest = symbolsOf(refiner, source);
  const costAt = (value: number): number => realCost({ ...source, planes: [...rest.slice(0, 6), Float64Array.of(value)] });
  const value = rest[6][0];
  expect(costAt(value)).toBeLessThanOrEqual(Math.min(costAt(value - 2), costAt(value + 2)));
});

test('latents without any other near stay 0', async () => {
  const empty = picture(64, 64, 5);
  for (const plane of empty.planes) plane.fill(0);
  const refiner = await opened(empty, 1e-6);
  expect(trade(refiner, empty, { margin: 0, parity: -1 })).toBe(0);
});
