// How long a call goes on after it was aborted.
//
//   node bench/speed/abort.mjs [--file FILE.tsr] [--megapixels 24] [--effort 5] [--out FOLDER]
//
// A call can only notice an abort when it gives the event loop a turn, and then it does (tests/abort.test.ts), so the longest stretch between
// two turns is the longest delay there can be, wherever the abort falls. A task that comes round at every turn finds it, by stage. Times are
// CPU time of the process, which counts no other process on a busy machine, but does count what the engine compiles in the background: a small picture goes
// before. Progress is recorded on the way. FILE is what is decoded; without it, only encoding is looked at.
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { loadInner } from '../lib/core.mjs';
import { environment, table, writeResult } from '../lib/environment.mjs';
import { cpuTime } from '../lib/measure.mjs';
import { mosaic, pictureFiles, pictureFolder, readPicture } from '../lib/pictures.mjs';

const { values: options } = parseArgs({
  options: {
    file: { type: 'string' },
    megapixels: { type: 'string', default: '24' },
    effort: { type: 'string', default: '5' },
    out: { type: 'string' },
  },
});
await loadInner();
const { decode, encode } = await import('../../build/index.js');

/** The longest stretch of each stage, in CPU milliseconds, and whether progress rose to 1. */
async function stretches(call) {
  const longest = {};
  const fractions = [];
  let stage = 'begin';
  let running = true;
  let last = cpuTime();
  const tick = () => {
    const now = cpuTime();
    longest[stage] = Math.max(longest[stage] ?? 0, now - last);
    last = cpuTime();
    if (running) setImmediate(tick);
  };
  const start = cpuTime();
  setImmediate(tick);
  await call({
    onProgress: (progress) => {
      // A stretch counts for the stage whose step ends it.
      stage = progress.stage;
      fractions.push(progress.fraction);
    },
  });
  tick();
  running = false;
  const monotone = fractions.every((fraction, index) => index === 0 || fraction >= fractions[index - 1]);
  return { cpu: cpuTime() - start, longest, progress: { reports: fractions.length, monotone, last: fractions.at(-1) } };
}

const pictures = [];
for (const path of pictureFiles(pictureFolder().path)) pictures.push(await readPicture(path));
const picture = mosaic(pictures, Number(options.megapixels));
const file = options.file === undefined ? undefined : readFileSync(options.file);
const effort = Number(options.effort);
await encode(mosaic(pictures, 1), { effort });
const results = {};
if (file !== undefined) results.decode = await stretches((given) => decode(file, given));
results.encode = await stretches((given) => encode(picture, { effort, ...given }));
const rows = Object.entries(results).flatMap(([call, { longest }]) =>
  Object.entries(longest).map(([stage, ms]) => ({ call, stage, 'longest stretch, ms': ms.toFixed(0) })),
);
console.log(table(['call', 'stage', 'longest stretch, ms'], rows));
for (const [call, { progress }] of Object.entries(results)) console.log(call, JSON.stringify(progress));
writeResult('speed/abort.json', { environment: environment(), options, results }, options.out);
