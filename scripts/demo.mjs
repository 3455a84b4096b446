// `npm run demo`: builds the page into build/demo and serves it on this machine. `--build` only builds; `--port N` chooses the port.
import { copyFileSync, cpSync, mkdirSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname } from 'node:path';
import { parseArgs } from 'node:util';
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
  entryPoints: { main: 'demo/main.ts', worker: 'demo/worker.ts' },
  outdir: folder,
  bundle: true,
  minify: true,
  splitting: true,
  format: 'esm',
  target: 'es2022',
  logLevel: 'warning',
});
for (const name of ['index.html', 'style.css', 'icon.svg']) copyFileSync(fromRoot('demo', name), `${folder}/${name}`);
copyFileSync(fromRoot('node_modules/onnxruntime-web/dist/ort-wasm-simd-threaded.wasm'), `${folder}/ort-wasm-simd-threaded.wasm`);
cpSync(fromRoot('models/tessera-1'), `${folder}/models/tessera-1`, { recursive: true });
cpSync(fromRoot('examples'), `${folder}/examples`, { recursive: true });
if (values.build) process.exit(0);

const types = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.json': 'application/json',
  '.wasm': 'application/wasm',
};
const server = createServer(async (request, response) => {
  const { pathname } = new URL(request.url, 'http://localhost');
  // `URL` has already resolved any `..`, so the path cannot leave the folder.
  const path = pathname === '/' ? '/index.html' : decodeURIComponent(pathname);
  try {
    if (path.includes('..')) throw new Error('outside');
    const body = await readFile(`${folder}${path}`);
    response.writeHead(200, { 'content-type': types[extname(path)] ?? 'application/octet-stream', 'cache-control': 'no-cache' }).end(body);
  } catch {
    response.writeHead(404).end('not found');
  }
});
server.listen(Number(values.port), '127.0.0.1', () => {
  console.log(`http://127.0.0.1:${server.address().port}/`);
});
