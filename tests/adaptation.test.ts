/** The adaptation of the synthesis to one picture: its section, what it does to weights, how it is found. */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodersOf, SynthesisView, unitsInUse } from '../src/adaptation/apply.js';
import { inverseOf, NormalEquations } from '../src/adaptation/normal.js';
import { solveInWholes } from '../src/adaptation/quantise.js';
import { type Adaptation, bitsOfChange, lastChanges, parseAdaptation, writeAdaptation } from '../src/adaptation/section.js';
import { engineOfPackage } from '../src/codec.js';
import { parseHeader, parseSections, writeHeader, writeSection } from '../src/container.js';
import { decodeFile, decodePartially } from '../src/decode.js';
import { encodeDetailed } from '../src/encode.js';
import { decode, encode } from '../src/index.js';
import { psnr, squaredError } from '../src/metrics.js';
import { loadPack } from '../src/models/load.js';
import type { PixelSource } from '../src/types.js';
import { Core, compileCore } from '../src/wasm.js';
import { crop, examples, randomNumbers, readPixels, sameBytes } from './helpers.js';

const { decoder: pack } = await loadPack();
const rate = { anchor: 4, step: 100 };
const units = unitsInUse(pack.decoders[0][rate.anchor]);
const zeros = (length: number): number[] => new Array<number>(length).fill(0);
const nothing = { exponent: 8, order: 0, changes: zeros(lastChanges) };

describe('the section', () => {
  const changes = (count: number) =>
    fc.record({
      exponent: fc.integer({ min: 0, max: 15 }),
      order: fc.integer({ min: 0, max: 7 }),
      changes: fc.array(fc.oneof(fc.integer({ min: -9, max: 9 }), fc.integer({ min: -4000, max: 4000 })), {
        minLength: count,
        maxLength: count,
      }),
    });
  const layer = (count: number, modes: number) =>
    modes === 1
      ? fc.tuple(changes(count))
      : fc.oneof(fc.tuple(changes(count)), fc.array(fc.option(changes(count), { nil: undefined }), { minLength: modes, maxLength: modes }));

  test.each([1, 2, 8] as const)('comes back as it was, %i codecs', (modes) => {
    fc.assert(
      fc.property(layer(3 * 5, modes), layer(lastChanges, modes), fc.integer({ min: 0, max: 2 }), (mixing, last, which) => {
        const adaptation: Adaptation = { ...(which !== 1 && { mixing }), ...(which !== 2 && { last }) };
        fc.pre(Object.values(adaptation).some((one) => one.some((entry: unknown) => entry !== undefined)));
        const read = parseAdaptation({ payload: writeAdaptation(adaptation, modes), offset: 0 }, modes, 5);
        for (const name of ['mixing', 'last'] as const) {
          const written = adaptation[name]?.some((entry) => entry !== undefined) ? adaptation[name] : undefined;
          expect(read[name]).toEqual(written);
        }
      }),
    );
  });

  test('has the bits that FORMAT.md says', () => {
    const payload = writeAdaptation({ last: [{ exponent: 5, order: 1, changes: [1, -1, 0, 3, ...zeros(26)] }] }, 1);
    // w2: 0; w4: 1, exponent 1010, order 100; then the codes 1, 2, 0, 5 with one bit each behind a prefix.
    const expected = `0 1 1010 100 01 1000 00 1011 ${'00 '.repeat(26)}`.replaceAll(' ', '');
    const bits = Array.from(payload, (byte) => byte.toString(2).padStart(8, '0').split('').reverse().join('')).join('');
    expect(bits).toBe(expected.padEnd(8 * payload.length, '0'));
    expect(expected.length).toBe(9 + [1, -1, 0, 3, ...zeros(26)].reduce((sum, change) => sum + bitsOfChange(change, 1), 0));
  });

  test('the length of a code', () => {
    expect([0, 1, -1, 2, -3, 4].map((change) => bitsOfChange(change, 0))).toEqual([1, 3, 3, 5, 5, 7]);
    expect([0, 1, -1, 2, -3].map((change) => bitsOfChange(change, 2))).toEqual([3, 3, 3, 3, 5]);
  });
});

