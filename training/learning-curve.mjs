// How far a recipe has come after so many pixels: BD-rate on the held-out pictures against a finished codec.
//
//   node training/learning-curve.mjs REFERENCE.json NAME=RUN/log.jsonl … > training/learning-curve.tsv
//
// REFERENCE.json is what tessera.evaluate prints, the logs are those of tessera.train. Few anchors make a run's curve, so these are figures to
// compare runs with each other.
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { bdRate } from '../scripts/bdrate.mjs';

const points = (rows) => rows.map(([bpp, psnr]) => ({ bpp, psnr })).sort((a, b) => a.psnr - b.psnr);
const [reference, ...runs] = process.argv.slice(2);
const anchor = points(JSON.parse(readFileSync(reference, 'utf8')));
console.log(`# against ${basename(reference)}, in percent of the rate`);
console.log('run\tgigapixels\tseconds\tbdrate\tlowestPsnr\thighestPsnr');
for (const run of runs) {
  const [name, log] = run.split('=');
  for (const line of readFileSync(log, 'utf8').trim().split('\n')) {
    const { gigapixels, seconds, validation } = JSON.parse(line);
    const curve = points(validation);
    // None where no quality is common to both: a run begins far below.
    const rate = bdRate(anchor, curve)?.rate;
    console.log(
      [
        name,
        gigapixels.toFixed(4),
        Math.round(seconds),
        rate === undefined ? '' : (100 * rate).toFixed(1),
        curve[0].psnr,
        curve.at(-1).psnr,
      ].join('\t'),
    );
  }
}
