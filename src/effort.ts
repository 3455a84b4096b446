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
  /** Gradients, in bits per step of the quantiser, far below this one move their latents less. */
  readonly epsilon: number;
  /** Of the soft rounding, and of the noise: the stand-in for rounding comes nearer to rounding with every step. */
  readonly temperature: Line;
  readonly shape: Line;
}

/** What happens to the latents of the winners. Before and after it the synthesis is fitted to the picture, which is all where there are no rounds. */
export interface Refinement {
  /** Rounds of trades of latents for their neighbours: how much a trade must be worth in each, in parts of what the curvature takes from it. */
  readonly rounds: readonly number[];
  /** Steps after a first pass of rounds and before a second. */
  readonly gradient?: Schedule;
  /** One patch of so many says whether a pass has gained anything; with 1, patches that lost take their old latents back. */
  readonly checked: number;
  /** Latents stay as they are where WebAssembly cannot be compiled and no module was given (`./edge` gives one); otherwise encoding fails there. */
  readonly optional?: boolean;
}

/** What an effort does. */
export interface Effort {
  /** Takes a small analysis where the pack has one. With a round of trades it takes as long as the large one without, for a twentieth more bits. */
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
const two = [0.5, 0.8];
const three = [0.45, 0.65, 0.9];
const four = [0.4, 0.5, 0.7, 0.9];
const quickTrade = (rounds: readonly number[]): Refinement => ({ rounds, checked: sample, optional: true });

// Schedules found on the same pictures. Few steps go far and leave alone what has little to gain; many are small, in the full width of noise.
const few: Schedule = { steps: 10, rate: 0.4, epsilon: 8, temperature: [0.7, 0.2], shape: [2, 4] };
const more: Schedule = { ...few, steps: 30 };
const many: Schedule = { steps: 160, rate: 0.12, epsilon: 1, temperature: [0.45, 0.12], shape: [1, 2] };

// Rounds come before the competition: in the same time the first four gain more than ranking the codecs does (training/PLAN.md).
/** By number. */
export const efforts: Readonly<Record<number, Effort>> = {
  1: { small: true },
  2: { refinement: quickTrade([]) },
  3: { refinement: quickTrade([0.9]) },
  4: { refinement: quickTrade(two) },
  5: { refinement: quickTrade(three) },
  6: { search: team, refinement: { rounds: four, checked: 1 } },
  7: { search: everything, refinement: { rounds: two, gradient: few, checked: 1 } },
  8: { search: everything, refinement: { rounds: four, gradient: more, checked: 1 } },
  9: { search: everything, refinement: { rounds: four, gradient: many, checked: 1 } },
};
