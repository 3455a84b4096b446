/** For browsers: `globalThis.run(simd, workers)` gives the hashes; the files lie beside the page. */

import { type Hashes, type Job, shareOf } from './hashes.js';

async function run(simd: boolean, workers: number): Promise<Hashes> {
  const [core, job] = await Promise.all([
    fetch('codec.wasm').then((response) => response.arrayBuffer()),
    fetch('job.json').then((response) => response.json() as Promise<Job>),
  ]);
  const shares = Array.from({ length: workers }, (_, index) => {
    const worker = new Worker('page-worker.js', { type: 'module' });
    return new Promise<Hashes>((resolve, reject) => {
      worker.onmessage = ({ data }: MessageEvent<Hashes>) => {
        resolve(data);
        worker.terminate();
      };
      worker.onerror = (event) => reject(new Error(event.message));
      worker.postMessage({ core, job: shareOf({ ...job, simd }, index, workers) });
    });
  });
  return Object.assign({}, ...(await Promise.all(shares)));
}

Object.assign(globalThis, { run });
