// workerd from npm, with a Worker bundled as Cloudflare's tools do it: esbuild, their conditions, WebAssembly files as modules.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { build } from 'esbuild';
import { run } from './command.mjs';
import { ensureEngine } from './engines.mjs';

function configuration(folder, sockets) {
  const modules = readdirSync(folder)
    .sort((a, b) => Number(b === 'workerd.js') - Number(a === 'workerd.js'))
    .map((name) => `(name = "${name}", ${name.endsWith('.wasm') ? 'wasm' : 'esModule'} = embed "${name}")`);
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [${sockets.map((name) => `(name = "${name}", worker = .worker)`)}],
  sockets = [${sockets.map((name) => `(name = "${name}", address = "127.0.0.1:0", http = (), service = "${name}")`)}],
);
const worker :Workerd.Worker = (modules = [${modules}], compatibilityDate = "2026-08-01");
`;
}

/** Waits until the server listens. Returns the addresses of its sockets. */
async function listen(server, sockets) {
  const ports = {};
  let text = '';
  for await (const chunk of server.stdio[3]) {
    text += chunk;
    for (const line of text.split('\n').slice(0, -1)) {
      const event = JSON.parse(line);
      if (event.event === 'listen') ports[event.socket] = event.port;
    }
    if (sockets.every((name) => name in ports)) return sockets.map((name) => `http://127.0.0.1:${ports[name]}/`);
  }
  throw new Error('workerd has ended before it listened');
}

/**
 * Bundles a folder's workerd.js, and serves it while `use` runs.
 *
 * @param use - gets the addresses, each of a Worker of its own
 * @param workers - how many Workers; by default two with the same code: what one is refused leaves onnxruntime-web unusable in it
 */
export async function serveWorker(folder, use, workers = 2) {
  const sockets = Array.from({ length: workers }, (_, index) => `worker${index}`);
  const command = (await ensureEngine('workerd'))('workerd');
  const out = `${folder}/workerd`;
  rmSync(out, { recursive: true, force: true });
  mkdirSync(out);
  await build({
    absWorkingDir: folder,
    entryPoints: ['workerd.js'],
    outdir: out,
    bundle: true,
    format: 'esm',
    conditions: ['workerd', 'worker', 'browser'],
    loader: { '.wasm': 'copy' },
    logLevel: 'error',
  });
  writeFileSync(`${out}/config.capnp`, configuration(out, sockets));
  const server = spawn(command, ['serve', '--control-fd=3', 'config.capnp'], { cwd: out, stdio: ['ignore', 'inherit', 'pipe', 'pipe'] });
  let complaints = '';
  server.stderr.on('data', (chunk) => {
    complaints += chunk;
  });
  try {
    return await use(await listen(server, sockets));
  } catch (error) {
    throw new Error(`${error.message}\n${complaints}`);
  } finally {
    server.kill();
    await once(server, 'exit');
  }
}

export const workerdTarget = {
  name: 'workerd',
  run: ({ project }) =>
    serveWorker(project, async ([first, second]) => {
      const ask = async (address) => {
        const response = await fetch(address, { signal: AbortSignal.timeout(120_000) });
        const answer = await response.json();
        if (!response.ok) throw new Error(answer.error);
        return answer;
      };
      const { code, ...decoded } = await ask(`${first}without-module`);
      assert.equal(code, 'backendUnavailable', 'encoding without the module of onnxruntime-web');
      const outcome = await ask(`${second}with-module`);
      assert.equal(decoded.pixels, outcome.pixels);
      const about = await run((await ensureEngine('workerd'))('workerd'), ['--version'], { cwd: project });
      return { about: about.trim(), outcome };
    }),
};
