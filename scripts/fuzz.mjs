// Fuzzing: node scripts/fuzz.mjs --seed S --count N [--first K] [--target NAME] [--timeout SECONDS] [--record FILE]
// Ends with 1 when a case traps, hangs, throws something untyped or says `internal`; the case is kept in tests/fuzz/regressions.
// With --record the cases run in chunks, sums are kept in the file, and a run that was interrupted goes on where it was.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import { bundleOf, openRecord } from './record.mjs';
import { ensureBuilt, ensureInstalled, fromRoot } from './setup.mjs';

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    count: { type: 'string', default: '20000' },
    first: { type: 'string', default: '0' },
    target: { type: 'string' },
    timeout: { type: 'string', default: '60' },
    record: { type: 'string' },
  },
});
const [seed, count, first, timeout] = ['seed', 'count', 'first', 'timeout'].map((name) => Number(values[name]));
for (const number of [seed, count, first])
  if (!Number.isSafeInteger(number) || number < 0) throw new Error('--seed, --count and --first are whole numbers');
const chunk = values.record === undefined ? count : 20_000;

ensureInstalled();
ensureBuilt();
// One folder below the root, like src/ and build/ themselves: src/package-root.ts and tests/helpers.ts rely on it.
const bundle = fromRoot('build', `fuzz-${process.pid}.mjs`);
await bundleOf('tests/fuzz/worker.ts', bundle);

try {
  const record = openSums();
  const end = first + count;
  for (let from = first + (record?.entry.cases ?? 0); from < end; from += chunk) {
    const cases = Math.min(chunk, end - from);
    const start = performance.now();
    const { text, findings, tallies } = await runChunk(from, cases);
    const seconds = (performance.now() - start) / 1000;
    keepFindings(findings);
    if (findings.length > 0) process.exitCode = 1;
    console.log(`${text}\nseed ${seed}, cases ${from} to ${from + cases - 1}, ${seconds.toFixed(1)} s, ${findings.length} findings`);
    record?.add({ cases, seconds, findings: findings.length, tallies });
  }
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
} finally {
  rmSync(bundle, { force: true });
}

/** Runs some cases in a thread, and gives up when one of them does not end. */
function runChunk(from, cases) {
  const progress = new SharedArrayBuffer(8);
  const current = new Float64Array(progress);
  current[0] = -1;
  const worker = new Worker(bundle, { workerData: { seed, count: cases, first: from, target: values.target, progress } });
  let last = current[0];
  let lastChange = performance.now();
  return new Promise((resolve, reject) => {
    const watch = setInterval(() => {
      if (current[0] !== last) {
        last = current[0];
        lastChange = performance.now();
      } else if (performance.now() - lastChange > timeout * 1000) {
        settle(() =>
          reject(new Error(`case ${last} has not ended after ${timeout} s; repeat it with --seed ${seed} --first ${last} --count 1`)),
        );
      }
    }, 1000);
    const settle = (how) => {
      clearInterval(watch);
      how();
      worker.terminate();
    };
    worker.on('message', (report) => settle(() => resolve(report)));
    worker.on('error', (error) => settle(() => reject(new Error(`after case ${current[0]}: ${error.stack}`))));
  });
}

function keepFindings(findings) {
  const folder = fromRoot('tests/fuzz/regressions');
  if (findings.length > 0) mkdirSync(folder, { recursive: true });
  for (const { name, bytes } of findings) writeFileSync(`${folder}/${name}`, bytes);
}

/** The sums of this seed, first case and target: what an earlier run has left, or none. */
function openSums() {
  if (values.record === undefined) return undefined;
  const about = { seed, first, target: values.target ?? 'all' };
  const { entry, save } = openRecord(values.record, about, { cases: 0, seconds: 0, findings: 0, targets: {} });
  const add = ({ cases, seconds, findings, tallies }) => {
    entry.cases += cases;
    entry.seconds = Math.round(entry.seconds + seconds);
    entry.findings += findings;
    for (const [name, tally] of Object.entries(tallies)) {
      entry.targets[name] ??= { cases: 0, slowestMs: 0, timeOverSound: 0, outcomes: {} };
      const sum = entry.targets[name];
      sum.cases += tally.cases;
      sum.slowestMs = Math.max(sum.slowestMs, Number(tally.slowest.toFixed(1)));
      sum.timeOverSound = Math.max(sum.timeOverSound, Number(tally.ratio.toFixed(2)));
      for (const [outcome, times] of Object.entries(tally.outcomes)) sum.outcomes[outcome] = (sum.outcomes[outcome] ?? 0) + times;
    }
    save();
  };
  return { entry, add };
}
