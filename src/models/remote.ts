/** A model pack behind an address: the host's `fetch` or the caller's, download progress, and a cache of the caller's. */

import { concatenate } from '../container.js';
import { TesseraError } from '../errors.js';
import { mostManifestBytes } from './manifest.js';
import type { PackReader } from './source.js';

/** A folder with a pack, and how to fetch from it. */
export interface RemoteModels {
  /** Path or URL of the folder. */
  readonly source: string | URL;
  /** Used instead of the host's own. */
  readonly fetch?: typeof fetch;
  /**
   * Where downloaded files are kept, for example `await caches.open('tessera')`. Files are checked after reading them from there, too,
   * and fetched anew when they are not those of the manifest; the manifest itself is fetched first and cached for use offline.
   */
  readonly cache?: ModelCache;
  /** Called while a file is downloaded. */
  readonly onDownload?: (progress: Download) => void;
}

/** The part of the web's `Cache` that is used. */
export interface ModelCache {
  match(url: string): Promise<Response | undefined>;
  put(url: string, response: Response): Promise<void>;
}

/** `loaded` of `total` bytes of one file have arrived; `total` is missing where neither the manifest nor the server has said it. */
export interface Download {
  readonly name: string;
  readonly loaded: number;
  readonly total?: number;
}

// Looked up at the call, not on import: hosts without `fetch` may still read packs from files.
const fetchOfHost: typeof fetch = (...request) => fetch(...request);

/** Reads the files of a folder through the network. */
export class RemoteFolder implements PackReader {
  readonly #base: URL;
  readonly #models: RemoteModels;

  /** `base` ends with a slash. */
  constructor(base: URL, models: RemoteModels) {
    this.#base = base;
    this.#models = models;
  }

  get cached(): boolean {
    return this.#models.cache !== undefined;
  }

  async read(name: string, { bytes, again = false }: { readonly bytes?: number; readonly again?: boolean } = {}): Promise<Uint8Array> {
    const { cache } = this.#models;
    const { href } = new URL(name, this.#base);
    const fromCache = async (): Promise<Uint8Array | undefined> => {
      const response = await cache?.match(href);
      return response && new Uint8Array(await response.arrayBuffer());
    };
    // Nothing tells whether a kept manifest is still right, so that one is kept for want of a network only.
    const isManifest = name === 'manifest.json';
    if (!isManifest && !again) {
      const kept = await fromCache();
      if (kept !== undefined) return kept;
    }
    try {
      const fetched = await this.#fetch(href, name, bytes);
      await cache?.put(href, new Response(fetched));
      return fetched;
    } catch (cause) {
      const kept = isManifest ? await fromCache() : undefined;
      if (kept !== undefined) return kept;
      throw new TesseraError('modelUnavailable', `cannot fetch ${href}; \`models\` says where the model pack is`, { cause });
    }
  }

  async #fetch(href: string, name: string, expected: number | undefined): Promise<Uint8Array<ArrayBuffer>> {
    const { fetch: get = fetchOfHost, onDownload } = this.#models;
    const response = await get(href);
    if (!response.ok) throw new Error(`status ${response.status}`);
    const reader = response.body?.getReader();
    if (reader === undefined) return new Uint8Array(await response.arrayBuffer());
    const parts: Uint8Array<ArrayBuffer>[] = [];
    let loaded = 0;
    const report = (): void => onDownload?.({ name, loaded, ...(expected === undefined ? {} : { total: expected }) });
    report();
    // What goes on after its length is the wrong file, so the rest is left where it is: a server may never stop.
    for (let next = await reader.read(); !next.done && loaded <= (expected ?? mostManifestBytes); next = await reader.read()) {
      parts.push(next.value);
      loaded += next.value.length;
      report();
    }
    await reader.cancel();
    return concatenate(parts);
  }
}
