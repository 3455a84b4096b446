/** Progress on standard error, when that is a terminal. */

import type { Progress, Stage } from '../types.js';

const texts: Record<Stage, string> = {
  model: 'loading the model',
  analyse: 'analysing',
  select: 'choosing codecs',
  refine: 'refining',
  code: 'coding',
  synthesise: 'computing pixels',
};

/** A line that is rewritten in place and gone at the end. */
export interface ProgressLine {
  readonly onProgress?: (progress: Progress) => void;
  clear(): void;
}

/** Progress for one command; does nothing when standard error is not a terminal. */
export function progressLine(quiet: boolean): ProgressLine {
  const { stderr } = process;
  if (quiet || !stderr.isTTY) return { clear: () => {} };
  let shownAt = 0;
  return {
    onProgress({ stage, fraction }) {
      const now = performance.now();
      if (now - shownAt < 100) return;
      shownAt = now;
      stderr.write(`\r\x1b[K${texts[stage]} ${Math.round(100 * fraction)} %`);
    },
    clear: () => {
      stderr.write('\r\x1b[K');
    },
  };
}
