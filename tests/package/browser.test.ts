/** The package in Chromium: in a page and in a module worker, straight from `build/` and bundled. Nothing leaves the page. */

import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { build } from 'esbuild';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { decode, encode } from '../../src/index.js';
import type { PixelSource } from '../../src/types.js';
import { crop, examples, fromRoot, readPixels, synthetic } from '../helpers.js';
import { type Server, serveRepository } from './server.js';

const executablePath = '/usr/bin/chromium';
const present = existsSync(executablePath);
if (!present) console.warn(`${executablePath} is not there (apt-get install chromium); the tests in the browser are skipped`);

const sha256 = (bytes: Uint8Array | Uint8ClampedArray): string => createHash('sha256').update(bytes).digest('hex');

/** What the pages have in common: the file, the hash of pixels in the page, and where bare names are. */
const prelude = `
  const file = async () => new Uint8Array(await (await fetch('/picture.tsr')).arrayBuffer());
  const hash = async (data) =>
    Array.from(new Uint8Array(await crypto.subtle.digest('SHA-256', data)), (byte) => byte.toString(16).padStart(2, '0')).join('');
  Object.assign(globalThis, { file, hash });`;
const importMap = JSON.stringify({
  imports: {
    'tessera-codec': '/build/index.js',
    'tessera-codec/decode': '/build/decode.js',
    'tessera-codec/worker': '/build/worker.js',
    'onnxruntime-web/wasm': '/node_modules/onnxruntime-web/dist/ort.wasm.bundle.min.mjs',
  },
});

/** What esbuild makes of a user's module, with the package found by its name. */
async function bundleOf(contents: string): Promise<string> {
  const { outputFiles } = await build({ stdin: { contents, resolveDir: fromRoot('') }, bundle: true, format: 'esm', write: false });
  return outputFiles[0].text;
}

