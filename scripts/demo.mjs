// `npm run demo`: builds the page into build/demo and serves it on this machine. `--build` only builds; `--port N` chooses the port.
import { copyFileSync, cpSync, mkdirSync, rmSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { serveFolder } from './serve-folder.mjs';
import { ensureBuilt, ensureInstalled, fromRoot } from './setup.mjs';

const { values } = parseArgs({ options: { build: { type: 'boolean' }, port: { type: 'string', default: '8080' } } });

ensureInstalled();
ensureBuilt();
const { build } = await import('esbuild');
const folder = fromRoot('build/demo');
rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });
await build({
  absWorkingDir: fromRoot(),
  entryPoints: { main: 'demo/main.ts', worker: 'demo/worker.ts', avif: 'demo/avif.ts' },
  outdir: folder,
  bundle: true,
  minify: true,
  splitting: true,
  format: 'esm',
  target: 'es2022',
  logLevel: 'warning',
});
for (const name of ['index.html', 'style.css', 'icon.svg']) copyFileSync(fromRoot('demo', name), `${folder}/${name}`);
copyFileSync(fromRoot('node_modules/@jsquash/avif/codec/enc/avif_enc.wasm'), `${folder}/avif_enc.wasm`);
copyFileSync(fromRoot('node_modules/onnxruntime-web/dist/ort-wasm-simd-threaded.wasm'), `${folder}/ort-wasm-simd-threaded.wasm`);
cpSync(fromRoot('examples'), `${folder}/examples`, { recursive: true });
if (values.build) process.exit(0);

const { address } = await serveFolder(folder, Number(values.port));
console.log(address);
