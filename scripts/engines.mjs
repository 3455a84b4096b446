// The conformance vectors in every engine: node scripts/engines.mjs [--only NAME,…] [--record FILE]
// Mode map, latents and pixels of every vector must have the hashes of the JSON beside it: scalar and SIMD, in 1 and in 4 workers.
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';
import { inPage } from './matrix/chromium.mjs';
import { run } from './matrix/command.mjs';
import { ensureEngine } from './matrix/engines.mjs';
import { serveWorker } from './matrix/workerd.mjs';
import { openRecord } from './record.mjs';
import { ensureBuilt, ensureInstalled, fromRoot } from './setup.mjs';

const vectorFolder = fromRoot('tests/conformance/vectors');
const names = readdirSync(vectorFolder)
  .filter((file) => file.endsWith('.tsr'))
  .map((file) => file.slice(0, -4));

/** What every engine has to say. */
function statedHashes() {
  return Object.fromEntries(
    names.map((name) => {
      const { modeMap, latents, pixels } = JSON.parse(readFileSync(`${vectorFolder}/${name}.json`, 'utf8')).sha256;
      return [name, { modeMap, latents, pixels }];
    }),
  );
}

function jobOf(simd) {
  const base64 = (path) => readFileSync(path).toString('base64');
  return {
    pack: base64(fromRoot('tests/conformance/pack/decoder.bin')),
    vectors: names.map((name) => ({ name, file: base64(`${vectorFolder}/${name}.tsr`) })),
    simd,
  };
}

/** Node, Deno or Bun: `command` runs the program with the wanted number of workers. */
function host(name, program, args, version) {
  return {
    name,
    async prepare(folder) {
      const command = program === undefined ? process.execPath : (await ensureEngine(name))(program);
      const about = (await run(command, version, { cwd: folder })).trim();
      const hashes = async (simd, workers) => {
        const output = await run(command, [...args, 'host.mjs', 'codec.wasm', `job-${simd}.json`, String(workers)], {
          cwd: folder,
          minutes: 10,
        });
        return JSON.parse(output.trim().split('\n').at(-1));
      };
      return { about, measure: (use) => use(hashes) };
    },
  };
}

const print = 'console.log';
const denoFlags = ['run', '--no-config', '--allow-read', '--allow-env'];
export const engines = [
  host('here', undefined, [], ['-p', 'process.version']),
  ...[20, 22, 24].map((major) => host(`node${major}`, 'node', [], ['-p', 'process.version'])),
  host('deno', 'deno', denoFlags, ['eval', `${print}(Deno.version.deno)`]),
  host('bun', 'bun', ['run'], ['--version']),
  {
    name: 'chromium',
    prepare: async (folder) => ({
      about: 'the system’s',
      measure: (use) =>
        inPage(folder, async (tab, _requests, version) => {
          await tab.waitForFunction('globalThis.run !== undefined');
          await use((simd, workers) => tab.evaluate(`globalThis.run(${simd}, ${workers})`), version);
        }),
    }),
  },
  {
    name: 'workerd',
    async prepare(folder) {
      const about = (await run((await ensureEngine('workerd'))('workerd'), ['--version'], { cwd: folder })).trim();
      const ask = async (address, job) => {
        const response = await fetch(address, { method: 'POST', body: JSON.stringify(job), signal: AbortSignal.timeout(300_000) });
        const answer = await response.json();
        if (!response.ok) throw new Error(answer.error);
        return answer;
      };
      const measure = (use) =>
        serveWorker(
          folder,
          (addresses) =>
            use(async (simd, workers) => {
              const job = jobOf(simd);
              const shareOf = (index) => ({ ...job, vectors: job.vectors.filter((_, number) => number % workers === index) });
              return Object.assign(
                {},
                ...(await Promise.all(addresses.slice(0, workers).map((address, index) => ask(address, shareOf(index))))),
              );
            }),
          4,
        );
      return { about, measure };
    },
  },
];

/**
 * Lets engines decode the vectors, in all four ways.
 *
 * @param wanted - names of engines
 * @returns one line for each engine: what it is, how many vectors, and what differed
 */
export async function compareEngines(wanted, onResult = () => {}) {
  const folder = mkdtempSync(join(tmpdir(), 'tessera-engines-'));
  try {
    await prepareFolder(folder);
    const stated = statedHashes();
    const results = [];
    for (const engine of engines.filter(({ name }) => wanted.includes(name))) {
      const differences = [];
      let ways = 0;
      const { about, measure } = await engine.prepare(folder);
      let version = about;
      await measure(async (hashes, ownVersion) => {
        version = ownVersion ?? about;
        for (const simd of [false, true]) {
          for (const workers of [1, 4]) {
            ways++;
            const found = await hashes(simd, workers);
            for (const name of names) {
              for (const part of ['modeMap', 'latents', 'pixels']) {
                if (found[name]?.[part] !== stated[name][part])
                  differences.push(`${name}, ${part}, ${simd ? 'SIMD' : 'scalar'}, ${workers} workers`);
              }
            }
          }
        }
      });
      results.push({ engine: engine.name, version, vectors: names.length, ways, differences });
      onResult(results.at(-1));
    }
    return results;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Bundles the programs and writes the jobs. */
async function prepareFolder(folder) {
  mkdirSync(folder, { recursive: true });
  const options = { absWorkingDir: fromRoot('tests/engines'), bundle: true, format: 'esm', target: 'es2022', logLevel: 'error' };
  await build({ ...options, entryPoints: ['host.ts'], outfile: `${folder}/host.mjs`, platform: 'node' });
  await build({ ...options, entryPoints: ['page.ts', 'page-worker.ts'], outdir: folder });
  await build({ ...options, entryPoints: ['workerd.ts'], outdir: folder, external: ['./codec.wasm'] });
  copyFileSync(fromRoot('build/codec.wasm'), `${folder}/codec.wasm`);
  writeFileSync(
    `${folder}/index.html`,
    '<!doctype html><meta charset="utf-8"><title>engines</title><script type="module" src="page.js"></script>\n',
  );
  for (const simd of [false, true]) writeFileSync(`${folder}/job-${simd}.json`, JSON.stringify(jobOf(simd)));
  writeFileSync(`${folder}/job.json`, JSON.stringify(jobOf(true)));
}

if (process.argv[1] === fromRoot('scripts/engines.mjs')) {
  const { values } = parseArgs({ options: { only: { type: 'string' }, record: { type: 'string' } } });
  ensureInstalled();
  ensureBuilt();
  const all = engines.map(({ name }) => name).filter((name) => name !== 'here');
  const { entry, save } = openRecord(values.record, {}, { engines: {} });
  const results = await compareEngines(values.only?.split(',') ?? all, ({ engine, version, vectors, ways, differences }) => {
    console.log(`${engine} ${version}: ${vectors} vectors × ${ways} ways, ${differences.length} differences`);
    for (const difference of differences) console.log(`  ${difference}`);
    entry.engines[engine] = { version, vectors, ways, differences: differences.length };
    save();
  });
  if (results.some(({ differences }) => differences.length > 0)) process.exitCode = 1;
}
