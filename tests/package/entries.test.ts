/** The entries of the package: what is in their graphs, how large they are, and that importing them does nothing. */

import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import * as decoder from '../../src/decoder.js';
import { decode, encode } from '../../src/index.js';
import { sha256, sha256Hex } from '../../src/models/digest.js';
import { loadPack } from '../../src/models/load.js';
import { fromRoot, randomNumbers, sameBytes, synthetic } from '../helpers.js';
import { bundle, bundleOf, graphOf, loadedAtOnce, sizeAtOnce, without } from './bundles.js';

type Target = string | { readonly [condition: string]: string };
const { exports } = JSON.parse(readFileSync(fromRoot('package.json'), 'utf8')) as { exports: Record<string, Target> };
const kilobyte = 1024;
const sum = (sizes: Iterable<number>): number => [...sizes].reduce((total, size) => total + size, 0);

describe('package.json', () => {
  test('types come first and every file is there', () => {
    for (const [name, target] of Object.entries(exports)) {
      if (name.includes('*')) continue;
      const files = typeof target === 'string' ? [target] : Object.values(target);
      if (typeof target !== 'string') expect(Object.keys(target)[0], name).toBe('types');
      for (const file of files) expect(existsSync(fromRoot(file)), `${name}: ${file}`).toBe(true);
    }
  });

  test('hosts that compile nothing get the core as a module', () => {
    expect(exports['./edge']).toMatchObject({
      workerd: './build/edge.js',
      worker: './build/edge.js',
      'edge-light': './build/edge-light.js',
    });
    expect(readFileSync(fromRoot('build/edge.js'), 'utf8')).toMatch(/from\s*"\.\/codec\.wasm"/);
    expect(readFileSync(fromRoot('build/edge-light.js'), 'utf8')).toMatch(/from\s*"\.\/codec\.wasm\?module"/);
    expect(readFileSync(fromRoot('build/edge-light.js'), 'utf8')).toMatch(/from\s*"\.\/refine\.wasm\?module"/);
  });
});

