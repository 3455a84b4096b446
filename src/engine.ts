/** Cores for the calls of one codec: compiled once, reused when small, dropped when large so that memory is given back. */

import { TesseraError } from './errors.js';
import { Core, type CoreSource, compileCore } from './wasm.js';

/** A core that holds more than this is left to the garbage collector: WebAssembly memory never shrinks. */
const largestIdle = 64 * 2 ** 20;

/** Hands out one core per running call. */
export class Engine {
  #module: Promise<WebAssembly.Module> | undefined;
  #idle: Core | undefined;
  #disposed = false;

  /** Compiles the core, from the package's own bytes unless a source is given. Without it the first call does. */
  async init(source?: CoreSource): Promise<void> {
    this.#checkAlive();
    const compiled = compileCore(source);
    this.#module = compiled;
    this.#idle = undefined;
    compiled.catch(() => {
      if (this.#module === compiled) this.#module = undefined;
    });
    await compiled;
  }

  /** Runs `work` with a core that nobody else uses meanwhile. */
  async withCore<Result>(work: (core: Core) => Promise<Result>): Promise<Result> {
    this.#checkAlive();
    if (this.#module === undefined) await this.init();
    const core = this.#idle ?? (await Core.create(await (this.#module as Promise<WebAssembly.Module>)));
    this.#idle = undefined;
    try {
      return await work(core);
    } finally {
      core.reset();
      if (!this.#disposed && core.memoryBytes <= largestIdle) this.#idle = core;
    }
  }

  /** Drops everything; later calls throw `disposed`. */
  dispose(): void {
    this.#disposed = true;
    this.#idle = undefined;
    this.#module = undefined;
  }

  #checkAlive(): void {
    if (this.#disposed) throw new TesseraError('disposed', 'this codec has been disposed of');
  }
}
