/**
 * `tessera-codec/worker`: the codec in workers, with the calls of the other entries.
 *
 * With one worker one call runs at a time, others wait. More of them run as many, and decode the pictures that have several rows of tiles
 * together. Aborting a call terminates the workers that run it, so that it ends at once; the next call starts others. A worker without
 * calls is terminated after a while, which gives its memory back.
 */

import { parseHeader, readBody, toBytes } from '../container.js';
import { checkAborted, checkOptions, TesseraError } from '../errors.js';
import { checkSize, resolveLimits } from '../limits.js';
import { toPicture } from '../pixels.js';
import type { OnnxruntimeOptions } from '../transforms/ort-options.js';
import type {
  ByteSource,
  CommonOptions,
  Decode,
  DecodeOptions,
  EncodeOptions,
  PartialDecodeOptions,
  PartialPicture,
  Picture,
  PixelSource,
} from '../types.js';
import { Assembly, bandsOf } from './bands.js';
import { type Job, Lane, type NodeWorkerLike, type WorkerLike } from './lane.js';
import { ClientPacks } from './packs.js';
import type { Reply, Request, Sendable, SentOnnxruntimeOptions } from './protocol.js';
import { nodeThreads } from './threads.js';

export { type ErrorCode, TesseraError } from '../errors.js';
export type { NodeWorkerLike, WorkerLike } from './lane.js';

/** Options of `createWorkerCodec`. */
export interface WorkerCodecOptions {
  /**
   * Most workers at a time; default 1. With more, a picture higher than a row of tiles (512 pixels) is decoded by all of them, or by as
   * many as `limits.maxMemory` has room for: the same bytes, sooner, for the memory of that many decoders and of a second copy of the
   * pixels. `scale`, `partial` and `transform: 'ort'` take one worker all the same.
   */
  readonly workers?: number;
  /** Starts a worker; default: the script beside this file. Give it where the bundler moves one without the other. */
  readonly worker?: () => WorkerLike | NodeWorkerLike;
  /** Milliseconds without a call after which a worker is terminated; default 10,000. */
  readonly idleMs?: number;
  /** Passed to `configureOnnxruntime` in the worker. */
  readonly onnxruntime?: OnnxruntimeOptions;
}

/** A codec whose work is done in workers. */
export interface WorkerCodec {
  /** Like the function `encode`. */
  encode(image: PixelSource, options?: EncodeOptions): Promise<Uint8Array<ArrayBuffer>>;
  /** Like the function `decode`. */
  readonly decode: Decode;
  /** Whether a worker is running: busy, or idle for less than `idleMs`. */
  readonly running: boolean;
  /** Terminates the workers. Running and later calls throw `disposed`. */
  dispose(): void;
}

/** More workers than any machine has use for. */
const mostWorkers = 64;

/** Starts the script beside this file as this host's kind of worker. */
function startWorker(): WorkerLike | NodeWorkerLike {
  const threads = typeof Worker === 'function' ? undefined : nodeThreads();
  // Bundlers know a worker by these very words.
  if (threads === undefined) return new Worker(new URL('./worker-script.js', import.meta.url), { type: 'module' });
  const script = './worker-script.js';
  // What the process was started with (`--input-type`) is not for the script.
  return new threads.Worker(new URL(script, import.meta.url), { execArgv: [] });
}

/** Makes a codec in workers, which start at the first call. */
export function createWorkerCodec(options: WorkerCodecOptions = {}): WorkerCodec {
  return new Client(options);
}

class Client implements WorkerCodec {
  readonly #options: WorkerCodecOptions;
  readonly #packs = new ClientPacks();
  readonly #lanes: readonly Lane[];
  readonly #waiting: Job[] = [];
  #disposed = false;
  #nextId = 0;

