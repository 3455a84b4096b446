/** `tessera-codec/serve`: the worker's side of `tessera-codec/worker`. */

import { beginEntry, decodeOf, encodeOf } from '../facade.js';
import { type PackReader, readDefault } from '../models/source.js';
import { ortSynthesis } from '../transforms/ort.js';
import { configureOnnxruntime } from '../transforms/ort-options.js';
import type { Progress, Rows } from '../types.js';
import { compileCore } from '../wasm.js';
import { type ClientPack, type Delivery, describeError, errorOf, type Reply, type Request, type Wish } from './protocol.js';
import { nodeThreads } from './threads.js';

/** Where messages come from and go to: a worker's global scope or a `MessagePort`. */
export interface ServePort {
  postMessage(message: unknown, transfer: Transferable[]): void;
  addEventListener(type: 'message', listener: (event: MessageEvent) => void): void;
  /** A `MessagePort` is silent until it is started. */
  start?(): void;
}

/** Where this worker's messages come and go: its own scope, or in Node a port. */
function ownPort(): ServePort {
  if (typeof postMessage === 'function') return globalThis as unknown as ServePort;
  return (nodeThreads()?.parentPort ?? globalThis) as unknown as ServePort;
}

/**
 * Answers the calls of a client on a port, by default those that reach this worker.
 * A worker file of your own needs nothing else: `import { serve } from 'tessera-codec/serve'; serve();`
 */
export function serve(port: ServePort = ownPort()): void {
  const server = new Server(port);
  port.addEventListener('message', ({ data }) => server.receive(data as Request | Delivery));
  port.start?.();
}

class Server {
  readonly #port: ServePort;
  readonly #packs = new Map<number, PackReader>();
  readonly #wishes = new Map<number, { resolve(bytes: Uint8Array): void; reject(error: Error): void }>();
  #nextWish = 0;
  readonly #entry = beginEntry({ compile: compileCore, otherSynthesis: ortSynthesis });
  readonly #encode = encodeOf(this.#entry, { read: (name) => readDefault(name, () => this.#wish(undefined, name, {})) });
  readonly #decode = decodeOf(this.#entry);

  constructor(port: ServePort) {
    this.#port = port;
  }

  receive(message: Request | Delivery): void {
    if ('wish' in message) this.#deliver(message);
    else this.#answer(message);
  }

  async #answer(request: Request): Promise<void> {
    const { id } = request;
    const send = (reply: Reply, transfer: Transferable[] = []): void => this.#port.postMessage(reply, transfer);
    const onProgress = (progress: Progress): void => send({ id, progress });
    // `postMessage` would copy all of the buffer that the rows are a view of.
    const onRows = (rows: Rows): void => {
      const data = rows.data.slice();
      send({ id, rows: { ...rows, data } }, [data.buffer]);
    };
    try {
      if (request.onnxruntime !== undefined) configureOnnxruntime(request.onnxruntime);
      const { models } = request;
      const common = { onProgress, ...(models === undefined ? {} : { models: this.#source(models) }) };
      if (request.call === 'encode') {
        const bytes = await this.#encode(request.image, { ...request.options, ...common });
        send({ id, bytes }, [bytes.buffer]);
      } else {
        const { partial, ...plain } = request.options;
        const options = { ...plain, ...common, ...(request.wantsRows ? { onRows } : {}) };
        const { picture, ...rest } =
          partial === true
            ? await this.#decode(request.bytes, { ...options, partial })
            : { picture: await this.#decode(request.bytes, partial === undefined ? options : { ...options, partial }) };
        const { data, width, height } = picture;
        send({ id, picture: { data, width, height, colorSpace: 'srgb' }, ...('missing' in rest ? { rest } : {}) }, [data.buffer]);
      }
    } catch (error) {
      send({ id, error: describeError(error) });
    }
  }

  /** The address that was sent, or the reader of a pack of the client's: the same one every time, so that it is loaded once. */
  #source(models: string | ClientPack): string | PackReader {
    if (typeof models === 'string') return models;
    const { id, cached } = models;
    const known = this.#packs.get(id);
    if (known !== undefined) return known;
    const reader: PackReader = { cached, read: (name, hint = {}) => this.#wish(id, name, hint) };
    this.#packs.set(id, reader);
    return reader;
  }

  #wish(pack: number | undefined, name: string, hint: Wish['hint']): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      const wish = this.#nextWish++;
      this.#wishes.set(wish, { resolve, reject });
      this.#port.postMessage({ wish, pack, name, hint } satisfies Wish, []);
    });
  }

  #deliver(delivery: Delivery): void {
    const waiting = this.#wishes.get(delivery.wish);
    this.#wishes.delete(delivery.wish);
    if ('file' in delivery) waiting?.resolve(delivery.file);
    else waiting?.reject(errorOf(delivery.error));
  }
}
