/** The worker of `page.ts`. */

import { hashVectors, type Job } from './hashes.js';

addEventListener('message', async ({ data }: MessageEvent<{ core: ArrayBuffer; job: Job }>) => {
  postMessage(await hashVectors(await WebAssembly.compile(data.core), data.job));
});
