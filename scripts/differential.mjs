// Both decoders on generated files: node scripts/differential.mjs [--seed S] [--count N] [--first K] [--record FILE]
// Ends with 1 when the library and the plain decoder of tests/differential read a file differently.
// With --record sums are kept in the file, and a run that was interrupted goes on where it was.
import { rmSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { bundleOf, openRecord } from './record.mjs';
import { ensureBuilt, ensureInstalled, fromRoot } from './setup.mjs';

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    count: { type: 'string', default: '10000' },
    first: { type: 'string', default: '0' },
    record: { type: 'string' },
  },
});
const [seed, count, first] = ['seed', 'count', 'first'].map((name) => Number(values[name]));
for (const number of [seed, count, first])
  if (!Number.isSafeInteger(number) || number < 0) throw new Error('--seed, --count and --first are whole numbers');
const chunk = 250;

ensureInstalled();
ensureBuilt();
const bundle = fromRoot('build', `differential-${process.pid}.mjs`);
await bundleOf('tests/differential/compare.ts', bundle);
const { compareDecoders } = await import(bundle);
rmSync(bundle);

const { entry, save } = openRecord(values.record, { seed, first }, { files: 0, pixels: 0, seconds: 0, differences: [] });
while (entry.files < count) {
  const start = performance.now();
  const { files, pixels, differences } = await compareDecoders(seed, first + entry.files, Math.min(chunk, count - entry.files));
  entry.files += files;
  entry.pixels += pixels;
  entry.seconds = Math.round(entry.seconds + (performance.now() - start) / 1000);
  entry.differences.push(...differences);
  save();
  console.log(`${entry.files} files, ${entry.pixels} pixels, ${entry.differences.length} differences`);
}
for (const difference of entry.differences) console.log(difference);
if (entry.differences.length > 0) process.exitCode = 1;
