// How soon a file of 40 bytes that claims 65,535 × 65,535 pixels is refused, and what is allocated for it: node bench/speed/refusal.mjs
import { readFileSync } from 'node:fs';
import { ensureBuilt, ensureInstalled, fromRoot } from '../../scripts/setup.mjs';

ensureInstalled();
ensureBuilt();
const file = new Uint8Array(readFileSync(fromRoot('tests/corrupt/files/huge-65535.tsr')));
const { decode } = await import(fromRoot('build/index.js'));

async function refusal() {
  const start = performance.now();
  const { code } = await decode(file, { models: fromRoot('tests/conformance/pack') }).catch((error) => error);
  const time = performance.now() - start;
  if (code !== 'limitDimension') throw new Error(`refused with ${code}`);
  return time;
}

let compiled = 0;
const { compile, instantiate } = WebAssembly;
WebAssembly.compile = (...rest) => compile(...rest, compiled++);
WebAssembly.instantiate = (...rest) => instantiate(...rest, compiled++);
const before = process.memoryUsage().arrayBuffers;
const first = await refusal();
const times = [];
for (let round = 0; round < 1000; round++) times.push(await refusal());
times.sort((a, b) => a - b);
const bytes = process.memoryUsage().arrayBuffers - before;
console.log(
  `${file.length} bytes refused: first call ${first.toFixed(2)} ms, median ${times[500].toFixed(4)} ms, slowest ${times[999].toFixed(2)} ms`,
);
console.log(`WebAssembly modules compiled or started: ${compiled}; array buffers allocated: ${bytes} bytes`);
