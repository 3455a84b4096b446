/** The adaptation of the synthesis to one picture: its section, what it does to weights, how it is found. */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { adaptationOf, decodersOf, SynthesisView, unitsInUse, weightsOf } from '../src/adaptation/apply.js';
import { splitPatches } from '../src/adaptation/cluster.js';
import { solveLayer } from '../src/adaptation/layer.js';
import { type Factors, inverseOf, NormalEquations } from '../src/adaptation/normal.js';
import { observeLast, observeMixing } from '../src/adaptation/observe.js';
import { solveInWholes } from '../src/adaptation/quantise.js';
import { type Adaptation, bitsOfChange, type Changes, lastChanges, parseAdaptation, writeAdaptation } from '../src/adaptation/section.js';
import { engineOfPackage } from '../src/codec.js';
import { parseHeader, parseSections, type Section, writeHeader, writeSection } from '../src/container.js';
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
  const layer = (count: number, modes: number): fc.Arbitrary<Changes> => {
    const all = fc.record({ all: changes(count) });
    const each = fc.record({ each: fc.array(fc.option(changes(count), { nil: undefined }), { minLength: modes, maxLength: modes }) });
    return modes === 1
      ? all
      : fc.oneof(
          all,
          each,
          fc.tuple(all, each).map(([first, second]) => ({ ...first, ...second })),
        );
  };

  test.each([1, 2, 8] as const)('comes back as it was, %i codecs', (modes) => {
    fc.assert(
      fc.property(layer(3 * 5, modes), layer(lastChanges, modes), fc.integer({ min: 0, max: 2 }), (mixing, last, which) => {
        const adaptation: Adaptation = { ...(which !== 1 && { mixing }), ...(which !== 2 && { last }) };
        const says = (layer: Changes | undefined): boolean => layer?.all !== undefined || !!layer?.each?.some((one) => one);
        fc.pre(says(adaptation.mixing) || says(adaptation.last));
        const read = parseAdaptation({ payload: writeAdaptation(adaptation, modes), offset: 0 }, modes, 5);
        for (const name of ['mixing', 'last'] as const) expect(read[name]).toEqual(says(adaptation[name]) ? adaptation[name] : undefined);
      }),
    );
  });

  test('has the bits that FORMAT.md says', () => {
    const payload = writeAdaptation({ last: { all: { exponent: 5, order: 1, changes: [1, -1, 0, 3, ...zeros(26)] } } }, 1);
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
  const first = (adaptation: Adaptation): SynthesisView => new SynthesisView(decodersOf(pack, [0], rate, adaptation)[0].bytes);
  const plain = new SynthesisView(pack.decoders[0][rate.anchor].bytes);

  test('a change of a unit is in parts of its largest weight', () => {
    const changes = zeros(3 * units.length);
    changes[units.length + 2] = 4;
    const unit = units[2];
    const view = first({ mixing: { all: { exponent: 6, order: 0, changes } } });
    expect(view.mixing(1, unit)).toBe(plain.mixing(1, unit) + Math.round((4 * plain.unitNorm(unit)) / 64));
    for (const output of [0, 2]) expect(view.mixing(output, unit)).toBe(plain.mixing(output, unit));
  });

  test('the pack stays as it is', () => {
    const bytes = pack.decoders[0][rate.anchor].bytes.slice();
    decodersOf(pack, [0], rate, { last: { all: { ...nothing, changes: [20, ...zeros(29)] } } });
    expect(sameBytes(pack.decoders[0][rate.anchor].bytes, bytes)).toBe(true);
  });

  test('every mode has its own changes where the file says so', () => {
    const own = { ...nothing, changes: [9, ...zeros(29)] };
    const decoders = decodersOf(pack, [0, 1, 0], rate, { last: { each: [undefined, own, own] } });
    expect(sameBytes(decoders[0].bytes, pack.decoders[0][rate.anchor].bytes)).toBe(true);
    expect(sameBytes(decoders[1].bytes, pack.decoders[1][rate.anchor].bytes)).toBe(false);
    const both = decodersOf(pack, [0, 0], rate, { last: { all: own, each: [undefined, own] } });
    expect(sameBytes(both[0].bytes, decoders[2].bytes)).toBe(true);
    const middle = (index: number): number => new SynthesisView(both[index].bytes).reach(3) - plain.reach(3);
    expect(middle(1)).toBe(2 * middle(0));
  });
});

