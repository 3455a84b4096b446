/**
 * Aborting and progress, without a clock: time is made to pass by itself, so that every step is due to give the event loop a turn, and what is
 * counted is steps. `bench/speed/abort.mjs` measures how long the steps are.
 */

import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { decode, encode } from '../src/index.js';
import type { CommonOptions, Progress } from '../src/types.js';
import { synthetic } from './helpers.js';

/** Two tiles, for the analysis as for the coder, and sixteen patches. */
const image = synthetic(900, 200);
for (let i = 3; i < image.data.length; i += 4) image.data[i] = (i * 7) & 255;
let file: Uint8Array;
beforeAll(async () => {
  file = await encode(image, { quality: 40 });
});

let now = 0;
beforeEach(() => {
  vi.spyOn(performance, 'now').mockImplementation(() => {
    now += 25;
    return now;
  });
});
afterEach(() => {
  vi.restoreAllMocks();
});

const calls: readonly [string, (options: CommonOptions) => Promise<unknown>][] = [
  ['encode', (options) => encode(image, { ...options, quality: 40 })],
  ['decode', (options) => decode(file, options)],
  ['decode a region', (options) => decode(file, { ...options, region: { x: 100, y: 20, width: 700, height: 150 } })],
  ['decode reduced', (options) => decode(file, { ...options, scale: 0.25 })],
];

/** Runs a call beside a task that comes round at every turn of the event loop. @returns the reports, and how many there were at each turn */
async function watch(
  call: (options: CommonOptions) => Promise<unknown>,
  signal?: AbortSignal,
  onTurn = (_reports: number): void => {},
): Promise<{ reports: Progress[]; turns: number[]; code: string | undefined }> {
  const reports: Progress[] = [];
  const turns: number[] = [];
  let running = true;
  const tick = (): void => {
    turns.push(reports.length);
    onTurn(reports.length);
    if (running) setImmediate(tick);
  };
  setImmediate(tick);
  const code = await call({ onProgress: (progress) => reports.push(progress), ...(signal === undefined ? {} : { signal }) }).then(
    () => undefined,
    (error) => error.code as string,
  );
  running = false;
  return { reports, turns, code };
}

describe.each(calls)('%s', (_, call) => {
  test('reports never fall, and end at 1', async () => {
    const { reports } = await watch(call);
    const fractions = reports.map(({ fraction }) => fraction);
    expect(fractions.length).toBeGreaterThan(10);
    expect(fractions).toEqual(fractions.toSorted((a, b) => a - b));
    expect([fractions[0], fractions.at(-1)]).toEqual([0, 1]);
    // Only the last one is.
    expect(fractions.indexOf(1)).toBe(fractions.length - 1);
  });

  test('gives the event loop a turn between any two steps', async () => {
    const { reports, turns } = await watch(call);
    expect(new Set(turns).size).toBeGreaterThan(10);
    for (let step = 1; step < reports.length; step++) expect(turns, `after step ${step}`).toContain(step);
  });

  test('aborted at any turn, takes no further step', async () => {
    const { reports: whole } = await watch(call);
    const moments = Array.from({ length: 8 }, (_unused, index) => 1 + Math.floor((index * (whole.length - 2)) / 8));
    for (const moment of moments) {
      const controller = new AbortController();
      const { reports, code } = await watch(call, controller.signal, (count) => {
        if (count >= moment) controller.abort();
      });
      expect([code, reports.length]).toEqual(['aborted', moment]);
    }
  });
});
