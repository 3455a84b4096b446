/** Borders between codecs that show are found, those that do not are left alone. */

import { expect, test } from 'vitest';
import type { Core } from '../src/core.js';
import { findSeams } from '../src/seams.js';
import type { PixelSource } from '../src/types.js';

const width = 200;
const height = 150;
const patch = 64;
const modes = Uint8Array.from([0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0]);

function picture(levelAt: (x: number, y: number) => number): PixelSource {
  const data = new Uint8ClampedArray(width * height * 4).fill(255);
  for (let index = 0; index < width * height; index++)
    data.fill(levelAt(index % width, Math.floor(index / width)), index * 4, index * 4 + 3);
  return { data, width, height };
}

/** A core that shows a picture as it is. */
function coreShowing({ data }: PixelSource): Core {
  const memory = new Uint8Array(width * patch * 4);
  return {
    modes: () => modes,
    mark: () => 0,
    release: () => undefined,
    allocate: () => 0,
    bytes: (pointer: number, length: number) => memory.subarray(pointer, pointer + length),
    synthesisePatch(index: number, pointer: number, stride: number) {
      const left = (index % 4) * patch;
      const top = Math.floor(index / 4) * patch;
      for (let y = top; y < Math.min(top + patch, height); y++) {
        const line = data.subarray((y * width + left) * 4, (y * width + Math.min(left + patch, width)) * 4);
        memory.set(line, pointer + (y - top) * stride);
      }
    },
  } as unknown as Core;
}

const ramp = (x: number, y: number): number => 40 + x / 4 + y / 3;
const isOfOther = (x: number, y: number): boolean => x >= 128 && y < 64;
const seamsOf = (shown: PixelSource, tolerated?: number): Promise<Set<number>> =>
  findSeams(coreShowing(shown), picture(ramp), patch, async () => undefined, tolerated);

test('a picture shown as it is has no seams', async () => {
  expect(await seamsOf(picture(ramp))).toEqual(new Set());
});

test('two patches that are two levels too bright show on both sides of their borders, and only there', async () => {
  const seams = await seamsOf(picture((x, y) => ramp(x, y) + (isOfOther(x, y) ? 2 : 0)));
  expect([...seams].sort((a, b) => a - b)).toEqual([1, 2, 3, 6, 7]);
});

test('an edge between patches of one mode is no seam, and errors as large beside a border hide it', async () => {
  expect(await seamsOf(picture((x, y) => ramp(x, y) + (x < 64 ? 9 : 0)))).toEqual(new Set());
  expect(await seamsOf(picture((x, y) => ramp(x, y) + (isOfOther(x, y) ? 2 : 0) + ((x + y) % 2) * 20))).toEqual(new Set());
});

test('how much more wrong a border may be than what is beside it, the caller says', async () => {
  // Gradients are wrong by ten levels everywhere, and by twelve across the border.
  const shown = picture((x, y) => ramp(x, y) + (isOfOther(x, y) ? 2 : 0) + ((x + y) % 2) * 10);
  const strict = await seamsOf(shown, 0.9);
  expect([1, 2, 3, 6, 7].every((index) => strict.has(index))).toBe(true);
  expect(await seamsOf(shown, 1.3)).toEqual(new Set());
});