describe('least squares', () => {
  /** Equations with one result, from samples. */
  const equationsOf = (samples: readonly { inputs: readonly number[]; result: number }[]): NormalEquations => {
    const count = samples[0].inputs.length;
    const sums: number[] = [];
    const put = (value: (sample: { inputs: readonly number[]; result: number }) => number): void => {
      const sum = samples.reduce((total, sample) => total + value(sample), 0);
      // Four parts, whatever they are.
      sums.push(sum, 0.5, 0.25, -0.75);
    };
    for (let i = 0; i < count; i++) for (let j = 0; j <= i; j++) put(({ inputs }) => inputs[i] * inputs[j]);
    for (let i = 0; i < count; i++) put(({ inputs, result }) => inputs[i] * result);
    put(({ result }) => result ** 2);
    return new NormalEquations(count, 1, Float32Array.from(sums));
  };
  const line = equationsOf([
    { inputs: [1, 1], result: 5 },
    { inputs: [2, 1], result: 7 },
    { inputs: [4, 1], result: 11 },
  ]);

  test('the inverse of a matrix', () => {
    expect([...inverseOf(Float64Array.of(4, 1, 1, 3), 2)].map((value) => Math.round(value * 11))).toEqual([3, -1, -1, 4]);
  });

  test('a line through its points, and what another one leaves', () => {
    expect([...line.solve(1e-9)[0]].map((value) => value.toFixed(4))).toEqual(['2.0000', '3.0000']);
    expect(line.errorOf([Float64Array.of(2, 3)])).toBeCloseTo(0, 6);
    expect(line.errorOf([Float64Array.of(2, 2)])).toBeCloseTo(3, 6);
    const rest = line.after([Float64Array.of(2, 2)]);
    expect(rest.energy).toBeCloseTo(3, 6);
    expect([...rest.solve(1e-9)[0]].map((value) => Math.abs(value).toFixed(4))).toEqual(['0.0000', '1.0000']);
  });

  test('whole numbers: what one of them lost by rounding, the others make good', () => {
    const random = randomNumbers(5);
    // Two inputs that are nearly the same: only the sum of their factors, 1, is certain.
    const equations = equationsOf(
      Array.from({ length: 400 }, () => {
        const value = random() % 100;
        return { inputs: [value, value + (random() % 3)], result: value };
      }),
    );
    const solution = solveInWholes(equations, { exponents: [2], free: [], price: 1e-6, ridge: 1e-9 });
    const [a, b] = solution?.layer.changes ?? [];
    expect(a + b).toBe(4);
    expect(solution?.worth).toBeLessThan(-0.99 * equations.energy);
    expect(solution?.factors[0]).toEqual(Float64Array.of(a / 4, b / 4));
    expect(equations.errorOf(solution?.factors ?? [])).toBeCloseTo(equations.energy + (solution?.error as number), 0);
  });

  test('nothing where bits are dear', () => {
    const equations = equationsOf([{ inputs: [1], result: 1 }]);
    expect(solveInWholes(equations, { exponents: [3], free: [], price: 10, ridge: 1e-4 })).toBeUndefined();
  });

  describe('clusters', () => {
    /** Patches whose results are `factor` times their input. */
    const patchOf = (factor: number): NormalEquations =>
      equationsOf([1, 2, 3, 5].map((value) => ({ inputs: [value, 1], result: factor * value })));
    const factors = [1, -1, 1, 1, 4, -1, 4, 1];
    const patches = factors.map(patchOf);

    test('patches that want the same changes come together, one number of clusters after the other', () => {
      const splits = splitPatches(
        patches,
        patches.map(() => 0),
        { first: 0, most: 4, price: 1e-3 },
      );
      expect(splits.map(({ codecs }) => codecs.length)).toEqual([1, 2, 3]);
      const [whole, , last] = splits;
      expect(whole.clusters).toEqual([0, 0, 0, 0, 0, 0, 0, 0]);
      // Same factor, same cluster.
      expect(new Set(last.clusters.map((cluster, patch) => `${cluster} ${factors[patch]}`)).size).toBe(3);
      expect(last.error).toBeLessThan(0.05 * whole.error);
    });

    test('patches of different codecs stay apart', () => {
      const codecs = [2, 2, 5, 5, 5, 2, 2, 5];
      for (const split of splitPatches(patches, codecs, { first: 5, most: 8, price: 1e-3 })) {
        // The first codec stays the first.
        expect(split.codecs[0]).toBe(5);
        expect(split.clusters.map((cluster) => split.codecs[cluster])).toEqual(codecs);
      }
    });

    test('where bits are dear, further clusters stay empty and are left out', () => {
      const splits = splitPatches(
        patches,
        patches.map(() => 0),
        { first: 0, most: 8, price: 1e6 },
      );
      expect(splits.at(-1)?.codecs).toEqual([0]);
    });
  });

  test('a layer: for all modes, for each, or both, by what is worth most', () => {
    const equations = [1, 1.5].map((factor) => equationsOf([40, 70, 90].map((value) => ({ inputs: [value], result: factor * value }))));
    const problem = { exponents: [4], free: [], ridges: [1e-9] };
    const shapeAt = (price: number): unknown => {
      const changes = solveLayer(equations, { ...problem, price }, () => true)?.changes;
      return { all: changes?.all?.changes, each: changes?.each?.map((one) => one?.changes) };
    };
    expect(shapeAt(1e9)).toEqual({});
    expect(shapeAt(1000)).toEqual({ all: [20] });
    expect(shapeAt(1)).toEqual({ each: [[16], [24]] });
    // What cannot be applied is left out.
    expect(solveLayer(equations, { ...problem, price: 1 }, ({ each }) => each === undefined)?.changes.all?.changes).toEqual([20]);
    expect(solveLayer(equations, { ...problem, price: 1 }, () => false)).toBeUndefined();
  });
});

