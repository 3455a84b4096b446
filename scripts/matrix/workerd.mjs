// workerd from npm, with a Worker bundled as Cloudflare's tools do it: esbuild, their conditions, WebAssembly files as modules.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { build } from 'esbuild';
import { run } from './command.mjs';
import { ensureEngine } from './engines.mjs';

/** Two Workers with the same code: what one is refused leaves onnxruntime-web unusable in it. */
function configuration(folder) {
  const modules = readdirSync(folder)
    .sort((a, b) => Number(b === 'workerd.js') - Number(a === 'workerd.js'))
    .map((name) => `(name = "${name}", ${name.endsWith('.wasm') ? 'wasm' : 'esModule'} = embed "${name}")`);
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "first", worker = .worker), (name = "second", worker = .worker)],
  sockets = [
    (name = "first", address = "127.0.0.1:0", http = (), service = "first"),
    (name = "second", address = "127.0.0.1:0", http = (), service = "second"),
  ],
);
const worker :Workerd.Worker = (modules = [${modules.join(', ')}], compatibilityDate = "2026-08-01");
`;
}

/** Starts the server. Returns its ports by the names of the sockets, once all listen. */
async function listen(server, names) {
  const ports = {};
  let text = '';
  for await (const chunk of server.stdio[3]) {
    text += chunk;
    for (const line of text.split('\n').slice(0, -1)) {
      const event = JSON.parse(line);
      if (event.event === 'listen') ports[event.socket] = event.port;
    }
    if (names.every((name) => name in ports)) return ports;
  }
  throw new Error('workerd has ended before it listened');
}

export const workerdTarget = {
  name: 'workerd',
  async run({ project }) {
    const command = (await ensureEngine('workerd'))('workerd');
    const folder = `${project}/workerd`;
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder);
    await build({
      absWorkingDir: project,
      entryPoints: ['workerd.js'],
      outdir: folder,
      bundle: true,
      format: 'esm',
      conditions: ['workerd', 'worker', 'browser'],
      loader: { '.wasm': 'copy' },
      logLevel: 'error',
    });
    writeFileSync(`${folder}/config.capnp`, configuration(folder));
    const server = spawn(command, ['serve', '--control-fd=3', 'config.capnp'], {
      cwd: folder,
      stdio: ['ignore', 'inherit', 'pipe', 'pipe'],
    });
    let complaints = '';
    server.stderr.on('data', (chunk) => {
      complaints += chunk;
    });
    try {
      const ports = await listen(server, ['first', 'second']);
      const ask = async (port, path) => {
        const response = await fetch(`http://127.0.0.1:${port}${path}`, { signal: AbortSignal.timeout(120_000) });
        const answer = await response.json();
        if (!response.ok) throw new Error(answer.error);
        return answer;
      };
      const { code, ...decoded } = await ask(ports.first, '/without-module');
      assert.equal(code, 'backendUnavailable', 'encoding without the module of onnxruntime-web');
      const outcome = await ask(ports.second, '/with-module');
      assert.equal(decoded.pixels, outcome.pixels);
      return { about: (await run(command, ['--version'], { cwd: folder })).trim(), outcome };
    } catch (error) {
      throw new Error(`${error.message}\n${complaints}`);
    } finally {
      server.kill();
      await once(server, 'exit');
    }
  },
};
