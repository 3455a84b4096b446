// Random trials: node scripts/trials.mjs [--seed S] [--cases N] [--symbols N] [--only TEXT] [--record FILE]
// N cases of every SIMD kernel against its scalar twin, N symbols through the rANS coder, the mode-map coder and those of alpha. Ends with 1 for a difference.
// With --only, the trials that have TEXT in their names.
import { rmSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { bundleOf, openRecord } from './record.mjs';
import { ensureBuilt, ensureInstalled, fromRoot } from './setup.mjs';

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    cases: { type: 'string', default: '1000000' },
    symbols: { type: 'string', default: '10000000' },
    only: { type: 'string', default: '' },
    record: { type: 'string' },
  },
});
const [seed, cases, symbols] = ['seed', 'cases', 'symbols'].map((name) => Number(values[name]));
const chunk = 100_000;

ensureInstalled();
ensureBuilt();
const bundle = fromRoot('build', `trials-${process.pid}.mjs`);
await bundleOf('tests/kernels/trials.ts', bundle);
const { compileTrials, openTrials } = await import(bundle);
rmSync(bundle);

const { entry, save } = openRecord(values.record, { seed }, { trials: {} });
for (const { name, unit, run } of openTrials(compileTrials())) {
  if (!name.includes(values.only)) continue;
  entry.trials[name] ??= { [unit]: 0, differences: 0, seconds: 0 };
  const sum = entry.trials[name];
  const count = unit === 'cases' ? cases : symbols;
  const start = performance.now();
  // Each chunk has a seed of its own, so that it can be repeated alone.
  while (sum[unit] < count) {
    const more = Math.min(chunk, count - sum[unit]);
    sum.differences += run((seed * 0x9e3779b1 + sum[unit]) >>> 0, more);
    sum[unit] += more;
  }
  sum.seconds = Math.round(sum.seconds + (performance.now() - start) / 1000);
  save();
  console.log(`${name}: ${sum[unit]} ${unit}, ${sum.differences} differences`);
  if (sum.differences > 0) process.exitCode = 1;
}