describe('the weights', () => {
  const first = (adaptation: Adaptation): SynthesisView => new SynthesisView(decodersOf(pack, 1, rate, adaptation)[0].bytes);
  const plain = new SynthesisView(pack.decoders[0][rate.anchor].bytes);

  test('a change of a unit is in parts of its largest weight', () => {
    const changes = zeros(3 * units.length);
    changes[units.length + 2] = 4;
    const unit = units[2];
    const view = first({ mixing: [{ exponent: 6, order: 0, changes }] });
    expect(view.mixing(1, unit)).toBe(plain.mixing(1, unit) + Math.round((4 * plain.unitNorm(unit)) / 64));
    for (const output of [0, 2]) expect(view.mixing(output, unit)).toBe(plain.mixing(output, unit));
  });

  test('the pack stays as it is', () => {
    const bytes = pack.decoders[0][rate.anchor].bytes.slice();
    decodersOf(pack, 1, rate, { last: [{ ...nothing, changes: [20, ...zeros(29)] }] });
    expect(sameBytes(pack.decoders[0][rate.anchor].bytes, bytes)).toBe(true);
  });

  test('every mode has its own changes where the file says so', () => {
    const own = { ...nothing, changes: [9, ...zeros(29)] };
    const decoders = decodersOf(pack, 2, rate, { last: [undefined, own] });
    expect(sameBytes(decoders[0].bytes, pack.decoders[0][rate.anchor].bytes)).toBe(true);
    expect(sameBytes(decoders[1].bytes, pack.decoders[1][rate.anchor].bytes)).toBe(false);
  });
});

describe('least squares', () => {
  test('the inverse of a matrix', () => {
    expect([...inverseOf(Float64Array.of(4, 1, 1, 3), 2)].map((value) => Math.round(value * 11))).toEqual([3, -1, -1, 4]);
  });

  test('whole numbers: what one of them lost by rounding, the others make good', () => {
    const random = randomNumbers(5);
    const equations = new NormalEquations(2, 1);
    // Two inputs that are nearly the same: only the sum of their factors, 1, is certain.
    for (let index = 0; index < 400; index++) {
      const value = random() % 100;
      equations.add(Float64Array.of(value, value + (random() % 3)), Float64Array.of(value));
    }
    const solution = solveInWholes(equations, { exponents: [2], free: [], price: 1e-6, ridge: 1e-9 });
    const [a, b] = solution?.layer.changes ?? [];
    expect(a + b).toBe(4);
    expect(solution?.worth).toBeLessThan(-0.99 * equations.energy);
  });

  test('nothing where bits are dear', () => {
    const equations = new NormalEquations(1, 1);
    equations.add(Float64Array.of(1), Float64Array.of(1));
    expect(solveInWholes(equations, { exponents: [3], free: [], price: 10, ridge: 1e-4 })).toBeUndefined();
  });
});

describe('what the synthesis sees', () => {
  test('the same from both sets of kernels, and the pixels that come of it', async () => {
    const core = await Core.create(await compileCore());
    const [width, height, patch] = [150, 77, 64];
    core.begin(pack, { width, height, patch, modes: 2, lanes: 1, rate, storage: 'whole' });
    const random = randomNumbers(3);
    for (let grid = 0; grid < 7; grid++) core.plane(0, grid).set(core.plane(0, grid).map(() => (random() % 7) - 3));
    core.modes().set(core.modes().map((_, index) => index % 2));
    const wide = core.allocate(width * height * 4);
    for (let index = 0; index < core.modes().length; index++) {
      const column = index % 3;
      core.synthesisePatch(index, wide + 4 * (Math.floor(index / 3) * patch * width + column * patch), 4 * width);
    }
    const expected = core.bytes(wide, width * height * 4).slice();
    for (const [index, across, down] of [
      [0, 64, 64],
      [5, 22, 13],
    ] as const) {
      const both = [true, false].map((simd) => {
        core.useSimd(simd);
        const found: number[][] = [[], [], []];
        core.observePatch(index, (seen) => {
          expect([seen.width, seen.height]).toEqual([across, down]);
          found[0].push(...seen.pixels);
          const blocks = Math.ceil((across + 4) / 4);
          for (let y = 0; y < down; y++)
            for (let x = 0; x < across + 4; x++)
              for (let number = 0; number < 8; number++)
                found[1].push(seen.features[32 * (y * blocks + (x >> 2)) + 8 * (number >> 1) + 2 * (x & 3) + (number & 1)]);
          for (let y = 0; y < down + 2; y++)
            for (let x = 0; x < across + 2; x++) {
              const place = 2 * (2 * y * (across + 2) + x);
              found[2].push(seen.third[place], seen.third[place + 1], seen.third[place + 2 * (across + 2)]);
            }
        });
        return found;
      });
      core.useSimd(true);
      expect(both[1]).toEqual(both[0]);
      // The first number is what biases are multiplied by.
      expect(both[0][1].filter((_, number) => number % 8 === 0).every((factor) => factor === 16_384)).toBe(true);
      expect(new Set(both[0][2]).size).toBeGreaterThan(100);
      const [left, top] = [(index % 3) * patch, Math.floor(index / 3) * patch];
      for (let y = 0; y < down; y++) {
        const row = both[0][0].slice(4 * y * across, 4 * (y + 1) * across);
        const start = 4 * ((top + y) * width + left);
        expect(row).toEqual([...expected.subarray(start, start + 4 * across)]);
      }
    }
  });
});

