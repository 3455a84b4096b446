/**
 * Finds, checks and caches model packs.
 *
 * A file of a pack is used only after its SHA-256 matches the manifest: models are programs, and the wrong one must be
 * refused before any engine sees a byte. The network is used only when the caller gives a URL of that kind, or encodes in a page
 * with the default pack: its decoder is inside the package's code, its analysis models lie beside it.
 */

import { TesseraError } from '../errors.js';
import { packageRoot } from '../package-root.js';
import { sha256Hex } from './digest.js';
import { type Manifest, parseManifest } from './manifest.js';
import { type DecoderPack, parseDecoderPack } from './pack.js';

/** Where a pack comes from: a folder (path or URL), the files themselves by name, or either with an own `fetch`. */
export type ModelSource = string | URL | ModelFiles | { readonly source: string | URL; readonly fetch: typeof fetch };

/** The files of a pack by name, `manifest.json` and `decoder.bin` at least. */
export interface ModelFiles {
  readonly files: Readonly<Record<string, Uint8Array>>;
}

/** A loaded pack. The ONNX models are read when they are first asked for. */
export interface Pack {
  readonly manifest: Manifest;
  readonly decoder: DecoderPack;
  /** First 8 bytes of the SHA-256 of decoder.bin, in hexadecimal: the identity that files carry. */
  readonly hash: string;
  /** Bytes of a file of the pack, checked; the same array at every call. */
  file(name: string): Promise<Uint8Array>;
}

/** Folder of the pack in this package. */
export const defaultPackPath = 'models/tessera-1/';

const cache = new Map<string, Promise<Pack>>();
const cacheOfFiles = new WeakMap<object, Promise<Pack>>();

/**
 * Loads a pack, once per source.
 *
 * @throws TesseraError `modelUnavailable`, `modelMismatch`, `corruptModel`
 */
export function loadPack(source?: ModelSource): Promise<Pack> {
  if (source === undefined) return remember(cache, '', () => load(readDefault));
  if (typeof source === 'object' && !(source instanceof URL)) return remember(cacheOfFiles, source, () => load(readerOf(source)));
  return remember(cache, String(source), () => load(readerOf(source)));
}

/** Keeps the promise of a load under a key, but not that of a failed one. */
function remember<Key>(
  map: { get(key: Key): Promise<Pack> | undefined; set(key: Key, value: Promise<Pack>): unknown; delete(key: Key): boolean },
  key: Key,
  start: () => Promise<Pack>,
): Promise<Pack> {
  const known = map.get(key);
  if (known !== undefined) return known;
  const promise = start();
  map.set(key, promise);
  promise.catch(() => map.delete(key));
  return promise;
}

type FileReader = (name: string) => Promise<Uint8Array>;

async function load(read: FileReader): Promise<Pack> {
  const manifest = parseManifest(new TextDecoder().decode(await read('manifest.json')));
  const pending = new Map<string, Promise<Uint8Array>>();
  const file = (name: string): Promise<Uint8Array> => {
    const promise = pending.get(name) ?? readChecked(read, manifest, name);
    pending.set(name, promise);
    promise.catch(() => pending.delete(name));
    return promise;
  };
  const decoder = parseDecoderPack(await file('decoder.bin'));
  if (decoder.id !== manifest.id || decoder.modes !== manifest.modes || decoder.anchors !== manifest.anchors) {
    throw new TesseraError('corruptModel', 'manifest.json and decoder.bin disagree on id, modes or anchors');
  }
  if (manifest.quality.some(([, step]) => step >= decoder.steps.length))
    throw new TesseraError('corruptModel', 'the quality table names a step that does not exist');
  return { manifest, decoder, hash: manifest.files['decoder.bin'].sha256.slice(0, 16), file };
}

