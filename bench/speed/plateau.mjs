// Whether memory stays level: many cycles of encoding and decoding pictures of mixed sizes.
//
//   node bench/speed/plateau.mjs [--cycles 500] [--host node|worker] [--out FOLDER]
//
// `node`: in one process, the resident set and what JavaScript holds after a collection. `worker`: `tessera-codec/worker` in Chromium,
// the sum of the resident sets of all its processes. One picture in 25 has two megapixels; the core that it leaves behind is too
// large to be kept. The plateau is the largest value of the second fifth of the cycles; the last fifth may be 5 % above it.
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { fromRoot } from '../../scripts/setup.mjs';
import { environment, table, writeResult } from '../lib/environment.mjs';

const { values: options } = parseArgs({
  options: {
    cycles: { type: 'string', default: '500' },
    host: { type: 'string', default: 'node' },
    out: { type: 'string' },
  },
});
const cycles = Number(options.cycles);
const every = Math.max(1, Math.floor(cycles / 50));
const MiB = 2 ** 20;

/** The size of the picture of a cycle: sides from 16 to 768 in powers, and now and then 1600×1250. */
function sizeOf(cycle) {
  if (cycle % 25 === 7) return [1600, 1250];
  const side = (index) => Math.round(16 * 48 ** ((index * 0.6180339887) % 1));
  return [side(2 * cycle + 1), side(3 * cycle + 2)];
}

/** Slopes with some texture. Also used in the page, as text. */
function draw(width, height) {
  const data = new Uint8ClampedArray(width * height * 4);
  for (let i = 0; i < width * height; i++) {
    const x = i % width;
    const y = Math.floor(i / width);
    data.set([(x * 2 + y) & 255, 90 + ((x * 7 + y * 13) % 29), (y * 3) & 255, 255], 4 * i);
  }
  return { data, width, height };
}

async function inNode(report) {
  const { decode, encode } = await import('../../build/index.js');
  for (let cycle = 1; cycle <= cycles; cycle++) {
    const picture = draw(...sizeOf(cycle));
    await decode(await encode(picture, { quality: 40, modes: 2, effort: 4 }));
    if (cycle % every > 0) continue;
    // Twice: the first frees what only finalisers held.
    for (let round = 0; round < 2; round++) {
      globalThis.gc();
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    const { rss, heapUsed, external } = process.memoryUsage();
    report(cycle, { resident: rss / MiB, javascript: (heapUsed + external) / MiB });
  }
}

/** Resident set of a process and all below it. */
function residentTree(root) {
  const parents = new Map();
  for (const id of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const status = readFileSync(`/proc/${id}/status`, 'utf8');
      parents.set(Number(id), {
        parent: Number(/PPid:\s+(\d+)/.exec(status)[1]),
        kilobytes: Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0),
      });
    } catch {
      // The process has ended meanwhile.
    }
  }
  const isBelow = (id) => id === root || (parents.has(id) && parents.get(id).parent > 1 && isBelow(parents.get(id).parent));
  return [...parents].reduce((sum, [id, { kilobytes }]) => sum + (isBelow(id) ? kilobytes * 1024 : 0), 0);
}

async function inWorker(report) {
  const { chromium } = await import('playwright-core');
  const { serveFolder } = await import('../../scripts/serve-folder.mjs');
  const server = await serveFolder(fromRoot());
  const browserServer = await chromium.launchServer({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });
  const browser = await chromium.connect(browserServer.wsEndpoint());
  try {
    const page = await browser.newPage();
    await page.route('**/blank', (route) => route.fulfill({ contentType: 'text/html', body: '<!doctype html>' }));
    await page.goto(`${server.address}blank`);
    await page.evaluate(`(async () => {
      const { createWorkerCodec } = await import('/build/worker.js');
      const library = location.origin + '/node_modules/onnxruntime-web/dist/ort.wasm.bundle.min.mjs';
      const codec = createWorkerCodec({ onnxruntime: { library } });
      ${draw}
      globalThis.cycle = async (width, height) => {
        await codec.decode(await codec.encode(draw(width, height), { quality: 40, modes: 2, effort: 4 }));
      };
      // Aborts at a moment of the running call, and says how long the call went on after that.
      globalThis.abortAfter = async (delay) => {
        const controller = new AbortController();
        let fired;
        setTimeout(() => { fired = performance.now(); controller.abort(); }, delay);
        const aborted = await codec.encode(draw(1200, 900), { signal: controller.signal }).then(() => false, ({ code }) => code === 'aborted');
        return aborted ? performance.now() - fired : undefined;
      };
    })()`);
    for (let cycle = 1; cycle <= cycles; cycle++) {
      await page.evaluate(`cycle(${sizeOf(cycle)})`);
      if (cycle % every === 0) report(cycle, { resident: residentTree(browserServer.process().pid) / MiB });
    }
    const delays = [];
    for (let delay = 0; delay < 20; delay++) delays.push(await page.evaluate(`abortAfter(${delay * 100})`));
    return { abortMs: delays.filter((delay) => delay !== null && delay !== undefined) };
  } finally {
    await browser.close();
    await browserServer.close();
    server.close();
  }
}

if (options.host === 'node' && globalThis.gc === undefined) {
  const { status } = spawnSync(process.execPath, ['--expose-gc', ...process.argv.slice(1)], { stdio: 'inherit' });
  process.exit(status ?? 1);
}
const samples = [];
const report = (cycle, values) => {
  samples.push({ cycle, ...values });
  process.stderr.write(`\r${cycle} of ${cycles}: ${values.resident.toFixed(0)} MiB `);
};
const further = await (options.host === 'node' ? inNode : inWorker)(report);
process.stderr.write('\n');
const largest = (from, to) =>
  Math.max(...samples.filter(({ cycle }) => cycle > from * cycles && cycle <= to * cycles).map(({ resident }) => resident));
const rows = [0, 0.2, 0.4, 0.6, 0.8].map((from) => ({
  cycles: `${Math.round(from * cycles) + 1}–${Math.round((from + 0.2) * cycles)}`,
  'largest MiB': largest(from, from + 0.2).toFixed(0),
}));
console.log(table(['cycles', 'largest MiB'], rows));
const growth = largest(0.8, 1) / largest(0.2, 0.4);
console.log(`last fifth / second fifth: ${growth.toFixed(3)}`);
if (further !== undefined)
  console.log(`aborts in the worker: ${further.abortMs.length}, longest ${Math.max(...further.abortMs).toFixed(1)} ms`);
writeResult(`speed/plateau-${options.host}.json`, { environment: environment(), options, growth, samples, ...further }, options.out);
process.exitCode = growth <= 1.05 ? 0 : 1;
