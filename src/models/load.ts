/**
 * Finds, checks and caches model packs.
 *
 * A file of a pack is used only after its SHA-256 matches the manifest: models are programs, and the wrong one must be
 * refused before any engine sees a byte. The network is used only when the caller gives a URL of that kind: the default pack is
 * inside the package's code.
 */

import { TesseraError } from '../errors.js';
import { sha256Hex } from './digest.js';
import { type Manifest, parseManifest } from './manifest.js';
import { type DecoderPack, parseDecoderPack } from './pack.js';
import { type ModelSource, type PackReader, readDefault, readerOf } from './source.js';

export type { ModelFiles, ModelSource } from './source.js';

/** A loaded pack. The ONNX models are read when they are first asked for. */
export interface Pack {
  readonly manifest: Manifest;
  readonly decoder: DecoderPack;
  /** First 8 bytes of the SHA-256 of decoder.bin, in hexadecimal: the identity that files carry. */
  readonly hash: string;
  /** Bytes of a file of the pack, checked; the same array at every call. */
  file(name: string): Promise<Uint8Array>;
}

const cache = new Map<string, Promise<Pack>>();
const cacheOfFiles = new WeakMap<object, Promise<Pack>>();

/**
 * Loads a pack, once per source.
 *
 * @throws TesseraError `modelUnavailable`, `modelMismatch`, `corruptModel`
 */
export function loadPack(source?: ModelSource): Promise<Pack> {
  if (source === undefined) return remember(cache, '', () => load({ read: (name) => readDefault(name) }));
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

async function load(reader: PackReader): Promise<Pack> {
  const manifest = parseManifest(await reader.read('manifest.json'));
  const pending = new Map<string, Promise<Uint8Array>>();
  const file = (name: string): Promise<Uint8Array> => {
    const promise = pending.get(name) ?? readChecked(reader, manifest, name);
    pending.set(name, promise);
    promise.catch(() => pending.delete(name));
    return promise;
  };
  const decoder = parseDecoderPack(await file('decoder.bin'));
  if (decoder.id !== manifest.id || decoder.modes !== manifest.modes || decoder.anchors !== manifest.anchors) {
    throw new TesseraError('corruptModel', 'manifest.json and decoder.bin disagree');
  }
  if ([...manifest.quality, ...manifest.quickQuality].some(([, step]) => step >= decoder.steps.length))
    throw new TesseraError('corruptModel', 'a quality names a step that does not exist');
  return { manifest, decoder, hash: manifest.files['decoder.bin'].sha256.slice(0, 16), file };
}

async function readChecked(reader: PackReader, manifest: Manifest, name: string): Promise<Uint8Array> {
  const expected = manifest.files[name];
  if (expected === undefined) throw new TesseraError('modelUnavailable', `the model pack ${manifest.name} has no ${name}`);
  const isRight = async (bytes: Uint8Array): Promise<boolean> =>
    bytes.length === expected.bytes && (await sha256Hex(bytes)) === expected.sha256;
  const bytes = await reader.read(name, { bytes: expected.bytes });
  if (await isRight(bytes)) return bytes;
  if (reader.cached) {
    const anew = await reader.read(name, { bytes: expected.bytes, again: true });
    if (await isRight(anew)) return anew;
  }
  throw new TesseraError('modelMismatch', `${name} is not the file that the manifest of ${manifest.name} names`);
}
