/**
 * Everything that is coded comes back, and both sets of kernels say the same: more than 10^6 random symbols, 10^5 modes, 10^6
 * latents and 10^6 predictions per run. `ROUNDS=n` makes n times as many.
 */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseDecoderPack } from '../../src/models/pack.js';
import { conformanceDecoderFile } from '../conformance/files.js';
import { BareCore, emptyGrids, pictureSection } from '../conformance/harness.js';
import { conformancePackId } from '../conformance/pack.js';
import { drawLatent, drawModes, type LatentKind } from '../conformance/plans.js';
import { Random } from '../conformance/random.js';

const rounds = Math.max(1, Number(process.env.ROUNDS ?? 1));
const pack = parseDecoderPack(conformanceDecoderFile);
const limit = { timeout: 120_000 * rounds };
const laneCounts = [1, 2, 4, 8] as const;

/** Numbers of fast-check's choice, so that a failure is shrunk and its seed is printed. */
const seeds = fc.integer({ min: 0, max: 2 ** 32 - 1 });

/** A table of 1024 rows in which reach, order and frequencies are random, from even to as skewed as 32,768 slots allow. */
function randomTable(random: Random): { classes: Uint8Array; frequencies: Uint8Array } {
  const classes = Uint8Array.from({ length: 128 }, (_, index) => (index % 2 === 0 ? random.between(1, 31) : random.below(16)));
  const values: number[] = [];
  for (let index = 0; index < 64; index++) {
    const symbols = 2 * classes[2 * index] + 3;
    for (let row = 0; row < 9; row++) {
      const shares = new Array<number>(symbols).fill(1);
      let rest = 32_768 - symbols;
      for (let turn = random.below(3 * symbols); turn > 0; turn--) {
        const part = random.below(rest + 1) >> random.below(6);
        shares[random.below(symbols)] += part;
        rest -= part;
      }
      shares[random.below(symbols)] += rest;
      values.push(...shares);
    }
  }
  return { classes, frequencies: new Uint8Array(Uint16Array.from(values).buffer) };
}

describe('rANS', () => {
  const core = new BareCore();
  const { exports } = core;

  /** Codes random symbols of random rows and compares what comes back from either search. */
  function check(random: Random, count: number, lanes: number): void {
    const { classes, frequencies } = randomTable(random);
    const mark = exports.mark();
    expect(exports.loadTables(core.copyIn(classes), core.copyIn(frequencies))).toBe(0);
    const rows = Uint16Array.from({ length: count }, () => random.below(1024));
    const symbols = rows.map((row) => random.below(2 * classes[2 * (row >> 4)] + 3));
    const rowPointer = core.copyIn(new Uint8Array(rows.buffer));
    const capacity = 64 + 3 * count;
    const out = core.allocate(capacity);
    const decoded = core.allocate(2 * count);
    const length = exports.ransEncode(core.copyIn(new Uint8Array(symbols.buffer)), rowPointer, count, lanes, out, capacity);
    for (const simd of [0, 1]) {
      exports.useSimd(simd);
      core.bytes(decoded, 2 * count).fill(0);
      expect(exports.ransDecode(out, length, rowPointer, count, lanes, decoded)).toBe(0);
      expect(Buffer.compare(core.bytes(decoded, 2 * count), new Uint8Array(symbols.buffer))).toBe(0);
    }
    exports.release(mark);
  }

  test('10^6 symbols of random alphabets', limit, () => {
    fc.assert(
      fc.property(seeds, fc.constantFrom(...laneCounts), (seed, lanes) => check(new Random(seed), 50_000, lanes)),
      { numRuns: 20 * rounds },
    );
  });

  test('every length around the lane counts', limit, () => {
    for (const lanes of laneCounts) for (let count = 0; count <= 70; count += count < 20 ? 1 : 7) check(new Random(count), count, lanes);
  });
});

describe('mode maps', () => {
  test('10^5 modes under random priors, in every kind', limit, () => {
    const core = new BareCore();
    const { exports } = core;
    let modesChecked = 0;
    fc.assert(
      fc.property(seeds, fc.constantFrom(2, 4, 8), fc.constantFrom('random', 'runs', 'turns', 1), (seed, modes, pattern) => {
        const random = new Random(seed);
        const mark = exports.mark();
        const [columns, rows] = [random.between(1, 30), random.between(1, 30)];
        expect(exports.beginPicture(64 * columns, 64 * rows, 6, modes, 0)).toBe(0);
        const priors = core.copyIn(new Uint8Array(Uint16Array.from(randomPriors(random, modes)).buffer));
        const map = drawModes(random, pattern as 'random' | 'runs' | 'turns' | number, columns * rows, modes);
        for (const kind of [0, 1, 2]) {
          core.modes().set(map);
          const out = core.allocate(4096);
          const length = exports.encodeModeMap(kind, priors, out, 4096);
          if (kind === 2 && map.some((mode) => mode !== map[0])) {
            expect(length).toBe(-1);
            continue;
          }
          for (const simd of [0, 1]) {
            exports.useSimd(simd);
            core.modes().fill(255);
            expect(exports.decodeModeMap(out, length, priors)).toBe(0);
            expect(Buffer.compare(core.modes(), map)).toBe(0);
          }
        }
        modesChecked += map.length;
        exports.release(mark);
      }),
      { numRuns: 600 * rounds },
    );
    expect(modesChecked).toBeGreaterThan(100_000);
  });
});