describe.skipIf(!present)('Chromium', () => {
  let browser: Browser;
  let server: Server;
  let page: Page;
  let picture: PixelSource;
  let pixelHash: string;
  let highHash: string;
  /** Addresses that the page or its workers asked for, without the origin. */
  let requests: string[];
  const foreign: string[] = [];

  beforeAll(async () => {
    picture = crop(await readPixels(examples[2].path), 60, 40, 300, 200);
    const bytes = await encode(picture, { quality: 40 });
    pixelHash = sha256((await decode(bytes)).data);
    const high = await encode(synthetic(50, 1300), { modes: 1, effort: 1 });
    highHash = sha256((await decode(high)).data);
    const [bundled, worker] = await Promise.all([
      bundleOf("export { decode, probe } from 'tessera-codec/decode';"),
      bundleOf("import { serve } from 'tessera-codec/serve'; serve();"),
    ]);
    server = await serveRepository({
      'index.html': `<!doctype html><script type="importmap">${importMap}</script><script type="module">${prelude}</script>`,
      'picture.tsr': bytes,
      'high.tsr': high,
      'app/bundle.js': bundled,
      'app/worker.js': worker,
      'app/decode-in-worker.js': `${prelude}
        const AsyncFunction = (async () => {}).constructor;
        onmessage = async ({ data }) => postMessage(await new AsyncFunction(data + 'return result;')());`,
      'source.rgba': Uint8Array.from(picture.data),
    });
    browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
  });

  beforeAll(async () => {
    requests = [];
    const context = await browser.newContext();
    context.on('request', (request) => {
      const url = request.url();
      if (url.startsWith('blob:') || url.startsWith('data:')) return;
      if (url.startsWith(server.origin)) requests.push(url.slice(server.origin.length));
      else foreign.push(url);
    });
    page = await context.newPage();
  });

  /** Opens a fresh page and runs a module in it, which exports its result as `default`. */
  async function run<Result>(body: string): Promise<Result> {
    requests = [];
    await page.goto(`${server.origin}index.html`);
    await page.waitForFunction('typeof hash === "function"');
    return page.evaluate(`(async () => { ${body} })()`) as Promise<Result>;
  }

  /** Runs the same in a page or in a module worker; `body` sets `result`. */
  function runIn(place: string, body: string): Promise<unknown> {
    return run(
      place === 'page'
        ? `${body} return result;`
        : `const worker = new Worker('/app/decode-in-worker.js', { type: 'module' });
           return new Promise((resolve, reject) => {
             worker.onmessage = ({ data }) => resolve(data);
             worker.onerror = (event) => reject(new Error(event.message));
             worker.postMessage(${JSON.stringify(body)});
           });`,
    );
  }

  afterAll(async () => {
    await browser?.close();
    server?.close();
  });

  test('decode in a page, straight from build/: an ImageData with the committed pixels', async () => {
    const result = await run<{ hash: string; isImageData: boolean }>(`
      const { decode } = await import('tessera-codec');
      const picture = await decode(await file());
      return { hash: await hash(picture.data), isImageData: picture instanceof ImageData };`);
    expect(result).toEqual({ hash: pixelHash, isImageData: true });
    expect(requests.filter((path) => /onnx|ort|models/.test(path))).toEqual([]);
  });

  test('decode in a page, bundled by esbuild without configuration: nothing is fetched but the bundle and the file', async () => {
    const result = await run<string>(`
      const { decode } = await import('/app/bundle.js');
      return hash((await decode(await fetch('/picture.tsr'))).data);`);
    expect(result).toBe(pixelHash);
    expect(requests).toEqual(['index.html', 'app/bundle.js', 'picture.tsr']);
  });

  test.each([
    ['page', 'index'],
    ['page', 'decode'],
    ['worker', 'index'],
    ['worker', 'decode'],
  ])(
    'decode in a %s by build/%s.js: its code and the file are all that is asked for, without onnxruntime and neural models',
    async (place, entry) => {
      const body = `
      const { decode } = await import('/build/${entry}.js');
      const { data } = await decode(await fetch('/picture.tsr'));
      const result = await hash(data);`;
      const result = await runIn(place, body);
      expect(result).toBe(pixelHash);
      expect(requests).toContain('picture.tsr');
      expect(requests.filter((path) => !/^(index\.html|picture\.tsr|build\/[\w-]+\.js|app\/decode-in-worker\.js)$/.test(path))).toEqual([]);
      const code = requests.filter((path) => path.startsWith('build/')).map((path) => readFileSync(fromRoot(path), 'utf8'));
      expect(code.reduce((sum, text) => sum + text.length, 0)).toBeLessThan(500 * 1024);
      expect(foreign).toEqual([]);
    },
  );

  test('decode with a pack at an address relative to the page', async () => {
    const result = await run<string>(`
      const { decode } = await import('tessera-codec/decode');
      return hash((await decode(await file(), { models: 'models/tessera-1' })).data);`);
    expect(result).toBe(pixelHash);
    expect(requests).toContain('models/tessera-1/decoder.bin');
  });

  test('a worker: decode, abort, decode again, idle', async () => {
    const result = await run<{ hashes: string[]; code: string; running: boolean[] }>(`
      const { createWorkerCodec } = await import('tessera-codec/worker');
      const codec = createWorkerCodec();
      const running = [codec.running];
      const hashes = [await hash((await codec.decode(await file())).data)];
      running.push(codec.running);
      const controller = new AbortController();
      const aborted = codec.decode(await file(), { signal: controller.signal }).catch((error) => error.code);
      controller.abort();
      const code = await aborted;
      running.push(codec.running);
      hashes.push(await hash((await codec.decode(new Blob([await file()]))).data));
      codec.dispose();
      running.push(codec.running);
      return { hashes, code, running };`);
    expect(result).toEqual({ hashes: [pixelHash, pixelHash], code: 'aborted', running: [false, true, false, false] });
    expect(requests).toContain('build/worker-script.js');
    expect(requests.filter((path) => /onnx|models/.test(path))).toEqual([]);
  });

  test.each(['page', 'worker'])('several workers of a %s decode one picture', async (place) => {
    const body = `
      const { createWorkerCodec } = await import('/build/worker.js');
      let started = 0;
      const worker = () => {
        started++;
        return new Worker('/build/worker-script.js', { type: 'module' });
      };
      const codec = createWorkerCodec({ workers: 3, worker });
      const { data } = await codec.decode(await (await fetch('/high.tsr')).arrayBuffer());
      codec.dispose();
      const result = { hash: await hash(data), started };`;
    expect(await runIn(place, body)).toEqual({ hash: highHash, started: 3 });
  });

  test('encode in a page and in a bundled worker: the file that Node writes', async () => {
    const result = await run<{ files: number[][]; stages: string[] }>(`
      const { encode } = await import('tessera-codec');
      const { createWorkerCodec } = await import('tessera-codec/worker');
      const data = new Uint8ClampedArray(await (await fetch('/source.rgba')).arrayBuffer());
      const image = new ImageData(data, 300, 200);
      const options = { quality: 40, modes: 2, effort: 1 };
      const codec = createWorkerCodec({
        worker: () => new Worker('/app/worker.js', { type: 'module' }),
        onnxruntime: { wasmPaths: { wasm: location.origin + '/node_modules/onnxruntime-web/dist/ort-wasm-simd-threaded.wasm' } },
      });
      const stages = new Set();
      const inWorker = await codec.encode(image, {
        ...options, models: 'models/tessera-1/', onProgress: ({ stage }) => stages.add(stage),
      });
      codec.dispose();
      return { files: [[...await encode(image, options)], [...inWorker]], stages: [...stages] };`);
    const expected = await encode(picture, { quality: 40, modes: 2, effort: 1 });
    for (const file of result.files) expect(sha256(Uint8Array.from(file))).toBe(sha256(expected));
    expect(result.stages).toEqual(['model', 'analyse', 'select', 'code']);
  });

  test('nothing has left the page', () => {
    expect(foreign).toEqual([]);
  });
});
