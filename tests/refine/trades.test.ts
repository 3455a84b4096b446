/** Trades of whole latents for their neighbours: what the module foretells and does, on pictures whose latents are anything. */

import { describe, expect, test } from 'vitest';
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
  const refiner = await Refiner.create(pack.steps[step]);
  refiner.setDecoders(source.decoders.map(({ bytes }) => bytes));
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

function trade(refiner: Refiner, { modes }: RealPicture, margin: number, first = true): number {
  refiner.startTrades(first);
  for (let patch = 0; patch < modes.length; patch++) refiner.patchTrades(patch);
  return refiner.tradeLatents(margin);
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
    const count = trade(refiner, source, 1);
    const after = symbolsOf(refiner, source);
    const found = changes(source.planes, after);
    expect(found).toHaveLength(count);
    expect(count).toBeGreaterThan(0);
    expect(found.every(({ by }) => Math.abs(by) === 1)).toBe(true);
    expect(realCost({ ...source, planes: after })).toBeLessThan(realCost(source));
  });

  test('no two side by side are traded', async () => {
    const refiner = await opened(source, 1);
    trade(refiner, source, 0);
    const found = changes(source.planes, symbolsOf(refiner, source));
    const places = new Set(
      found.map(({ grid, index }) => `${grid} ${index % gridSide(width, grid)} ${Math.floor(index / gridSide(width, grid))}`),
    );
    for (const { grid, index } of found) {
      const x = index % gridSide(width, grid);
      const y = Math.floor(index / gridSide(width, grid));
      expect(places.has(`${grid} ${x + 1} ${y}`)).toBe(false);
      expect(places.has(`${grid} ${x} ${y + 1}`)).toBe(false);
    }
  });

  test('a margin and the curvature hold trades back', async () => {
    const count = trade(await opened(source, 30), source, 1);
    expect(trade(await opened(source, 30), source, 3)).toBeLessThan(count);
    expect(trade(await opened(source, 1e9), source, 1)).toBe(0);
    expect(trade(await opened(source, 0), source, 1)).toBe(0);
  });

  test('a later round goes on where the first has left off', async () => {
    const refiner = await opened(source, 30);
    trade(refiner, source, 1);
    const once = realCost({ ...source, planes: symbolsOf(refiner, source) });
    expect(trade(refiner, source, 0.65, false)).toBeGreaterThan(0);
    expect(realCost({ ...source, planes: symbolsOf(refiner, source) })).toBeLessThan(once);
  });

  test('the SIMD kernels trade as their twins do', async () => {
    const results = await Promise.all(
      [true, false].map(async (simd) => {
        const refiner = await opened(source, 30, simd);
        trade(refiner, source, 0.65);
        trade(refiner, source, 0.5, false);
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
  for (let round = 0; round < 40; round++) trade(refiner, source, 0);
  const rest = symbolsOf(refiner, source);
  const costAt = (value: number): number => realCost({ ...source, planes: [...rest.slice(0, 6), Float64Array.of(value)] });
  const value = rest[6][0];
  expect(costAt(value)).toBeLessThanOrEqual(Math.min(costAt(value - 2), costAt(value + 2)));
});

test('latents without any other near stay 0', async () => {
  const empty = picture(64, 64, 5);
  for (const plane of empty.planes) plane.fill(0);
  const refiner = await opened(empty, 1e-6);
  expect(trade(refiner, empty, 0)).toBe(0);
});
