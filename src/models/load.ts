/**
 * Finds, checks and caches model packs.
 *
 * A file of a pack is used only after its SHA-256 matches the manifest: models are programs, and the wrong one must be
 * refused before any engine sees a byte. The network is used only when the caller gives a URL of that kind.
 */

import { TesseraError } from '../errors.js';
import { packageRoot } from '../package-root.js';
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
export function loadPack(source: ModelSource = new URL(defaultPackPath, packageRoot())): Promise<Pack> {
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
  // A copy for WebCrypto, which wants plain memory; the largest file of a pack is a few megabytes.
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', Uint8Array.from(bytes)));
  const sha256 = Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
  if (bytes.length !== expected.bytes || sha256 !== expected.sha256) {
    throw new TesseraError('modelMismatch', `${name} of the model pack ${manifest.name} is not the file that the manifest names`);
  }
  return bytes;
}

function readerOf(source: ModelSource): FileReader {
  if (source instanceof URL) return readerOfUrl(source, fetchOfHost);
  if (typeof source === 'string') return isUrl(source) ? readerOfUrl(new URL(source), fetchOfHost) : readerOfPath(source);
  if ('files' in source) {
    return async (name) => {
      const bytes = source.files[name];
      if (bytes === undefined) throw new TesseraError('modelUnavailable', `${name} is not among the files of the model pack`);
      return bytes;
    };
  }
  const { source: folder, fetch: own } = source;
  if (folder instanceof URL || isUrl(folder)) return readerOfUrl(new URL(folder), own);
  return readerOfPath(folder);
}

// Looked up at the call, not on import: hosts without `fetch` may still read packs from files.
const fetchOfHost: typeof fetch = (...request) => fetch(...request);

function isUrl(text: string): boolean {
  return /^[a-z][a-z0-9+.-]+:\/\//i.test(text);
}

function readerOfUrl(folder: URL, get: typeof fetch): FileReader {
  const base = new URL(folder);
  if (!base.pathname.endsWith('/')) base.pathname += '/';
  if (base.protocol === 'file:') return (name) => readLocal(new URL(name, base), name);
  return async (name) => {
    try {
      const response = await get(new URL(name, base));
      if (!response.ok) throw new Error(`status ${response.status}`);
      return new Uint8Array(await response.arrayBuffer());
    } catch (cause) {
      throw new TesseraError('modelUnavailable', `cannot fetch ${name} of the model pack from ${base.href}`, { cause });
    }
  };
}

function readerOfPath(folder: string): FileReader {
  return (name) => readLocal(`${folder.replace(/\/$/, '')}/${name}`, name);
}

async function readLocal(path: string | URL, name: string): Promise<Uint8Array> {
  try {
    const { readFile } = await import('node:fs/promises');
    return await readFile(path);
  } catch (cause) {
    throw new TesseraError('modelUnavailable', `cannot read ${name} of the model pack: ${String(path)}`, { cause });
  }
}
