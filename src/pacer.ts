/** Keeps long calls polite: progress reports, abort checks, and a turn for the event loop now and then. */

import { checkAborted } from './errors.js';
import type { CommonOptions, Stage } from './types.js';

/** Longest time without giving the event loop a turn, in milliseconds, beside the step that is running. */
const turnEvery = 20;

/** How long each stage of a call takes, roughly, in any unit. */
export type StageShares = Partial<Readonly<Record<Stage, number>>>;

/** Of decoding. */
export const decodeShares: StageShares = { model: 0.02, code: 0.52, synthesise: 0.46 };

/** One per call of `encode` or `decode`. */
export class Pacer {
  readonly #options: CommonOptions;
  readonly #shares: StageShares;
  readonly #done = new Map<Stage, number>();
  #lastTurn = performance.now();
  #fraction = 0;

  constructor(options: CommonOptions, shares: StageShares) {
    this.#options = options;
    this.#shares = shares;
    checkAborted(options.signal);
  }

  /**
   * Reports a step and lets others run if it is time to.
   *
   * @throws TesseraError `aborted` when the caller's signal has fired
   */
  async step(stage: Stage, loaded: number, total: number): Promise<void> {
    checkAborted(this.#options.signal);
    if (this.#options.onProgress !== undefined) {
      this.#done.set(stage, loaded / total);
      this.#options.onProgress({ stage, loaded, total, fraction: this.#overall() });
    }
    await this.turn();
  }

  /** Lets others run if it is time to. */
  async turn(): Promise<void> {
    checkAborted(this.#options.signal);
    if (performance.now() - this.#lastTurn < turnEvery) return;
    await nextTurn();
    this.#lastTurn = performance.now();
    checkAborted(this.#options.signal);
  }

  /** Part of the call that is done: never falls, and is 1 when all stages are. */
  #overall(): number {
    let sum = 0;
    let complete = true;
    let total = 0;
    for (const [stage, share] of Object.entries(this.#shares)) {
      const done = this.#done.get(stage as Stage) ?? 0;
      sum += share * done;
      total += share;
      complete &&= done === 1;
    }
    // The sum of the shares may miss 1 by a rounding.
    this.#fraction = complete ? 1 : Math.max(this.#fraction, Math.min(sum / total, 1 - Number.EPSILON));
    return this.#fraction;
  }
}

/** Resolves after timers, messages and input have had their turn. In pages a timer of 0 ms would wait for 4. */
function nextTurn(): Promise<void> {
  if (typeof setImmediate === 'function') {
    return new Promise((resolve) => {
      try {
        setImmediate(resolve);
      } catch {
        // Next's edge runtime has the name, and throws when it is called.
        setTimeout(resolve, 0);
      }
    });
  }
  if (typeof MessageChannel !== 'function') return new Promise((resolve) => void setTimeout(resolve, 0));
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(undefined);
  });
}
