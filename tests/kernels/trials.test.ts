/** The part of the trials that every change goes through; `node scripts/trials.mjs` runs 10^6 cases a kernel and 10^7 symbols a coder. */

import { readdirSync, readFileSync } from 'node:fs';
import { beforeAll, describe, expect, test } from 'vitest';
import { fromRoot } from '../helpers.js';
import { compileTrials, openTrials, type Trial } from './trials.js';

const counts = { cases: 20_000, symbols: 1_000_000, modes: 300_000, samples: 1_000_000 } as const;
const names = [
  ...['findSymbol', 'largestOf', 'predict', 'doubleAlongX', 'doubleAlongY', 'filterAlongX', 'filterAlongY', 'dequantise', 'doublePair'],
  ...['packFeatures', 'pointwise', 'residualRelu', 'residualPixels', 'meanOfRow'],
  ...[
    'rowError',
    'hiddenUnits',
    'rings',
    'addSamples',
    'refine/halveAlongX',
    'refine/halveAlongY',
    'refine/pointwise',
    'refine/residualRelu',
    'refine/residualError',
  ],
  ...['refine/residualGated', 'refine/residualPlain', 'refine/pointwiseBack', 'refine/dense RELU', 'refine/dense GATED'],
  ...[
    'refine/dense PLAIN',
    'refine/lastLayer',
    'refine/bendOfBits',
    'refine/colourSlopes',
    'refine/addTaps',
    'refine/noisyRound',
    'refine/adam',
  ],
  ...['rANS, alphabets of 2 to 256', 'mode maps of 2, 4 and 8 modes'],
  ...['alpha of two levels', 'alpha of any levels'],
];

let trials: Trial[];
beforeAll(() => {
  trials = openTrials(compileTrials());
});

describe('random cases', () => {
  test.each(names)('%s: no difference', (name) => {
    const trial = trials.find((other) => other.name === name) as Trial;
    expect(trial.run(20_261_121, counts[trial.unit])).toBe(0);
  });

  test('are all of the trials', () => {
    expect(trials.map(({ name }) => name)).toEqual(names);
  });
});

test('a kernel that is wrong is found: the trials compare what the twins really write', () => {
  // The same trials on a module whose SIMD doubling filter adds in another order, and whose coders of alpha forget a sign and a sample;
  // of the refinement, two sums in another order, which costs at most a last bit, a mask of another lane, and results behind a row.
  const code = compileTrials({
    'synthesis/kernels_simd.ts': (text) => text.replace('times(k3, second), times(k2, third)', 'times(k3, second), times(k3, third)'),
    'refine/pixel_kernels_simd.ts': (text) =>
      text.replace('times(k3, odds(second, secondEnd)), times(k2,', 'times(k2, odds(second, secondEnd)), times(k3,'),
    'refine/context_kernels_simd.ts': (text) =>
      text
        .replace(
          'plus(plus(sum, tapAt(t, row, 5, -1)), tapAt(t, row, 6, -2))',
          'plus(sum, plus(tapAt(t, row, 5, -1), tapAt(t, row, 6, -2)))',
        )
        .replace('i32x4(0, 1, 2, 3)), i32x4.splat(count)', 'i32x4(0, 1, 2, 2)), i32x4.splat(count)'),
    'refine/steps_kernels_simd.ts': (text) => text.replace('const whole = count & ~7;', 'const whole = (count + 7) & ~7;'),
    'alpha/levels.ts': (text) => text.replace('negative ? -magnitude : magnitude', 'magnitude'),
    'alpha/mask.ts': (text) => text.replace('store<u8>(row + <usize>x, <u8>bit);', 'if (x != 511) store<u8>(row + <usize>x, <u8>bit);'),
  });
  const broken = openTrials(code);
  expect(broken.find(({ name }) => name === 'doubleAlongX')?.run(1, 1000)).toBeGreaterThan(900);
  expect(broken.find(({ name }) => name === 'filterAlongX')?.run(1, 1000)).toBe(0);
  expect(broken.find(({ name }) => name === 'refine/halveAlongX')?.run(1, 1000)).toBeGreaterThan(800);
  expect(broken.find(({ name }) => name === 'refine/halveAlongY')?.run(1, 1000)).toBe(0);
  expect(broken.find(({ name }) => name === 'refine/addTaps')?.run(1, 1000)).toBeGreaterThan(100);
  expect(broken.find(({ name }) => name === 'refine/lastLayer')?.run(1, 1000)).toBeGreaterThan(50);
  expect(broken.find(({ name }) => name === 'refine/noisyRound')?.run(1, 1000)).toBeGreaterThan(800);
  expect(broken.find(({ name }) => name === 'alpha of any levels')?.run(1, 1_000_000)).toBeGreaterThan(10);
  expect(broken.find(({ name }) => name === 'alpha of two levels')?.run(1, 1_000_000)).toBeGreaterThan(0);
});

test('every SIMD kernel has a trial', () => {
  // Exported functions of files with vector instructions; a new one needs a twin and a trial.
  const files = readdirSync(fromRoot('assembly'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !file.startsWith('trials'))
    .filter((file) => /v128|i16x8|i32x4|f32x4|i8x16/.test(readFileSync(fromRoot(`assembly/${file}`), 'utf8')));
  // `memo.ts` is a part of the SIMD context model: what it remembers is compared with what the scalar twin computes. `vectors.ts` and
  // `refine/signs.ts` are notation, `refine/math.ts` a part of the kernels there. `refine/context.ts`, `refine/region.ts`, `refine/rows.ts`,
  // `refine/scratch.ts` and `refine/trade.ts` use vectors for both twins.
  const parts = [
    'context/memo.ts',
    'refine/context.ts',
    'refine/math.ts',
    'refine/region.ts',
    'refine/rows.ts',
    'refine/scratch.ts',
    'refine/signs.ts',
    'refine/trade.ts',
    'synthesis/vectors.ts',
  ];
  expect(files.toSorted()).toEqual(
    [
      ...['context/arm_simd.ts', 'entropy/largest.ts', 'entropy/search_simd.ts', 'select/distortion.ts', 'synthesis/kernels_simd.ts'],
      'select/gather_kernels_simd.ts',
      ...['synthesis/layers_simd.ts', 'synthesis/reduce_kernels_simd.ts', 'refine/context_kernels_simd.ts'],
      ...[
        'refine/float_layers_simd.ts',
        'refine/pixel_kernels_simd.ts',
        'refine/steps_kernels_simd.ts',
        'refine/trade_kernels_simd.ts',
        ...parts,
      ],
    ].toSorted(),
  );
  const kernels = files
    .filter((file) => !parts.includes(file))
    .flatMap((file) =>
      [...readFileSync(fromRoot(`assembly/${file}`), 'utf8').matchAll(/^export function (\w+)/gm)].map(
        ([, name]) => `${file.startsWith('refine/') ? 'refine/' : ''}${name.replace(/Simd$/, '')}`,
      ),
    );
  // A trial of a kind of kernel has the kind behind its name; `convolve` is a part of four kernels; those of a patch and its source add up rows or find them.
  const tried = new Set([
    ...names.map((name) => name.split(' ')[0]),
    'setSource',
    'sourceOfPatch',
    'observedError',
    'patchDistortion',
    'refine/convolve',
  ]);
  expect([...new Set(kernels)].filter((name) => !tried.has(name))).toEqual([]);
});
