// Next: the package in a client component in Chromium, in a route on the server, and in a route on the edge runtime.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync } from 'node:fs';
import { createServer } from 'node:net';
import { fromRoot } from '../setup.mjs';
import { openPage } from './chromium.mjs';
import { run } from './command.mjs';
import { packagesOf, versions } from './engines.mjs';
import { makeProject } from './project.mjs';

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

export const nextTarget = {
  name: 'next',
  async run({ folder, tarball }) {
    // Next wants itself and React in the project.
    const project = `${folder}/next`;
    await makeProject(project, tarball, packagesOf('next'));
    cpSync(fromRoot('tests/matrix/next'), project, { recursive: true });
    const program = `${project}/node_modules/.bin/next`;
    const env = { NEXT_TELEMETRY_DISABLED: '1' };
    await run(program, ['build'], { cwd: project, env, minutes: 8 });
    const port = await freePort();
    const server = spawn(program, ['start', '-p', String(port), '-H', '127.0.0.1'], { cwd: project, env: { ...process.env, ...env } });
    let output = '';
    const ready = new Promise((resolve, reject) => {
      for (const stream of [server.stdout, server.stderr]) {
        stream.on('data', (chunk) => {
          output += chunk;
          if (output.includes('Ready')) resolve();
        });
      }
      server.once('exit', () => reject(new Error(output)));
    });
    try {
      await ready;
      const address = `http://127.0.0.1:${port}/`;
      const ask = async (path) => {
        const response = await fetch(address + path, { signal: AbortSignal.timeout(120_000) });
        if (!response.ok) throw new Error(`/${path}: ${await response.text()}`);
        return response.json();
      };
      const { about, outcome } = await openPage(address);
      assert.deepEqual(await ask('server'), outcome, 'the route on the server');
      assert.equal((await ask('edge')).pixels, outcome.pixels, 'the route on the edge');
      return { about: `${versions.next.next}, Chromium ${about}`, outcome };
    } catch (error) {
      throw new Error(`${error.message}\n${output}`);
    } finally {
      server.kill();
    }
  },
};
