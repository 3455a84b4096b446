/** Keeps long calls polite: progress reports, abort checks, and a turn for the event loop now and then. */

import { checkAborted } from './errors.js';
import type { CommonOptions, Stage } from './types.js';

/** Longest time without giving the event loop a turn, in milliseconds. */
const turnEvery = 40;

/** One per call of `encode` or `decode`. */
export class Pacer {
  readonly #options: CommonOptions;
  #lastTurn = performance.now();

  constructor(options: CommonOptions) {
    this.#options = options;
    checkAborted(options.signal);
  }

  /**
   * Reports a step and lets others run if it is time to.
   *
   * @throws TesseraError `aborted` when the caller's signal has fired
   */
  async step(stage: Stage, loaded: number, total: number): Promise<void> {
    checkAborted(this.#options.signal);
    this.#options.onProgress?.({ stage, loaded, total });
    if (performance.now() - this.#lastTurn < turnEvery) return;
    await new Promise((resolve) => setTimeout(resolve, 0));
    this.#lastTurn = performance.now();
    checkAborted(this.#options.signal);
  }
}
