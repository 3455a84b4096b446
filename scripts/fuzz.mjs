// Fuzzing: node scripts/fuzz.mjs --seed S --count N [--first K] [--target NAME] [--timeout SECONDS]
// Ends with 1 when a case traps, hangs, throws something untyped or says `internal`; the case is kept in tests/fuzz/regressions.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import { build } from 'esbuild';
import { ensureBuilt, ensureInstalled, fromRoot } from './setup.mjs';

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    count: { type: 'string', default: '20000' },
    first: { type: 'string', default: '0' },
    target: { type: 'string' },
    timeout: { type: 'string', default: '60' },
  },
});
const [seed, count, first, timeout] = ['seed', 'count', 'first', 'timeout'].map((name) => Number(values[name]));
for (const number of [seed, count, first])
  if (!Number.isSafeInteger(number) || number < 0) throw new Error('--seed, --count and --first are whole numbers');

ensureInstalled();
ensureBuilt();
// One folder below the root, like src/ and build/ themselves: src/package-root.ts and tests/helpers.ts rely on it.
const bundle = fromRoot('build', `fuzz-${process.pid}.mjs`);
await build({
  absWorkingDir: fromRoot(),
  entryPoints: ['tests/fuzz/worker.ts'],
  outfile: bundle,
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  external: ['sharp', 'onnxruntime-web', 'onnxruntime-web/wasm'],
  logLevel: 'warning',
});

const progress = new SharedArrayBuffer(8);
const current = new Float64Array(progress);
current[0] = -1;
const started = performance.now();
const worker = new Worker(bundle, { workerData: { seed, count, first, target: values.target, progress } });

let last = current[0];
let lastChange = performance.now();
const watch = setInterval(() => {
  if (current[0] !== last) {
    last = current[0];
    lastChange = performance.now();
  } else if (performance.now() - lastChange > timeout * 1000) {
    finish(`case ${last} has not ended after ${timeout} s; repeat it with --seed ${seed} --first ${last} --count 1`, 1);
  }
}, 1000);

worker.on('message', ({ text, findings }) => {
  const folder = fromRoot('tests/fuzz/regressions');
  if (findings.length > 0) mkdirSync(folder, { recursive: true });
  for (const { name, bytes } of findings) writeFileSync(`${folder}/${name}`, bytes);
  const seconds = (performance.now() - started) / 1000;
  finish(
    `${text}\nseed ${seed}, cases ${first} to ${first + count - 1}, ${seconds.toFixed(1)} s, ${findings.length} findings`,
    findings.length > 0 ? 1 : 0,
  );
});
worker.on('error', (error) => finish(`after case ${current[0]}: ${error.stack}`, 1));

async function finish(text, code) {
  clearInterval(watch);
  console.log(text);
  process.exitCode = code;
  await worker.terminate();
  rmSync(bundle, { force: true });
}
