/** Finds and sets up onnxruntime-web, an optional peer, at the first call that needs it. */

import type * as OrtModule from 'onnxruntime-web/wasm';
import { TesseraError } from '../errors.js';
import { type OnnxruntimeOptions, onnxruntimeOptions } from './ort-options.js';

/** onnxruntime-web as imported. */
export type Ort = typeof OrtModule;

let ortPromise: Promise<Ort> | undefined;

/** Loads onnxruntime-web once. */
export function loadOrt(): Promise<Ort> {
  ortPromise ??= importOrt().catch((error: unknown) => {
    ortPromise = undefined;
    throw error;
  });
  return ortPromise;
}

async function importOrt(): Promise<Ort> {
  const settings = onnxruntimeOptions();
  const { library } = settings;
  let ort: Ort;
  try {
    ort = library === undefined ? await importByName() : await importFrom(library);
  } catch (cause) {
    throw new TesseraError('backendUnavailable', 'onnxruntime-web cannot be loaded; encoding and transform "ort" need it', { cause });
  }
  const { wasm } = ort.env;
  // One thread unless asked: more start workers from the bundle's own URL, and results may then differ in the last bit.
  wasm.numThreads = settings.numThreads ?? 1;
  if (settings.wasmPaths !== undefined) wasm.wasmPaths = settings.wasmPaths;
  if (settings.binary !== undefined) wasm.wasmBinary = settings.binary;
  return ort;
}

async function importByName(): Promise<Ort> {
  // On a server, the installed package is better than what a bundler made of it: Turbopack loses a part of it.
  if (typeof process === 'object' && process.versions?.node !== undefined) {
    const installed = await importFrom('onnxruntime-web/wasm').catch(() => undefined);
    if (installed !== undefined) return installed;
  }
  return import('onnxruntime-web/wasm');
}

async function importFrom(library: NonNullable<OnnxruntimeOptions['library']>): Promise<Ort> {
  if (typeof library === 'function') return (await library()) as Ort;
  const address = String(library);
  return await import(/* webpackIgnore: true */ /* turbopackIgnore: true */ /* @vite-ignore */ address);
}

let lastCreation: Promise<unknown> = Promise.resolve();

/** Creates a session, one at a time, with the precompiled module if one was given. */
export function createSession(ort: Ort, model: Uint8Array): Promise<OrtModule.InferenceSession> {
  const { device = 'wasm', module } = onnxruntimeOptions();
  const create = (): Promise<OrtModule.InferenceSession> => createOn(ort, model, device);
  const session = lastCreation.then(() => (module === undefined ? create() : withPrecompiled(ort, module, create)));
  lastCreation = session.catch(() => undefined);
  return session;
}

async function createOn(ort: Ort, model: Uint8Array, device: 'wasm' | 'webgpu' | 'auto'): Promise<OrtModule.InferenceSession> {
  const create = (provider: string): Promise<OrtModule.InferenceSession> =>
    ort.InferenceSession.create(model, { executionProviders: [provider] });
  if (!(await prefersGpu())) return create('wasm');
  return device === 'auto' ? create('webgpu').catch(() => create('wasm')) : create('webgpu');
}

/** Whether a GPU is to compute the analysis, as far as one can tell before trying. */
export async function prefersGpu(): Promise<boolean> {
  const { device = 'wasm' } = onnxruntimeOptions();
  return device === 'webgpu' || (device === 'auto' && (await hasGpu()));
}

let gpuFound: Promise<boolean> | undefined;

/** Whether the host has WebGPU with an adapter behind it; asked once, for every encode wants to know. */
function hasGpu(): Promise<boolean> {
  gpuFound ??= findGpu();
  return gpuFound;
}

async function findGpu(): Promise<boolean> {
  try {
    const { gpu } = navigator as { readonly gpu?: { requestAdapter(): Promise<unknown> } };
    return (await gpu?.requestAdapter()) != null;
  } catch {
    // No navigator, or no adapter.
    return false;
  }
}

/** "tessera!": no WebAssembly module begins like this. */
const marker = Uint8Array.of(0x74, 0x65, 0x73, 0x73, 0x65, 0x72, 0x61, 0x21);

/** onnxruntime-web may hand on a copy, so the bytes are compared. */
function isMarker(source: unknown): boolean {
  const bytes = source instanceof ArrayBuffer ? new Uint8Array(source) : source;
  return bytes instanceof Uint8Array && String(bytes.subarray(0, marker.length + 1)) === String(marker);
}

/**
 * onnxruntime-web takes no precompiled module, only bytes that it gives to `WebAssembly.instantiate`. It is given a marker for
 * bytes, and that function knows the marker while the session is created; other callers are not affected.
 */
async function withPrecompiled<Result>(ort: Ort, module: WebAssembly.Module, create: () => Promise<Result>): Promise<Result> {
  ort.env.wasm.wasmBinary = marker.slice();
  const original = WebAssembly.instantiate;
  const replacement = async (source: unknown, imports?: WebAssembly.Imports): Promise<unknown> =>
    isMarker(source) ? { module, instance: await original(module, imports) } : Reflect.apply(original, WebAssembly, [source, imports]);
  Reflect.set(WebAssembly, 'instantiate', replacement);
  try {
    return await create();
  } finally {
    Reflect.set(WebAssembly, 'instantiate', original);
  }
}
