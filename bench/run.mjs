// `npm run bench`: every table and the report, one after the other, into bench/results/.
//
//   npm run bench [-- NAME …]     only those whose names begin so: entropy, speed, speed/parts, rd, rd/map …
import { mkdirSync, rmSync } from 'node:fs';
import { fromRoot, runOrExit } from '../scripts/setup.mjs';

/** A picture of 24 megapixels, which memory.mjs encodes and the three after it decode; from the root, where all are started. */
const large = 'out/bench/large.tsr';
const runs = [
  ['entropy/main'],
  ['speed/main'],
  ['speed/refusal'],
  ['speed/memory', '--file', large],
  ['speed/parts', '--file', large],
  ['speed/abort', '--file', large],
  ['speed/workers', '--file', large],
  ['speed/plateau', '--host', 'node'],
  ['speed/plateau', '--host', 'worker'],
  ['rd/map'],
  ['rd/steps'],
  ['rd/main'],
];

mkdirSync(fromRoot('out/bench'), { recursive: true });
const wanted = process.argv.slice(2);
const isWanted = (name) => wanted.length === 0 || wanted.some((start) => name.startsWith(start));
// An old picture would be taken as it is.
if (isWanted('speed/memory')) rmSync(fromRoot(large), { force: true });
for (const [name, ...options] of runs.filter(([name]) => isWanted(name))) {
  console.error(`── ${[name, ...options].join(' ')} ──`);
  runOrExit(process.execPath, [fromRoot('bench', `${name}.mjs`), ...options]);
}
runOrExit(process.execPath, [fromRoot('scripts/figures.mjs'), '--write']);