test.each(['index', 'decode', 'entropy', 'worker', 'serve', 'pack', 'canvas', 'metadata'])('importing %s does nothing', (name) => {
  const script = `for (const name of ['WebAssembly', 'fetch', 'crypto', 'Worker', 'atob']) delete globalThis[name];
    console.log(Object.keys(await import(${JSON.stringify(fromRoot(`build/${name}.js`))})).length > 0);`;
  expect(execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' })).toBe('true\n');
});

describe('graphs', () => {
  test('./decode has neither onnxruntime nor the encoder', async () => {
    const graph = graphOf(await bundle('src/decoder.ts'));
    expect(graph).toContain('src/decode.ts');
    expect(graph.filter((path) => /onnxruntime|ort|encode|select|refine/.test(path))).toEqual([]);
  });

  test('refinement is loaded when an effort asks for it', async () => {
    for (const source of ['src/index.ts', 'src/edge.ts']) {
      const whole = await bundle(source);
      expect(graphOf(whole)).toContain('src/refine/refine.ts');
      expect(loadedAtOnce(whole, source)).toContain('src/encode.ts');
      expect(loadedAtOnce(whole, source).filter((path) => path.includes('refine'))).toEqual([]);
    }
  });

  test('./edge has the core once, as a module from outside', async () => {
    const graph = graphOf(await bundle('src/edge.ts'));
    expect(graph).toContain('./codec.wasm');
    expect(graph).toContain('src/encode.ts');
    expect(graph).toContain('./refine.wasm');
    expect(graph.filter((path) => /codec-wasm/.test(path))).toEqual([]);
  });

  test('./worker is a client alone; ./entropy has no pictures', async () => {
    const client = await bundle('src/worker/client.ts');
    expect(graphOf(client).filter((path) => /encode|codec-wasm|onnxruntime-web/.test(path))).toEqual([]);
    const [start] = [...client.files].filter(([path]) => path.endsWith('/client.js'));
    expect(start[1]).toBeLessThan(8 * kilobyte);
    expect(graphOf(await bundle('src/entropy.ts')).filter((path) => /encode|decode|onnxruntime|models\//.test(path))).toEqual([]);
  });

  test('bundlers see no module of Node', async () => {
    for (const source of ['src/index.ts', 'src/decoder.ts', 'src/worker/serve.ts'])
      expect(graphOf(await bundle(source)).filter((path) => path.startsWith('node:'))).toEqual([]);
  });
});

test('decode alone, taken from the default entry into one file, leaves encoder and neural models behind', async () => {
  const { text } = await bundleOf("export { decode } from './index.js';");
  const decoder = Math.ceil(statSync(fromRoot('models/tessera-1/decoder.bin')).size / 3) * 4;
  expect(text.length).toBeGreaterThan(decoder);
  expect(text.length - decoder).toBeLessThan(128 * kilobyte);
  expect((await bundleOf("export { encode } from './index.js';")).text.length).toBeGreaterThan(3000 * kilobyte);
});

describe('sizes after gzip', () => {
  test('./decode with the core: at most 60 KB; with the decoder of the default pack: at most 320 KB', async () => {
    expect(sum((await bundle('src/decoder.ts', [without(['default-pack'])])).files.values())).toBeLessThan(60 * kilobyte);
    expect(sum((await bundle('src/decoder.ts')).files.values())).toBeLessThan(320 * kilobyte);
  });

  test('the JavaScript of the default entry: at most 25 KB; with what encoding loads when it refines, at most 33', async () => {
    const whole = await bundle('src/index.ts', [without(['default-pack', 'default-models', 'codec-wasm', 'refine-wasm'])]);
    expect(sizeAtOnce(whole, 'src/index.ts')).toBeLessThan(25 * kilobyte);
    expect(sum(whole.files.values())).toBeLessThan(33 * kilobyte);
  });
});

describe('./decode', () => {
  test('decodes as the default entry does, and has no onnxruntime to offer', async () => {
    const image = synthetic(140, 90);
    const file = await encode(image, { quality: 30 });
    expect(sameBytes((await decoder.decode(file)).data, (await decode(file)).data)).toBe(true);
    expect(decoder.probe(file)).toMatchObject({ width: 140, height: 90 });
    await expect(decoder.decode(file, { transform: 'ort' })).rejects.toMatchObject({ code: 'backendUnavailable' });
    decoder.dispose();
    expect((await decoder.decode(new Blob([file]))).width).toBe(140);
  });

  test('the pack inside the code is that of the folder', async () => {
    const { defaultPackFile } = await import('../../src/generated/default-pack.js');
    for (const name of ['decoder.bin', 'manifest.json']) {
      const inlined = defaultPackFile(name);
      expect(inlined !== undefined && sameBytes(inlined, readFileSync(fromRoot(`models/tessera-1/${name}`))), name).toBe(true);
    }
    expect(defaultPackFile('toString')).toBeUndefined();
    expect((await loadPack()).manifest.name).toBe('tessera-1');
  });
});

describe('SHA-256 where a page has no WebCrypto', () => {
  test.each([0, 1, 55, 56, 63, 64, 65, 1000, 100_003])('%i bytes', async (length) => {
    const random = randomNumbers(length + 1);
    const bytes = Uint8Array.from({ length }, () => random());
    const expected = createHash('sha256').update(bytes).digest('hex');
    expect(Buffer.from(sha256(bytes)).toString('hex')).toBe(expected);
    expect(await sha256Hex(bytes)).toBe(expected);
  });
});

describe('who computes the analysis', () => {
  // In a process of its own, with an onnxruntime-web that only notes which provider it is asked for, and for which model.
  const { files } = JSON.parse(readFileSync(fromRoot('models/tessera-1/manifest.json'), 'utf8'));
  const providers = (device: string, adapter: boolean): string => {
    const script = `
      Object.defineProperty(globalThis, 'navigator', { value: { gpu: { requestAdapter: async () => (${adapter} ? {} : null) } } });
      const { configureOnnxruntime, encode } = await import(${JSON.stringify(fromRoot('build/index.js'))});
      const asked = [];
      const create = async (model, { executionProviders }) => {
        const files = Object.entries(${JSON.stringify(files)});
        const [name] = files.find(([, { bytes }]) => bytes === model.length);
        asked.push(executionProviders + ' ' + name.split('-')[0]);
        throw new Error('refused');
      };
      configureOnnxruntime({ device: '${device}', library: async () => ({ env: { wasm: {} }, InferenceSession: { create } }) });
      const image = { data: new Uint8ClampedArray(4).fill(255), width: 1, height: 1 };
      asked.push(await encode(image).catch((error) => error.code));
      console.log(asked.join(' '));`;
    return execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' }).trim();
  };

  test.each([
    ['wasm', true, 'wasm analysis backendUnavailable'],
    ['webgpu', false, 'webgpu float backendUnavailable'],
    ['auto', false, 'wasm analysis backendUnavailable'],
    ['auto', true, 'webgpu float wasm float backendUnavailable'],
  ])('device %s, adapter: %s', (device, adapter, expected) => {
    expect(providers(device, adapter)).toBe(expected);
  });
});

describe('hosts that compile no code from bytes', () => {
  // What workerd does to WebAssembly, in a process of its own: onnxruntime-web is set up once per process.
  const script = (configure: string): string => `
    import { readFileSync } from 'node:fs';
    const core = new WebAssembly.Module(readFileSync(${JSON.stringify(fromRoot('build/codec.wasm'))}));
    const runtime = new WebAssembly.Module(readFileSync(${JSON.stringify(fromRoot('node_modules/onnxruntime-web/dist/ort-wasm-simd-threaded.wasm'))}));
    const { instantiate } = WebAssembly;
    // Node's own fetch needs \`compile\`, so that one stays.
    const refuse = async () => { throw new WebAssembly.CompileError('code generation disallowed'); };
    WebAssembly.instantiate = (source, imports) => (source instanceof WebAssembly.Module ? instantiate(source, imports) : refuse());
    const { configureOnnxruntime, encode, init } = await import(${JSON.stringify(fromRoot('build/index.js'))});
    await init(core);
    ${configure}
    const data = Uint8ClampedArray.from({ length: 64 * 64 * 4 }, (_, i) => (i % 4 === 3 ? 255 : (i * 7) % 251));
    const options = { quality: 40, modes: 1, effort: 1 };
    const result = await encode({ data, width: 64, height: 64 }, options).then((bytes) => Buffer.from(bytes).toString('hex'), (error) => error.code);
    process.stdout.write(result);`;
  // The exit status is not looked at: the runtime's own glue leaves a rejected promise behind when it is refused.
  const run = (configure: string): string =>
    spawnSync(process.execPath, ['--input-type=module', '-e', script(configure)], { encoding: 'utf8' }).stdout;

  test('encode with the precompiled modules: the same file', async () => {
    const data = Uint8ClampedArray.from({ length: 64 * 64 * 4 }, (_, i) => (i % 4 === 3 ? 255 : (i * 7) % 251));
    const expected = await encode({ data, width: 64, height: 64 }, { quality: 40, modes: 1, effort: 1 });
    expect(run('configureOnnxruntime({ module: runtime });')).toBe(Buffer.from(expected).toString('hex'));
  });

  test('without the module of onnxruntime-web: backendUnavailable', () => {
    expect(run('')).toBe('backendUnavailable');
  });
});
