/** Changes of one layer for a picture: for all modes, for each of them, or both. */

import { type NormalEquations, sumOf } from './normal.js';
import { type Solution, solveInWholes, type Terms } from './quantise.js';
import type { Changes } from './section.js';

/** How a layer is solved; ridges from the one to try first to the last. */
export interface Problem extends Omit<Terms, 'ridge'> {
  readonly ridges: readonly number[];
}

/** The changes of a layer, and what they should do to squared error + price · bits: below 0. */
export interface LayerSolution {
  readonly changes: Changes;
  readonly worth: number;
  /** What they should do to the squared error alone. */
  readonly error: number;
}

/**
 * The changes that are worth most; none where they cannot be applied.
 *
 * @param equations - of each mode
 */
export function solveLayer(
  equations: readonly NormalEquations[],
  { ridges, ...problem }: Problem,
  canApply: (changes: Changes) => boolean,
): LayerSolution | undefined {
  const together = sumOf(equations);
  for (const ridge of ridges) {
    const terms = { ...problem, ridge };
    const all = solveInWholes(together, terms);
    const candidates = [solutionOf(all, undefined)];
    if (equations.length > 1) {
      const eachOf = (rest: readonly NormalEquations[]): (Solution | undefined)[] =>
        rest.map((one) => (one.energy > 0 ? solveInWholes(one, near(terms, all)) : undefined));
      candidates.push(solutionOf(undefined, eachOf(equations)));
      if (all) candidates.push(solutionOf(all, eachOf(equations.map((one) => one.after(all.factors)))));
    }
    candidates.sort((a, b) => a.worth - b.worth);
    for (const candidate of candidates) if (candidate.worth < 0 && canApply(candidate.changes)) return candidate;
  }
  return undefined;
}

/** Changes of one mode want steps about as large as those of all. */
function near(terms: Terms, all: Solution | undefined): Terms {
  return all === undefined
    ? terms
    : { ...terms, exponents: terms.exponents.filter((exponent) => Math.abs(exponent - all.layer.exponent) <= 1) };
}

function solutionOf(all: Solution | undefined, each: readonly (Solution | undefined)[] | undefined): LayerSolution {
  const solved = [all, ...(each ?? [])].filter((one) => one !== undefined);
  return {
    changes: { ...(all && { all: all.layer }), ...(each?.some((one) => one) && { each: each.map((one) => one?.layer) }) },
    worth: solved.reduce((sum, one) => sum + one.worth, 0),
    error: solved.reduce((sum, one) => sum + one.error, 0),
  };
}
