/** What each effort does, from the fastest to the one that tries hardest. bench/results/README.md says what each costs and buys. */

/** How hard to look for the codec of each patch. */
export interface Search {
  /** One patch of so many ranks the codecs. */
  readonly spacing: number;
  /** Codecs that are evaluated on every patch. The generalist is one more. */
  readonly kept: number;
}

/** A number at the first step and at the last; a straight line between them. */
export type Line = readonly [first: number, last: number];

/** Gradient steps on the latents: how far and how fast to go. */
export interface Schedule {
  readonly steps: number;
  /** Rate of the first step, in steps of the quantiser; it falls to 0 in a straight line. */
  readonly rate: number;
  /** Of the soft rounding, and of the noise: the stand-in for rounding comes nearer to rounding with every step. */
  readonly temperature: Line;
  readonly shape: Line;
}

/** What happens to the latents of the winners. */
export interface Refinement {
  /** Rounds of trades of latents for their neighbours: how much a trade must be worth in each, in parts of what the curvature takes from it. */
  readonly rounds: readonly number[];
  /** Steps from the latents before rounding, after a first pass of trades and before a second. */
  readonly gradient?: Schedule;
  /** One patch of so many says whether a pass has gained anything; with 1, patches that lost take their old latents back. */
  readonly checked: number;
  /** Left out where WebAssembly cannot be compiled and no module was given (`./edge` gives one); otherwise encoding fails there. */
  readonly optional?: boolean;
}

/** What an effort does. */
export interface Effort {
  /** Takes a small analysis where the pack has one. */
  readonly small?: boolean;
  /** Without it the codec of M = 1 codes everything. */
  readonly search?: Search;
  readonly refinement?: Refinement;
}

/** Patches that stand for all. */
const sample = 8;
const team: Search = { spacing: sample, kept: 3 };
const everything: Search = { spacing: 1, kept: 8 };

// Found on held-out pictures of the training data. The first rounds may err, for later ones make good what they did; the last may not.
const three = [0.45, 0.65, 0.9];
const seven = [0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 1];
const quickTrade = (...rounds: number[]): Refinement => ({ rounds, checked: sample, optional: true });

// Schedules found on held-out pictures of the training data. The fewer the steps, the less noise they can average out.
const short: Schedule = { steps: 60, rate: 0.1, temperature: [0.45, 0.15], shape: [2, 4] };
const long: Schedule = { steps: 300, rate: 0.06, temperature: [0.35, 0.12], shape: [1, 2] };

// Rounds come before the competition: in the same time the first two gain more than ranking the codecs does (training/PLAN.md).
/** By number. */
export const efforts: Readonly<Record<number, Effort>> = {
  1: { small: true },
  2: { small: true, refinement: quickTrade(0.8) },
  3: {},
  4: { refinement: quickTrade(0.9) },
  5: { refinement: quickTrade(0.5, 0.8) },
  6: { search: team, refinement: { rounds: three, checked: 1 } },
  7: { search: everything, refinement: { rounds: seven, checked: 1 } },
  8: { search: everything, refinement: { rounds: seven, gradient: short, checked: 1 } },
  9: { search: everything, refinement: { rounds: seven, gradient: long, checked: 1 } },
};
