// How long a call goes on after it was aborted.
//
//   node bench/speed/abort.mjs [--file FILE.tsr] [--rounds 20] [--megapixels 6] [--out FOLDER]
//
// Each round aborts at another moment, spread over the duration of the call, from a timer of the same thread: the delay is from the
// moment the timer was due until the call has thrown. FILE is what is decoded; without it, the picture that is encoded.
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { loadInner } from '../lib/core.mjs';
import { environment, table, writeResult } from '../lib/environment.mjs';
import { median } from '../lib/measure.mjs';
import { mosaic, pictureFiles, pictureFolder, readPicture } from '../lib/pictures.mjs';

const { values: options } = parseArgs({
  options: {
    file: { type: 'string' },
    rounds: { type: 'string', default: '20' },
    megapixels: { type: 'string', default: '6' },
    out: { type: 'string' },
  },
});
const rounds = Number(options.rounds);
await loadInner();
const { decode, encode } = await import('../../build/index.js');

/** Milliseconds that `call` ran on after each abort. */
async function delays(call) {
  const start = performance.now();
  await call(undefined);
  const duration = performance.now() - start;
  const found = [];
  for (let round = 0; round < rounds; round++) {
    const controller = new AbortController();
    const due = performance.now() + ((round + 0.5) / rounds) * duration * 0.9;
    setTimeout(() => controller.abort(), due - performance.now());
    const aborted = await call(controller.signal).then(
      () => false,
      (error) => error.code === 'aborted',
    );
    if (aborted) found.push(performance.now() - due);
  }
  return { seconds: duration / 1000, aborts: found.length, median: median(found), largest: Math.max(...found) };
}

const pictures = [];
for (const path of pictureFiles(pictureFolder().path)) pictures.push(await readPicture(path));
const picture = mosaic(pictures, Number(options.megapixels));
const bytes = options.file === undefined ? await encode(picture, { effort: 1 }) : readFileSync(options.file);
const results = {
  decode: await delays((signal) => decode(bytes, { signal })),
  encode: await delays((signal) => encode(picture, { signal })),
};
const rows = Object.entries(results).map(([call, { seconds, aborts, median: middle, largest }]) => ({
  call,
  seconds: seconds.toFixed(1),
  aborts,
  'median ms': middle.toFixed(0),
  'largest ms': largest.toFixed(0),
}));
console.log(table(['call', 'seconds', 'aborts', 'median ms', 'largest ms'], rows));
writeResult('speed/abort.json', { environment: environment(), options, results }, options.out);
