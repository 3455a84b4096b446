/**
 * `tessera-codec/worker`: the codec in a Web Worker, with the calls of the other entries.
 *
 * One call runs at a time, others wait. Aborting the running one terminates the worker, so that it ends at once; the next call
 * starts another. A worker without calls is terminated after a while, which gives its memory back.
 */

import { readBody, toBytes } from '../container.js';
import { checkAborted, checkOptions, TesseraError } from '../errors.js';
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
import { ClientPacks } from './packs.js';
import {
  type Delivery,
  describeError,
  errorOf,
  type Reply,
  type Request,
  type Sendable,
  type SentOnnxruntimeOptions,
  type Wish,
} from './protocol.js';

export { type ErrorCode, TesseraError } from '../errors.js';

/** Options of `createWorkerCodec`. */
export interface WorkerCodecOptions {
  /** Starts the worker; default: the script beside this file. Give it where the bundler moves one without the other. */
  readonly worker?: () => WorkerLike;
  /** Milliseconds without a call after which the worker is terminated; default 10,000. */
  readonly idleMs?: number;
  /** Passed to `configureOnnxruntime` in the worker. */
  readonly onnxruntime?: OnnxruntimeOptions;
}

/** The part of `Worker` that is used. */
export interface WorkerLike {
  postMessage(message: unknown, transfer?: Transferable[]): void;
  addEventListener(type: string, listener: (event: MessageEvent) => void): void;
  terminate(): void;
}

/** A codec whose work is done in a worker. */
export interface WorkerCodec {
  /** Like the function `encode`. */
  encode(image: PixelSource, options?: EncodeOptions): Promise<Uint8Array<ArrayBuffer>>;
  /** Like the function `decode`. */
  readonly decode: Decode;
  /** Whether a worker is running: busy, or idle for less than `idleMs`. */
  readonly running: boolean;
  /** Terminates the worker. Running and later calls throw `disposed`. */
  dispose(): void;
}

/** A call on its way. */
interface Job {
  readonly request: Request;
  readonly options: DecodeOptions;
  resolve(reply: Reply): void;
  reject(error: TesseraError): void;
}

/** Makes a codec in a worker, which starts at the first call. */
export function createWorkerCodec(options: WorkerCodecOptions = {}): WorkerCodec {
  return new Client(options);
}

class Client implements WorkerCodec {
  readonly #options: WorkerCodecOptions;
  readonly #packs = new ClientPacks();
  readonly #waiting: Job[] = [];
  #current: Job | undefined;
  #worker: WorkerLike | undefined;
  #idle: ReturnType<typeof setTimeout> | undefined;
  #disposed = false;
  #nextId = 0;

  constructor(options: WorkerCodecOptions) {
    this.#options = checkOptions(options);
  }

  get running(): boolean {
    return this.#worker !== undefined;
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
    const reply = await this.#run(
      (id) => ({ id, call: 'decode', bytes, options: sendable(options), wantsRows: options.onRows !== undefined }),
      options,
    );
    if (!('picture' in reply)) throw unexpected();
    const picture = toPicture(reply.picture.data, reply.picture.width, reply.picture.height);
    return reply.rest === undefined ? picture : { picture, ...reply.rest };
  }

  dispose(): void {
    this.#disposed = true;
    this.#stop();
    const error = new TesseraError('disposed', 'this codec has been disposed of');
    for (const job of [this.#current, ...this.#waiting.splice(0)]) job?.reject(error);
    this.#current = undefined;
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
    if (this.#current !== undefined) return;
    const job = this.#waiting.shift();
    clearTimeout(this.#idle);
    if (job === undefined) {
      if (this.#worker === undefined) return;
      this.#idle = setTimeout(() => this.#stop(), this.#options.idleMs ?? 10_000);
      // In Node a timer keeps the process alive; this one must not.
      if (typeof this.#idle === 'object') this.#idle.unref();
      return;
    }
    this.#current = job;
    try {
      this.#worker ??= this.#start();
      this.#worker.postMessage(job.request);
    } catch (cause) {
      this.#finish(() => job.reject(new TesseraError('backendUnavailable', 'the worker cannot be started or called', { cause })));
    }
  }

  #start(): WorkerLike {
    const worker = this.#options.worker?.() ?? new Worker(new URL('./worker-script.js', import.meta.url), { type: 'module' });
    worker.addEventListener('message', ({ data }: MessageEvent) => {
      if (this.#worker !== worker) return;
      if ('wish' in data) this.#grant(worker, data as Wish);
      else this.#receive(data as Reply);
    });
    for (const type of ['error', 'messageerror'] as const) {
      worker.addEventListener(type, (event: Event) => {
        if (this.#worker !== worker) return;
        this.#stop();
        this.#finish((job) => job.reject(new TesseraError('backendUnavailable', 'the worker has failed', { cause: event })));
      });
    }
    return worker;
  }

  /** Reads a file of a model pack for the worker. */
  async #grant(worker: WorkerLike, wished: Wish): Promise<void> {
    const { wish } = wished;
    const delivery = await this.#packs.read(wished).then(
      (file): Delivery => ({ wish, file }),
      (error: unknown): Delivery => ({ wish, error: describeError(error) }),
    );
    if (this.#worker === worker) worker.postMessage(delivery);
  }

  #receive(reply: Reply): void {
    const job = this.#current;
    if (job === undefined || job.request.id !== reply.id) return;
    if ('progress' in reply) {
      job.options.onProgress?.(reply.progress);
      return;
    }
    if ('rows' in reply) {
      job.options.onRows?.(reply.rows);
      return;
    }
    this.#finish(() => {
      if (!('error' in reply)) job.resolve(reply);
      else job.reject(errorOf(reply.error));
    });
  }

  #abort(job: Job): void {
    const error = new TesseraError('aborted', 'aborted by the caller', { cause: job.options.signal?.reason });
    const position = this.#waiting.indexOf(job);
    if (position >= 0) {
      this.#waiting.splice(position, 1);
      job.reject(error);
    } else if (this.#current === job) {
      this.#stop();
      this.#finish(() => job.reject(error));
    }
  }

  /** Settles the running call and starts the next one. */
  #finish(settle: (job: Job) => void): void {
    const job = this.#current;
    this.#current = undefined;
    if (job !== undefined) settle(job);
    this.#next();
  }

  #stop(): void {
    clearTimeout(this.#idle);
    this.#worker?.terminate();
    this.#worker = undefined;
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