async function readChecked(read: FileReader, manifest: Manifest, name: string): Promise<Uint8Array> {
  const expected = manifest.files[name];
  if (expected === undefined) throw new TesseraError('modelUnavailable', `the model pack ${manifest.name} has no ${name}`);
  const bytes = await read(name);
  const sha256 = await sha256Hex(bytes);
  if (bytes.length !== expected.bytes || sha256 !== expected.sha256) {
    throw new TesseraError('modelMismatch', `${name} of the model pack ${manifest.name} is not the file that the manifest names`);
  }
  return bytes;
}

/**
 * Reads the default pack: from the folder beside the code where that is on a disk, else what decoding needs from the code itself,
 * so that no bundler can lose it.
 */
async function readDefault(name: string): Promise<Uint8Array> {
  const root = packageRoot();
  const folder = root === undefined ? undefined : new URL(defaultPackPath, root);
  if (folder?.protocol === 'file:') {
    try {
      return await readLocal(new URL(name, folder), name);
    } catch (error) {
      const inlined = await inlinedFile(name);
      if (inlined === undefined) throw error;
      return inlined;
    }
  }
  const inlined = await inlinedFile(name);
  if (inlined !== undefined) return inlined;
  if (folder === undefined)
    throw new TesseraError('modelUnavailable', `${name} of the model pack has no address here; give it with \`models\``);
  return fetchFile(new URL(name, folder), name, fetchOfHost);
}

async function inlinedFile(name: string): Promise<Uint8Array | undefined> {
  const { defaultPackFile } = await import('../generated/default-pack.js');
  return defaultPackFile(name);
}

function readerOf(source: ModelSource): FileReader {
  if (source instanceof URL) return readerOfUrl(source, fetchOfHost);
  if (typeof source === 'string') return readerOfText(source, fetchOfHost);
  if ('files' in source) {
    return async (name) => {
      const bytes = source.files[name];
      if (bytes === undefined) throw new TesseraError('modelUnavailable', `${name} is not among the files of the model pack`);
      return bytes;
    };
  }
  const { source: folder, fetch: own } = source;
  return folder instanceof URL ? readerOfUrl(folder, own) : readerOfText(folder, own);
}

// Looked up at the call, not on import: hosts without `fetch` may still read packs from files.
const fetchOfHost: typeof fetch = (...request) => fetch(...request);

/** A URL, or in a page or its workers an address relative to it, or else a path. */
function readerOfText(text: string, get: typeof fetch): FileReader {
  if (/^[a-z][a-z0-9+.-]+:\/\//i.test(text)) return readerOfUrl(new URL(text), get);
  const inBrowser = typeof document === 'object' || typeof Reflect.get(globalThis, 'WorkerGlobalScope') === 'function';
  if (inBrowser && typeof location === 'object') return readerOfUrl(new URL(text, location.href), get);
  return (name) => readLocal(`${text.replace(/\/$/, '')}/${name}`, name);
}

function readerOfUrl(folder: URL, get: typeof fetch): FileReader {
  const base = new URL(folder);
  if (!base.pathname.endsWith('/')) base.pathname += '/';
  if (base.protocol === 'file:') return (name) => readLocal(new URL(name, base), name);
  return (name) => fetchFile(new URL(name, base), name, get);
}

async function fetchFile(address: URL, name: string, get: typeof fetch): Promise<Uint8Array> {
  try {
    const response = await get(address);
    if (!response.ok) throw new Error(`status ${response.status}`);
    return new Uint8Array(await response.arrayBuffer());
  } catch (cause) {
    throw new TesseraError(
      'modelUnavailable',
      `cannot fetch ${name} of the model pack from ${address.href}; \`models\` says where the pack is`,
      { cause },
    );
  }
}

async function readLocal(path: string | URL, name: string): Promise<Uint8Array> {
  try {
    // A variable hides the module from bundlers for the web, which refuse it although it is never reached there.
    const fileModule = 'node:fs/promises';
    const { readFile }: typeof import('node:fs/promises') = await import(/* webpackIgnore: true */ /* @vite-ignore */ fileModule);
    return await readFile(path);
  } catch (cause) {
    throw new TesseraError('modelUnavailable', `cannot read ${name} of the model pack: ${String(path)}`, { cause });
  }
}
