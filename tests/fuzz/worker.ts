/** A campaign in a thread of its own, so that `scripts/fuzz.mjs` can notice when a case never ends. */

import { parentPort, workerData } from 'node:worker_threads';
import { describe, runCampaign } from './campaign.js';

const { seed, first, count, target, progress } = workerData as {
  readonly seed: number;
  readonly first: number;
  readonly count: number;
  readonly target?: string;
  /** Number of the case that is running. */
  readonly progress: SharedArrayBuffer;
};
const current = new Float64Array(progress);

const report = await runCampaign({
  ...{ seed, first, count },
  ...(target === undefined ? {} : { target }),
  onCase: (number) => {
    current[0] = number;
  },
});
parentPort?.postMessage({
  text: describe(report),
  tallies: report.tallies,
  findings: report.findings.map(({ name, bytes }) => ({ name, bytes })),
});
