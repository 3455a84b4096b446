/** What a page of the matrix does. The driver of the browser looks at its requests between the two steps. */

import { check, checkDecode } from './check.js';

/** Puts the steps where the driver finds them: `decoded` has begun, `encoded()` is called later. */
export function runPage(codec, createWorkerCodec, given) {
  const { ortOptions, workerAddress } = globalThis;
  const worker = createWorkerCodec({
    ...(ortOptions && { onnxruntime: ortOptions }),
    ...(workerAddress && { worker: () => new Worker(workerAddress, { type: 'module' }) }),
  });
  const inWorker = {
    probe: codec.probe,
    decode: (...call) => worker.decode(...call),
    encode: (...call) => worker.encode(...call),
  };
  globalThis.decoded = both((one) => checkDecode(one, given));
  globalThis.encoded = () => {
    if (ortOptions !== undefined) codec.configureOnnxruntime(ortOptions);
    return both((one) => check(one, given));
  };

  /** Does something in the page and in the worker, which must come to the same. */
  async function both(work) {
    const here = await work(codec);
    const there = await work(inWorker).catch((error) => {
      throw new Error(`in the worker: ${error.code}: ${error.message}`);
    });
    if (JSON.stringify(here) !== JSON.stringify(there)) throw new Error(`the page says ${JSON.stringify(here)}, the worker ${JSON.stringify(there)}`);
    return here;
  }
}