describe('what the synthesis sees', () => {
  const [width, height, patch, columns] = [150, 77, 64, 3];

  async function opened(): Promise<Core> {
    const core = await Core.create(await compileCore());
    core.begin(pack, { width, height, patch, modes: 2, lanes: 1, rate, storage: 'whole' });
    const random = randomNumbers(3);
    // Levels around the middle: the coarse grids stay 0.
    for (let grid = 0; grid < 3; grid++) core.plane(0, grid).set(core.plane(0, grid).map(() => (random() % 3) - 1));
    core.modes().set(core.modes().map((_, index) => index % 2));
    return core;
  }

  const patches = [
    [0, 64, 64],
    [5, 22, 13],
  ] as const;

  test('its pixels are those of the patch', async () => {
    const core = await opened();
    for (const [index, across, down] of patches) {
      const pointer = core.allocate(across * down * 4);
      core.synthesisePatch(index, pointer, 4 * across);
      const expected = core.bytes(pointer, across * down * 4).slice();
      core.observePatch(index, (seen) => {
        expect([seen.width, seen.height]).toEqual([across, down]);
        expect(sameBytes(seen.pixels, expected)).toBe(true);
      });
    }
  });

  test.each([1, 3])('sums of one pixel in %i: the same from both sets of kernels, and what changes of weights do', async (spacing) => {
    const core = await opened();
    for (const [index, across, down] of patches) {
      const bytes = pack.decoders[0][rate.anchor].bytes;
      const view = new SynthesisView(bytes);
      const wanted = Uint8Array.from({ length: across * down * 4 }, (_, at) => (at * 37) & 255);
      // The patch's part of the target; the rest does not matter.
      const target = new Uint8Array(width * height * 4);
      const corner = 4 * ((index % columns) * patch + Math.floor(index / columns) * patch * width);
      for (let row = 0; row < down; row++) target.set(wanted.subarray(4 * row * across, 4 * (row + 1) * across), corner + 4 * row * width);
      core.setTarget(target, 1);
      core.modes().fill(0);
      const found = [true, false].map((simd) => {
        core.useSimd(simd);
        const all: NormalEquations[] = [];
        core.observePatch(index, (seen) => {
          for (const equations of [observeMixing(units, view, seen, spacing), observeLast(view, seen, spacing)]) all.push(equations);
        });
        return all;
      });
      core.useSimd(true);
      const numbersOf = (equations: NormalEquations): number[] => [
        equations.energy,
        ...[0, 1, 2].flatMap((output) => [...equations.results(output)]),
        ...equations.solver(1).products,
      ];
      expect(found[1].map(numbersOf)).toEqual(found[0].map(numbersOf));
      const [mixing, last] = found[0];
      expect([mixing.inputs, last.inputs]).toEqual([units.length, 10]);
      if (spacing > 1) continue;

      // Green a level higher by its bias: foretold exactly where no level is clamped, for all pixels of the patch.
      const errorAt = (): { error: number; inside: boolean } => {
        let [error, inside] = [0, true];
        core.observePatch(index, ({ pixels }) => {
          const groups = across - (across % 4);
          for (let at = 0; at < across * down; at++) {
            if (at % across >= groups) continue;
            for (let channel = 0; channel < 3; channel++) {
              error += (wanted[4 * at + channel] - pixels[4 * at + channel]) ** 2;
              inside &&= pixels[4 * at + channel] > 0 && pixels[4 * at + channel] < 254;
            }
          }
        });
        return { error, inside };
      };
      const samples = (across - (across % 4)) * down;
      const before = errorAt();
      core.observePatch(index, (seen) => {
        let error = 0;
        for (let at = 0; at < wanted.length; at++) if (at % 4 < 3) error += (wanted[at] - seen.pixels[at]) ** 2;
        expect(seen.squaredError()).toBe(error);
      });
      expect((last.energy * samples) / (across * down) / before.error).toBeCloseTo(1, 5);
      const higher = (output: number): Factors =>
        Array.from({ length: 3 }, (_, channel) => Float64Array.of(...zeros(9), channel === output ? 1 : 0));
      const changes = { ...nothing, changes: [...zeros(28), 8, 0] };
      core.adapt(weightsOf(pack, [0, 0], rate, { last: { all: changes } }));
      const after = errorAt();
      core.adapt(weightsOf(pack, [0, 0], rate));
      expect(before.inside && after.inside).toBe(true);
      expect((last.errorOf(higher(1)) * samples) / (across * down) / after.error).toBeCloseTo(1, 5);
      expect(Math.abs(after.error / before.error - 1)).toBeGreaterThan(0.001);
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

  test('levels do not come to depend much more on how features are rounded', async () => {
    // Flat colours and hard edges want large changes.
    const image = await readPixels(examples.find(({ path }) => path.includes('screen'))?.path as string);
    const file = await encode(image, { quality: 50, effort: 2 });
    const header = parseHeader(file);
    const sensitivityOf = (adaptation?: Adaptation): number =>
      new SynthesisView(decodersOf(pack, [0], header, adaptation)[0].bytes).sensitivity();
    const adaptation = adaptationOf(pack, [0], header, sectionOf(file) as Section);
    expect(sensitivityOf()).toBeCloseTo(1.02, 2);
    expect(sensitivityOf(adaptation)).not.toBe(sensitivityOf());
    expect(sensitivityOf(adaptation)).toBeLessThanOrEqual(1.3 * sensitivityOf());
    const double: Adaptation = { last: { all: { ...nothing, exponent: 0, changes: [0, 0, 0, 1, ...zeros(26)] } } };
    expect(sensitivityOf(double)).toBeCloseTo(sensitivityOf(), 9);
    const green: Adaptation = { last: { all: { ...nothing, exponent: 0, changes: [...zeros(12), 1, ...zeros(17)] } } };
    expect(sensitivityOf(green) / sensitivityOf()).toBeCloseTo(2, 2);
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
