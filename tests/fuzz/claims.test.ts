/** Files that claim to be large are refused by their header, before anything is allocated for them. */

import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { engineOfPackage } from '../../src/codec.js';
import { writeHeader } from '../../src/container.js';
import { decodeFile } from '../../src/decode.js';
import { decode } from '../../src/index.js';
import type { Limits } from '../../src/limits.js';
import { Core } from '../../src/wasm.js';
import { conformanceModels as models, vectorBytes } from '../conformance/files.js';
import { join } from '../conformance/harness.js';
import { fromRoot } from '../helpers.js';

const huge = new Uint8Array(readFileSync(fromRoot('tests/corrupt/files/huge-65535.tsr')));

/** Forty bytes that claim a size. */
function claim(width: number, height: number): Uint8Array {
  const [packId, packHash] = [65_535, '0'.repeat(16)];
  return join(
    writeHeader({
      version: 0,
      width,
      height,
      modes: 8,
      patch: 64,
      lanes: 2,
      packId,
      packHash,
      anchor: 0,
      step: 0,
      sections: 1,
      alpha: false,
    }),
    new Uint8Array(13),
  );
}

afterEach(() => vi.restoreAllMocks());

describe('40 bytes that claim 65,535 × 65,535 pixels', () => {
  test('are forty bytes', () => {
    expect(huge.length).toBe(40);
    expect([huge[6], huge[7], huge[8], huge[9]]).toEqual([0xfe, 0xff, 0xfe, 0xff]);
  });

  test('are refused without a core', async () => {
    const calls = [vi.spyOn(WebAssembly, 'compile'), vi.spyOn(Core, 'create'), vi.spyOn(Core.prototype, 'begin')];
    await expect(decodeFile(engineOfPackage(), huge, { models })).rejects.toMatchObject({ code: 'limitDimension' });
    for (const call of calls) expect(call).not.toHaveBeenCalled();
  });

  test('load nothing of the host: naming Response alone costs Node 40 ms', async () => {
    const descriptor = Object.getOwnPropertyDescriptor(globalThis, 'Response') as PropertyDescriptor;
    let named = 0;
    Object.defineProperty(globalThis, 'Response', { configurable: true, get: () => void named++ });
    try {
      await expect(decode(huge, { models })).rejects.toMatchObject({ code: 'limitDimension' });
      await expect(decode(huge.buffer, { models })).rejects.toMatchObject({ code: 'limitDimension' });
      expect(named).toBe(0);
    } finally {
      Object.defineProperty(globalThis, 'Response', descriptor);
    }
  });

  test('make no memory grow', async () => {
    const engine = engineOfPackage();
    await decodeFile(engine, vectorBytes('two-patches'), { models });
    const coreBytes = (): Promise<number> => engine.withCore(async (core) => core.memoryBytes);
    const before = await coreBytes();
    const { arrayBuffers } = process.memoryUsage();
    for (let round = 0; round < 100; round++) {
      await expect(decodeFile(engine, huge, { models, limits: { maxDimension: 0, maxPixels: 0 } })).rejects.toMatchObject({
        code: 'limitPixels',
      });
    }
    expect(await coreBytes()).toBe(before);
    // Not one of the hundred has left, or briefly held, anything like the picture's 17 gigabytes; messages and promises are small.
    expect(process.memoryUsage().arrayBuffers - arrayBuffers).toBeLessThan(2 ** 20);
  });
});

test.each<[number, number, Partial<Limits>, string]>([
  [65_536, 65_536, {}, 'limitDimension'],
  [65_536, 65_536, { maxDimension: 0 }, 'limitPixels'],
  [65_536, 65_536, { maxDimension: 0, maxPixels: 0, maxMemory: 0 }, 'limitPixels'],
  [65_536, 1, {}, 'limitDimension'],
  [1, 65_536, {}, 'limitDimension'],
  [32_768, 2049, {}, 'limitPixels'],
  [16_384, 16_384, { maxPixels: 0, maxMemory: 2 ** 30 }, 'limitMemory'],
  [100, 100, { maxMemory: 1 }, 'limitMemory'],
  // Within all limits: the next check is the pack.
  [32_768, 2048, {}, 'unknownModel'],
  [16_384, 16_384, { maxPixels: 0 }, 'unknownModel'],
])('%i × %i pixels with limits %o: %s', async (width, height, limits, code) => {
  const begin = vi.spyOn(Core.prototype, 'begin');
  await expect(decodeFile(engineOfPackage(), claim(width, height), { models, limits })).rejects.toMatchObject({ code });
  expect(begin).not.toHaveBeenCalled();
});