describe('pictures', () => {
  const photograph = async (): Promise<PixelSource> => crop(await readPixels(examples[2].path), 0, 0, 380, 300);
  const sectionOf = (file: Uint8Array) => parseSections(parseHeader(file), file).find(({ tag }) => tag === 0);
  /** The same file without its adaptation. */
  const stripped = (file: Uint8Array): Uint8Array => {
    const header = parseHeader(file);
    const kept = parseSections(header, file).filter(({ tag }) => tag !== 0);
    const parts = [writeHeader({ ...header, sections: kept.length }), ...kept.map(({ tag, payload }) => writeSection(tag, payload))];
    return Uint8Array.from(parts.flatMap((part) => [...part]));
  };

  test.each([
    [30, 1],
    [75, 1],
    [75, 8],
  ] as const)('quality %i, %i codecs: worth its bytes', async (quality, modes) => {
    const image = await photograph();
    const effort = modes === 1 ? 2 : 6;
    const result = await encodeDetailed(engineOfPackage(), image, { quality, modes, effort });
    expect(sectionOf(result.bytes)?.payload.length).toBeGreaterThan(20);
    expect(result.adaptationBytes).toBe(result.bytes.length - stripped(result.bytes).length);
    const [adapted, plain] = [await decode(result.bytes), await decode(stripped(result.bytes))];
    const saved = (squaredError(image, plain) - squaredError(image, adapted)) / (3 * 255 ** 2);
    expect(saved).toBeGreaterThan(1.5 * 8 * result.adaptationBytes * result.lambda);
    expect(psnr(image, adapted)).toBeGreaterThan(psnr(image, plain) + 0.1);
  });

  test('onnxruntime computes with it too', async () => {
    const file = await encode(await photograph(), { quality: 60, effort: 2 });
    const [wasm, ort] = [await decode(file), await decode(file, { transform: 'ort' })];
    expect(wasm.data.reduce((most, level, index) => Math.max(most, Math.abs(level - ort.data[index])), 0)).toBeLessThanOrEqual(1);
  });

  test('a damaged one: what is left is shown and all of it named', async () => {
    const image = await photograph();
    const file = await encode(image, { quality: 60, effort: 2 });
    const bytes = file.slice();
    bytes[(sectionOf(file)?.offset as number) + 3] ^= 4;
    await expect(decode(bytes)).rejects.toMatchObject({ code: 'checksumMismatch' });
    const { picture, missing, damage } = await decodePartially(engineOfPackage(), bytes, {});
    expect(damage).toMatchObject([{ code: 'checksumMismatch' }]);
    expect(missing).toEqual([{ x: 0, y: 0, width: image.width, height: image.height }]);
    expect(sameBytes(picture.data, (await decodeFile(engineOfPackage(), stripped(file), {})).data)).toBe(true);
  });

  test('one that means nothing behind a right checksum is damage too, and can be lived with', async () => {
    const image = await photograph();
    const plain = stripped(await encode(image, { quality: 60, effort: 2 }));
    const header = parseHeader(plain);
    const kept = parseSections(header, plain).map(({ tag, payload }) => writeSection(tag, payload));
    const parts = [writeHeader({ ...header, sections: header.sections + 1 }), writeSection(0, Uint8Array.of(0)), ...kept];
    const bytes = Uint8Array.from(parts.flatMap((part) => [...part]));
    await expect(decode(bytes)).rejects.toMatchObject({ code: 'corruptSection' });
    const { picture, missing, damage } = await decodePartially(engineOfPackage(), bytes, {});
    expect(damage).toMatchObject([{ code: 'corruptSection' }]);
    expect(missing).toEqual([{ x: 0, y: 0, width: image.width, height: image.height }]);
    expect(sameBytes(picture.data, (await decode(plain)).data)).toBe(true);
  });

  test('a file that ends early is decoded with it', async () => {
    const file = await encode(await photograph(), { quality: 60, effort: 2 });
    const end = file.length - 1;
    const [{ picture, missing }, { picture: without }] = [
      await decodePartially(engineOfPackage(), file.subarray(0, end), {}),
      await decodePartially(engineOfPackage(), stripped(file).subarray(0, end), {}),
    ];
    expect(missing).toHaveLength(1);
    const whole = await decode(file);
    expect(squaredError(whole, picture)).toBeGreaterThan(0);
    expect(sameBytes(picture.data, without.data)).toBe(false);
  });
});
