/** One worker of a codec: started when there is a call, terminated when it is aborted or has had none for a while. */

import { TesseraError } from '../errors.js';
import type { DecodeOptions } from '../types.js';
import type { ClientPacks } from './packs.js';
import { type Delivery, describeError, errorOf, type Reply, type Request, type Wish } from './protocol.js';

/** The part of `Worker` that is used. */
export interface WorkerLike {
  postMessage(message: unknown, transfer?: Transferable[]): void;
  addEventListener(type: string, listener: (event: MessageEvent) => void): void;
  terminate(): void;
}

/** The part of the `Worker` of `node:worker_threads` that is used. */
export interface NodeWorkerLike {
  postMessage(message: unknown): void;
  on(type: string, listener: (value: unknown) => void): unknown;
  terminate(): unknown;
  ref(): void;
  unref(): void;
}

/** A call on its way. */
export interface Job {
  readonly request: Request;
  readonly options: DecodeOptions;
  resolve(reply: Reply): void;
  reject(error: TesseraError): void;
}

/** What the lanes of a codec share. */
export interface LaneParts {
  readonly packs: ClientPacks;
  readonly idleMs: number;
  start(): WorkerLike | NodeWorkerLike;
  /** Called when the lane could take another call. */
  free(): void;
}

/** A worker that runs one call at a time. */
export class Lane {
  readonly #parts: LaneParts;
  #job: Job | undefined;
  #worker: WorkerLike | NodeWorkerLike | undefined;
  #idle: ReturnType<typeof setTimeout> | undefined;

  constructor(parts: LaneParts) {
    this.#parts = parts;
  }

  get job(): Job | undefined {
    return this.#job;
  }

  get running(): boolean {
    return this.#worker !== undefined;
  }

  /** Runs a call; there must be none. */
  run(job: Job): void {
    clearTimeout(this.#idle);
    this.#job = job;
    try {
      this.#worker ??= this.#start();
      this.#keepProcess(true);
      this.#worker.postMessage(job.request);
    } catch (cause) {
      this.#finish(() => job.reject(new TesseraError('backendUnavailable', 'the worker cannot be started or called', { cause })));
    }
  }

  /** Terminates the worker, and ends the running call with an error. */
  stop(error: TesseraError): void {
    this.#terminate();
    this.#finish((job) => job.reject(error));
  }

  #start(): WorkerLike | NodeWorkerLike {
    const worker = this.#parts.start();
    const receive = (data: unknown): void => {
      if (this.#worker !== worker) return;
      if ('wish' in (data as object)) this.#grant(worker, data as Wish);
      else this.#receive(data as Reply);
    };
    const fail = (cause: unknown): void => {
      if (this.#worker !== worker) return;
      this.stop(new TesseraError('backendUnavailable', 'the worker has failed', { cause }));
    };
    if ('addEventListener' in worker) {
      worker.addEventListener('message', ({ data }) => receive(data));
      for (const type of ['error', 'messageerror']) worker.addEventListener(type, fail);
    } else {
      worker.on('message', receive);
      for (const type of ['error', 'messageerror', 'exit']) worker.on(type, fail);
    }
    return worker;
  }

  /** Reads a file of a model pack for the worker. */
  async #grant(worker: WorkerLike | NodeWorkerLike, wished: Wish): Promise<void> {
    const { wish } = wished;
    const delivery = await this.#parts.packs.read(wished).then(
      (file): Delivery => ({ wish, file }),
      (error: unknown): Delivery => ({ wish, error: describeError(error) }),
    );
    if (this.#worker === worker) worker.postMessage(delivery);
  }

  #receive(reply: Reply): void {
    const job = this.#job;
    if (job === undefined || job.request.id !== reply.id) return;
    if ('progress' in reply) job.options.onProgress?.(reply.progress);
    else if ('rows' in reply) job.options.onRows?.(reply.rows);
    else if ('error' in reply) this.#finish(() => job.reject(errorOf(reply.error)));
    else this.#finish(() => job.resolve(reply));
  }

  /** Settles the running call; without another the worker waits for a while. */
  #finish(settle: (job: Job) => void): void {
    const job = this.#job;
    this.#job = undefined;
    if (job !== undefined) settle(job);
    this.#parts.free();
    if (this.#job !== undefined || this.#worker === undefined) return;
    this.#idle = setTimeout(() => this.#terminate(), this.#parts.idleMs);
    // In Node a timer keeps the process alive, and so does a worker; neither must when nothing is to be done.
    if (typeof this.#idle === 'object') this.#idle.unref();
    this.#keepProcess(false);
  }

  #keepProcess(keep: boolean): void {
    if (this.#worker !== undefined && 'unref' in this.#worker) this.#worker[keep ? 'ref' : 'unref']();
  }

  #terminate(): void {
    clearTimeout(this.#idle);
    const worker = this.#worker;
    this.#worker = undefined;
    worker?.terminate();
  }
}
