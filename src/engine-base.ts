/** Cores for the calls of one codec: compiled once, reused when small, dropped when large so that memory is given back. */

import { Core, type CoreSource } from './core.js';
import { TesseraError } from './errors.js';
import type { Pack } from './models/load.js';
import type { DecoderWeights } from './models/pack.js';
import type { Rate } from './quality.js';
import type { Synthesis } from './transforms/transform.js';

/** A core that holds more than this is left to the garbage collector: WebAssembly memory never shrinks. */
const largestIdle = 64 * 2 ** 20;

/** What differs between the entries of the package. */
export interface EngineParts {
  /** Compiles the core, by default the entry's own. */
  compile(source?: CoreSource): Promise<WebAssembly.Module>;
  /** The synthesis outside the core; entries that only decode leave it out, and onnxruntime with it. */
  otherSynthesis?(pack: Pack, rate: Rate, decoders: readonly DecoderWeights[]): Promise<Synthesis>;
  /** The module that refines latents, where it cannot be compiled from bytes. */
  readonly refineModule?: WebAssembly.Module;
}

/** Hands out one core per running call. */
export class EngineBase {
  /** What its entry has given it. */
  readonly parts: EngineParts;
  #module: Promise<WebAssembly.Module> | undefined;
  #idle: Core | undefined;
  #disposed = false;

  constructor(parts: EngineParts) {
    this.parts = parts;
  }

  /** The synthesis of `transform: 'ort'`. */
  otherSynthesis(pack: Pack, rate: Rate, decoders: readonly DecoderWeights[]): Promise<Synthesis> {
    if (this.parts.otherSynthesis === undefined)
      throw new TesseraError('backendUnavailable', 'this entry has no onnxruntime-web; import "tessera-codec"');
    return this.parts.otherSynthesis(pack, rate, decoders);
  }

  /** Compiles the core, the entry's own unless a source is given. Without it the first call does. */
  async init(source?: CoreSource): Promise<void> {
    this.#checkAlive();
    const compiled = this.parts.compile(source);
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