/** Priors, bonuses and an increment whose weights add up to at most 65,535. */
function randomPriors(random: Random, modes: number): number[] {
  let rest = 65_535 - modes;
  const take = (times: number): number => {
    const value = Math.floor(random.below(rest + 1) / times) >> random.below(8);
    rest -= value * times;
    return value;
  };
  const increment = take(255 * modes);
  const bonuses = [0, 0, 0, 0].map(() => take(1));
  return [...Array.from({ length: modes }, () => 1 + take(1)), ...bonuses, increment];
}

describe('latents', () => {
  test('10^6 latents of every kind, escapes and the ends of int16 among them', limit, () => {
    const cores = [new BareCore(), new BareCore()];
    let latentsChecked = 0;
    const kinds = fc.constantFrom<LatentKind>('zero', 'sparse', 'noise', 'wide', 'escapes', 'alternating', 'largest', 'smallest');
    fc.assert(
      fc.property(seeds, kinds, (seed, kind) => {
        const random = new Random(seed);
        const [width, height] = [random.between(1, 300), random.between(1, 300)];
        const modes = random.pick(laneCounts);
        const patch = random.pick([64, 128, 256] as const);
        const header = {
          ...{ version: 0, width, height, modes, patch, lanes: random.pick(laneCounts), packId: conformancePackId, packHash: '' },
          ...{ anchor: random.below(pack.anchors), step: random.below(pack.steps.length) },
        };
        const grids = emptyGrids(width, height).map((grid, index) => grid.map((_, position) => drawLatent(random, kind, index, position)));
        const map = drawModes(random, 'random', Math.ceil(width / patch) * Math.ceil(height / patch), modes);
        const { coarse, tiles } = pictureSection(pack, { header, modes: map, map: modes === 1 ? 'none' : 'fixed', grids });
        cores.forEach((core, simd) => {
          const { exports } = core;
          const mark = exports.mark();
          exports.useSimd(simd);
          core.begin(pack, header);
          core.modes().set(map);
          [coarse, ...tiles].forEach((segment, index) => {
            expect(exports.decodeSegment(index, core.copyIn(segment), segment.length, header.lanes)).toBe(0);
          });
          grids.forEach((grid, index) => {
            expect(Buffer.compare(new Uint8Array(core.plane(index).slice().buffer), new Uint8Array(grid.buffer))).toBe(0);
          });
          exports.release(mark);
        });
        latentsChecked += grids.reduce((sum, grid) => sum + grid.length, 0);
      }),
      { numRuns: 60 * rounds },
    );
    expect(latentsChecked).toBeGreaterThan(1_000_000);
  });
});

describe('predictions', () => {
  test('10^6 positions, scalar and SIMD, every width from 1 to 40 and every codec', limit, () => {
    const core = new BareCore();
    const { exports } = core;
    const random = new Random(11);
    let positions = 0;
    const sizes = [...Array.from({ length: 40 }, (_, index) => index + 1), ...new Array<number>(22 * rounds).fill(227)];
    sizes.forEach((width, round) => {
      const height = width < 41 ? 60 : 200;
      const mark = exports.mark();
      const block = pack.decoders[round % 8][Math.floor(round / 8) % pack.anchors].bytes;
      const codec = exports.createCodec(core.copyIn(block));
      exports.setStep(16_384, random.between(-300, 300));
      const kind = random.pick<LatentKind>(['sparse', 'noise', 'wide', 'escapes', 'alternating']);
      const plane = Int16Array.from({ length: width * height }, (_, position) => drawLatent(random, kind, round % 7, position));
      // An odd number of samples further on, so that no row starts on a multiple of a vector.
      const pointer = core.allocate(2 * plane.length + 2) + 2;
      core.bytes(pointer, 2 * plane.length).set(new Uint8Array(plane.buffer));
      const results = [0, 1].map((simd) => {
        const rows = core.allocate(2 * plane.length);
        const integers = core.allocate(2 * plane.length);
        exports.useSimd(simd);
        expect(exports.contextRows(pointer, width, height, codec, rows, integers)).toBe(0);
        return Buffer.concat([core.bytes(rows, 2 * plane.length), core.bytes(integers, 2 * plane.length)]);
      });
      expect(results[0].equals(results[1]), `width ${width}, round ${round}`).toBe(true);
      positions += plane.length;
      exports.release(mark);
    });
    expect(positions).toBeGreaterThan(1_000_000);
  });
});
