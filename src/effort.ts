/** What each effort does, from the fastest to the one that tries hardest. bench/results/README.md says what each costs and buys. */

import type { StageShares } from './pacer.js';

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

/** Once over the latents of the winners. */
export interface Pass {
  /** Rounds of trades of latents for their neighbours: how much a trade must be worth in each, in parts of what the curvature takes from it. */
  readonly rounds: readonly number[];
  /** Steps after the rounds, and before as many rounds again. */
  readonly gradient?: Schedule;
}

/** How often a pass looks at every patch. */
export const looksOf = ({ rounds, gradient }: Pass): number => rounds.length + (gradient ? gradient.steps + rounds.length : 0);

/** What happens to the latents of the winners. Before the first pass and after each the synthesis is fitted to the picture; without passes once. */
export interface Refinement {
  readonly passes: readonly Pass[];
  /**
   * One patch of so many says whether a pass has gained anything; with 1, patches that lost take their old latents back, and fits of the synthesis
   * look at more of the picture.
   */
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

// Found on held-out pictures of the training data. The first rounds may err, the more the more follow to make it good; the last may not.
const one = [0.7];
const two = [0.35, 0.8];
const four = [0.2, 0.35, 0.6, 0.9];
const five = [0.2, 0.3, 0.4, 0.6, 0.9];
const quick = (...passes: Pass[]): Refinement => ({ passes, checked: sample, optional: true });

// Schedules found on the same pictures. Few steps go far and leave alone what has little to gain; many are small, in the full width of noise.
const few: Schedule = { steps: 10, rate: 0.4, epsilon: 8, temperature: [0.7, 0.2], shape: [2, 4] };
const many: Schedule = { steps: 30, rate: 0.12, epsilon: 1, temperature: [0.45, 0.12], shape: [1, 2] };
// Latents and synthesis follow each other: several passes with a fit between them find more than as many steps or rounds at once.
const patient = (count: number, pass: Pass): Refinement => ({ passes: Array.from({ length: count }, () => pass), checked: 1 });

// Rounds come before the competition: in the same time they gain more than ranking the codecs does (training/PLAN.md).
/** By number. */
export const efforts: Readonly<Record<number, Effort>> = {
  1: { small: true },
  2: { refinement: quick() },
  3: { refinement: quick({ rounds: one }) },
  4: { refinement: quick({ rounds: two }) },
  5: { refinement: quick({ rounds: four }) },
  6: { search: team, refinement: patient(2, { rounds: five }) },
  7: { search: everything, refinement: patient(2, { rounds: two, gradient: few }) },
  8: { search: everything, refinement: patient(3, { rounds: two, gradient: few }) },
  9: { search: everything, refinement: patient(6, { rounds: two, gradient: many }) },
};

/** How long the stages of encoding take at an effort. */
export function encodeShares({ small, search, refinement }: Effort): StageShares {
  // Milliseconds per megapixel on one machine, bench/results/speed.json and the effort table beside it.
  return {
    model: 10,
    analyse: small ? 140 : 350,
    select: search ? 350 / search.spacing + 120 : 5,
    ...(refinement && {
      refine: refinement.passes.reduce((sum, pass) => sum + 130 * looksOf(pass), 120),
    }),
    code: 40,
  };
}
