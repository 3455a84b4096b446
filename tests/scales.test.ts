/** Scales of a picture's grids: what they change, and how the encoder finds them. */

import { beforeAll, describe, expect, test } from 'vitest';
import { engineOfPackage } from '../src/codec.js';
import { parseHeader, parsePictureSection, parseSections } from '../src/container.js';
import type { Core } from '../src/core.js';
import { encodeDetailed } from '../src/encode.js';
import { estimateSegments } from '../src/estimate.js';
import { encode } from '../src/index.js';
import { loadPack, type Pack } from '../src/models/load.js';
import { fitScales } from '../src/refine/fit-scales.js';
import { noScales, parseScales, type Scales, writeScales } from '../src/scales.js';
import type { PixelSource } from '../src/types.js';
import { crop, examples, readPixels } from './helpers.js';

test('four bytes hold seven numbers, none hold zeros', () => {
  const scales = [-8, 7, 0, -1, 1, 3, -4];
  expect([...writeScales(scales)]).toEqual([0x78, 0xf0, 0x31, 0x0c]);
  expect(parseScales(writeScales(scales), 0)).toEqual(scales);
  expect(writeScales(noScales).length).toBe(0);
  expect(parseScales(new Uint8Array(0), 0)).toEqual(noScales);
});

describe('a picture', () => {
  const [width, height, patch] = [300, 200, 128];
  const setup = { width, height, patch, modes: 1, lanes: 1, rate: { anchor: 4, step: 100 }, storage: 'winners' } as const;
  let image: PixelSource;
  let pack: Pack;
  beforeAll(async () => {
    image = crop(await readPixels(examples[0].path), 40, 20, width, height);
    pack = await loadPack(undefined);
  });

  /** Runs `work` on a core with latents around 3 that are `spread` wide in every grid. */
  function withNoise<Result>(spread: number, work: (core: Core) => Promise<Result>): Promise<Result> {
    return engineOfPackage().withCore(async (core) => {
      core.begin(pack.decoder, setup);
      core.modes().fill(0);
      let state = 1;
      const random = (): number => {
        state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
        return state / 2 ** 32;
      };
      for (const grid of noScales.keys()) {
        const plane = core.plane(0, grid);
        for (let index = 0; index < plane.length; index++) plane[index] = 3 + Math.round((random() + random() - 1) * spread);
      }
      return work(core);
    });
  }
  const bitsOf = (core: Core): number => Array.from(core.modes(), (mode, index) => core.patchRate(index, mode)).reduce((a, b) => a + b);

  test('bits foretold for every scale are those that symbols take with it', async () => {
    await withNoise(4, async (core) => {
      const before = bitsOf(core);
      const count = core.modes().length;
      for (const grid of [0, 3]) {
        const foretold = await core.scaleBits(grid, async (look) => {
          for (let index = 0; index < count; index++) look(index);
        });
        for (const scale of [-3, 2]) {
          core.setScales(noScales.map((_, other) => (other === grid ? scale : 0)));
          expect((bitsOf(core) - before) / (foretold[8 + scale] - foretold[8])).toBeCloseTo(1, 6);
          core.setScales(noScales);
        }
      }
    });
  });

  test.each([
    [0.1, -1],
    [12, 1],
  ])('latents that vary by %f make a scale of sign %i', async (spread, sign) => {
    await withNoise(spread, async (core) => {
      const before = bitsOf(core);
      const scales = await fitScales(core, image, { side: patch, wanted: 24 }, async () => {});
      expect(Math.sign(scales[0])).toBe(sign);
      expect(bitsOf(core)).toBeLessThan(before - 32);
    });
  });

  test('a file says those of its latents', async () => {
    const { bytes, estimatedBytes } = await encodeDetailed(engineOfPackage(), image, { quality: 30 }, { estimate: estimateSegments });
    const header = parseHeader(bytes);
    const { scales } = parsePictureSection(header, parseSections(header, bytes));
    expect(scales).not.toEqual(noScales);
    expect(Math.abs(estimatedBytes / bytes.length - 1)).toBeLessThan(0.02);
    const scalesAt = async (effort: number): Promise<Scales> => {
      const file = await encode(image, { quality: 30, effort });
      return parsePictureSection(parseHeader(file), parseSections(parseHeader(file), file)).scales;
    };
    expect(await scalesAt(1)).toEqual(noScales);
    expect(await scalesAt(2)).not.toEqual(scales);
  });
});
