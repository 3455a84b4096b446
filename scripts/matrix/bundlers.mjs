// Bundlers from npm, without configuration; what they make runs in Chromium.
import { spawn } from 'node:child_process';
import { copyFileSync, writeFileSync } from 'node:fs';
import { stripVTControlCharacters } from 'node:util';
import { openFolder, openPage } from './chromium.mjs';
import { run } from './command.mjs';
import { ensureEngine, versions } from './engines.mjs';
import { addPrograms } from './project.mjs';

/** A page that loads a script. */
function page(script, { module = true, globals } = {}) {
  const options = globals === undefined ? '' : `<script>Object.assign(globalThis, ${JSON.stringify(globals)});</script>`;
  return `<!doctype html><meta charset="utf-8"><title>matrix</title>${options}<script ${module ? 'type="module" ' : ''}src="${script}"></script>\n`;
}

/**
 * A bundler as a target.
 *
 * @param bundle - makes a folder with an index.html from a folder with page.js, and returns its path
 */
function bundler(name, bundle) {
  return {
    name,
    async run({ project }) {
      const program = await ensureEngine(name);
      const folder = `${project}/${name}`;
      await addPrograms(folder);
      const { about, outcome } = await openFolder(await bundle({ folder, project, program }));
      return { about: `${Object.values(versions[name])[0]}, Chromium ${about}`, outcome };
    },
  };
}

/** For bundlers that copy neither onnxruntime-web's WebAssembly file nor the worker: the user does, and says where they are. */
function placeRuntime(project, dist) {
  const file = 'ort-wasm-simd-threaded.wasm';
  copyFileSync(`${project}/node_modules/onnxruntime-web/dist/${file}`, `${dist}/${file}`);
  return { ortOptions: { wasmPaths: { wasm: `/${file}` } }, workerAddress: '/worker.js' };
}

/** Vite's server for development, which puts packages together in a way of its own. */
const viteServer = {
  name: 'vite-dev',
  async run({ project }) {
    const program = await ensureEngine('vite');
    const folder = `${project}/vite-dev`;
    await addPrograms(folder);
    writeFileSync(`${folder}/index.html`, page('/page.js'));
    const server = spawn(program('vite'), ['--host', '127.0.0.1', '--port', '0', '--clearScreen', 'false'], { cwd: folder });
    try {
      const address = await new Promise((resolve, reject) => {
        let output = '';
        server.stdout.on('data', (chunk) => {
          output += chunk;
          const found = /http:\/\/127\.0\.0\.1:\d+\//.exec(stripVTControlCharacters(output));
          if (found !== null) resolve(found[0]);
        });
        server.once('exit', () => reject(new Error(output)));
      });
      const { about, outcome } = await openPage(address);
      return { about: `${versions.vite.vite}, Chromium ${about}`, outcome };
    } finally {
      server.kill();
    }
  },
};

export const bundlers = [
  viteServer,
  bundler('esbuild', async ({ folder, project, program }) => {
    const dist = `${folder}/dist`;
    await run(program('esbuild'), ['page.js', 'worker.js', '--bundle', '--format=esm', `--outdir=${dist}`, '--log-level=error'], {
      cwd: folder,
    });
    writeFileSync(`${dist}/index.html`, page('page.js', { globals: placeRuntime(project, dist) }));
    return dist;
  }),
  bundler('vite', async ({ folder, program }) => {
    writeFileSync(`${folder}/index.html`, page('/page.js'));
    await run(program('vite'), ['build'], { cwd: folder });
    return `${folder}/dist`;
  }),
  bundler('webpack', async ({ folder, program }) => {
    await run(program('webpack'), ['--mode', 'production', '--entry', './page.js'], { cwd: folder });
    writeFileSync(`${folder}/dist/index.html`, page('main.js', { module: false }));
    return `${folder}/dist`;
  }),
  bundler('rollup', async ({ folder, project, program }) => {
    const dist = `${folder}/dist`;
    // Rollup resolves no names of packages by itself; this plugin is its way to.
    const resolver = program('../@rollup/plugin-node-resolve/dist/es/index.js');
    await run(program('rollup'), ['page.js', 'worker.js', '--dir', dist, '--format', 'es', '--plugin', resolver], { cwd: folder });
    writeFileSync(`${dist}/index.html`, page('page.js', { globals: placeRuntime(project, dist) }));
    return dist;
  }),
];
