/** For Node, Deno and Bun: `host.js CORE.wasm JOB.json WORKERS` prints the hashes as its last line. Every worker runs this file too. */

import { readFileSync } from 'node:fs';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { type Hashes, hashVectors, type Job, shareOf } from './hashes.js';

interface Share {
  readonly code: Uint8Array<ArrayBuffer>;
  readonly job: Job;
}

function inWorker(share: Share): Promise<Hashes> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL(import.meta.url), { workerData: share });
    worker.on('message', (hashes: Hashes) => {
      resolve(hashes);
      worker.terminate();
    });
    worker.on('error', reject);
  });
}

if (isMainThread) {
  const [corePath, jobPath, workers] = process.argv.slice(2);
  const code = new Uint8Array(readFileSync(corePath));
  const job: Job = JSON.parse(readFileSync(jobPath, 'utf8'));
  const count = Number(workers);
  const shares = Array.from({ length: count }, (_, index) => inWorker({ code, job: shareOf(job, index, count) }));
  console.log(JSON.stringify(Object.assign({}, ...(await Promise.all(shares)))));
} else {
  const { code, job } = workerData as Share;
  parentPort?.postMessage(await hashVectors(await WebAssembly.compile(code), job));
}
