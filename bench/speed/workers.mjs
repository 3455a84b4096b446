// How much sooner several workers decode one picture: wall-clock time beside that of one worker, in turns in one run.
//
//   node bench/speed/workers.mjs --file FILE.tsr [--workers 1,2,4] [--rounds 5] [--out FOLDER]
//
// FILE is a large picture (bench/speed/memory.mjs --file writes one). Wall-clock times say something only on a machine without other work: the
// load is in the result. The hash of the pixels is checked in every round.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { loadInner } from '../lib/core.mjs';
import { environment, table, writeResult } from '../lib/environment.mjs';
import { median } from '../lib/measure.mjs';

const { values: options } = parseArgs({
  options: {
    file: { type: 'string' },
    workers: { type: 'string', default: '1,2,4' },
    rounds: { type: 'string', default: '5' },
    out: { type: 'string' },
  },
});
await loadInner();
const { createWorkerCodec } = await import('../../build/worker.js');
const bytes = readFileSync(options.file);
const counts = options.workers.split(',').map(Number);
const codecs = counts.map((workers) => createWorkerCodec({ workers }));
const times = counts.map(() => []);
const hashes = new Set();
for (let round = -1; round < Number(options.rounds); round++) {
  for (const [index, codec] of codecs.entries()) {
    const start = performance.now();
    const { data } = await codec.decode(bytes);
    if (round >= 0) times[index].push(performance.now() - start);
    hashes.add(createHash('sha256').update(data).digest('hex'));
  }
}
for (const codec of codecs) codec.dispose();
if (hashes.size !== 1) throw new Error('the pixels differ');
const rows = counts.map((workers, index) => ({
  workers,
  ms: median(times[index]).toFixed(0),
  'of the time of the first': median(times[index].map((time, round) => time / times[0][round])).toFixed(3),
}));
console.log(table(Object.keys(rows[0]), rows));
writeResult('speed/workers.json', { environment: environment(), options, rows }, options.out);