  constructor(options: WorkerCodecOptions) {
    this.#options = checkOptions(options);
    const { workers = 1, idleMs = 10_000, worker: start = startWorker } = options;
    if (!Number.isInteger(workers) || workers < 1 || workers > mostWorkers)
      throw new TesseraError('invalidArgument', `workers is ${String(workers)}; allowed are whole numbers from 1 to ${mostWorkers}`);
    const parts = { packs: this.#packs, idleMs, start, free: () => this.#next() };
    this.#lanes = Array.from({ length: workers }, () => new Lane(parts));
  }

  get running(): boolean {
    return this.#lanes.some((lane) => lane.running);
  }

  async encode(image: PixelSource, options: EncodeOptions = {}): Promise<Uint8Array<ArrayBuffer>> {
    // An ImageData can be copied to a worker, but other classes of the same shape cannot.
    const { data, width, height, colorSpace, channels } = image;
    const plain = {
      ...{ data, width, height },
      ...(colorSpace === undefined ? {} : { colorSpace }),
      ...(channels === undefined ? {} : { channels }),
    };
    const reply = await this.#run((id) => ({ id, call: 'encode', image: plain, options: sendable(options) }), options);
    if ('bytes' in reply) return reply.bytes;
    throw unexpected();
  }

  async decode(source: ByteSource | Blob | Response, options: PartialDecodeOptions): Promise<PartialPicture>;
  async decode(source: ByteSource | Blob | Response, options?: DecodeOptions & { readonly partial?: false }): Promise<Picture>;
  async decode(
    source: ByteSource | Blob | Response,
    options: DecodeOptions & { readonly partial?: boolean } = {},
  ): Promise<Picture | PartialPicture> {
    const isAsync =
      (typeof Blob === 'function' && source instanceof Blob) || (typeof Response === 'function' && source instanceof Response);
    const bytes = isAsync ? await readBody(source as Blob | Response) : toBytes(source as ByteSource);
    if (this.#lanes.length > 1) {
      const header = parseHeader(bytes);
      const bands = bandsOf(header, checkOptions(options), this.#lanes.length);
      if (bands.length > 1) {
        // A decoder looks at the limits before there is room for the pixels, too.
        checkSize(header.width, header.height, 0, resolveLimits(options.limits));
        return this.#decodeBands(bytes, options as DecodeOptions, new Assembly(bands, options));
      }
    }
    const reply = await this.#decode(bytes, options);
    const picture = toPicture(reply.picture.data, reply.picture.width, reply.picture.height);
    return reply.rest === undefined ? picture : { picture, ...reply.rest };
  }

  async #decode(bytes: Uint8Array, options: DecodeOptions): Promise<Extract<Reply, { picture: Picture }>> {
    const wantsRows = options.onRows !== undefined;
    const reply = await this.#run((id) => ({ id, call: 'decode', bytes, options: sendable(options), wantsRows }), options);
    if ('picture' in reply) return reply;
    throw unexpected();
  }

  /** Decodes bands of an area side by side. What fails in several fails as it does in the topmost. */
  async #decodeBands(bytes: Uint8Array, options: DecodeOptions, assembly: Assembly): Promise<Picture> {
    const calls = assembly.regions.map((region, band) =>
      this.#decode(bytes, {
        ...options,
        region,
        onProgress: (progress) => assembly.report(band, progress),
        onRows: (rows) => assembly.take(band, rows),
      }),
    );
    for (const outcome of await Promise.allSettled(calls)) if (outcome.status === 'rejected') throw outcome.reason;
    return assembly.picture();
  }

  dispose(): void {
    this.#disposed = true;
    const error = new TesseraError('disposed', 'this codec has been disposed of');
    for (const job of this.#waiting.splice(0)) job.reject(error);
    for (const lane of this.#lanes) lane.stop(error);
  }

  #run(requestOf: (id: number) => Request, options: DecodeOptions): Promise<Reply> {
    if (this.#disposed) throw new TesseraError('disposed', 'this codec has been disposed of');
    checkAborted(checkOptions(options).signal);
    const { onnxruntime } = this.#options;
    const request: Request = {
      ...requestOf(this.#nextId++),
      ...(options.models === undefined ? {} : { models: this.#packs.describe(options.models) }),
      ...(onnxruntime === undefined ? {} : { onnxruntime: sendableOnnxruntime(onnxruntime) }),
    };
    return new Promise<Reply>((resolve, reject) => {
      const abort = (): void => this.#abort(job);
      const settled = (): void => options.signal?.removeEventListener('abort', abort);
      const job: Job = {
        request,
        options,
        resolve: (reply) => {
          settled();
          resolve(reply);
        },
        reject: (error) => {
          settled();
          reject(error);
        },
      };
      options.signal?.addEventListener('abort', abort, { once: true });
      this.#waiting.push(job);
      this.#next();
    });
  }

  #next(): void {
    while (this.#waiting.length > 0) {
      // A worker that is there already is sooner ready than another.
      const free = this.#lanes.filter((lane) => lane.job === undefined);
      const lane = free.find(({ running }) => running) ?? free.at(0);
      if (lane === undefined) return;
      lane.run(this.#waiting.shift() as Job);
    }
  }

  #abort(job: Job): void {
    const error = new TesseraError('aborted', 'aborted by the caller', { cause: job.options.signal?.reason });
    const position = this.#waiting.indexOf(job);
    if (position >= 0) {
      this.#waiting.splice(position, 1);
      job.reject(error);
    } else this.#lanes.find((lane) => lane.job === job)?.stop(error);
  }
}

function unexpected(): TesseraError {
  return new TesseraError('internal', 'the worker has answered another question');
}

/** Options that can be copied to a worker. */
function sendable<Options extends CommonOptions & { readonly onRows?: unknown }>(options: Options): Sendable<Options> {
  const { signal: _signal, onProgress: _onProgress, onRows: _onRows, models: _models, ...rest } = checkOptions(options);
  return rest;
}

function sendableOnnxruntime(options: OnnxruntimeOptions): SentOnnxruntimeOptions {
  const { library, ...rest } = options;
  if (typeof library === 'function') {
    throw new TesseraError('invalidArgument', '`library` cannot be a function here, which no worker can be sent; give an address');
  }
  return library === undefined ? rest : { ...rest, library: String(library) };
}
