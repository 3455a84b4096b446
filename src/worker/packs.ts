/**
 * Model packs of a codec in a worker. Addresses go to the worker, which fetches from them; everything else (own `fetch`, cache, files,
 * readers) stays with the client, which reads a file when the worker wants it. So do the neural models of the default pack: bundlers put
 * them beside the page's code, loaded when they are wanted, but would put them into the worker's script for good.
 */

import { TesseraError } from '../errors.js';
import { type ModelSource, type PackReader, readerOf } from '../models/source.js';
import type { ClientPack, Wish } from './protocol.js';

/** The client's packs, by numbers that the worker knows them by. */
export class ClientPacks {
  readonly #numbers = new WeakMap<object, number>();
  readonly #readers: PackReader[] = [];

  /** What the worker is told about a source. Addresses are made absolute: the worker's own base is its script. */
  describe(source: ModelSource): string | ClientPack {
    if (source instanceof URL) return source.href;
    if (typeof source === 'string') return typeof document === 'object' ? new URL(source, document.baseURI).href : source;
    let id = this.#numbers.get(source);
    if (id === undefined) {
      id = this.#readers.push(readerOf(source)) - 1;
      this.#numbers.set(source, id);
    }
    return { id, cached: this.#readers[id].cached === true };
  }

  /** Reads what the worker wants. */
  async read({ pack, name, hint }: Wish): Promise<Uint8Array> {
    if (pack !== undefined) return this.#readers[pack].read(name, hint);
    const bytes = await (await import('../generated/default-models.js')).defaultModelFile(name);
    if (bytes === undefined) throw new TesseraError('modelUnavailable', `the default model pack has no ${name}`);
    return bytes;
  }
}
