/** The worker that writes AVIF: libaom as `@jsquash/avif` has it, at its default speed, one thread. */

import encodeAvif, { init } from '@jsquash/avif/encode.js';
import { fitBytes } from './bisect.js';

/** What to write, and into how many bytes. */
export interface AvifRequest {
  readonly image: ImageData;
  readonly target: number;
}

/** Qualities are whole numbers from 0 to 100, so more halvings find nothing new. */
const halvings = 7;

let ready: Promise<unknown> | undefined;

/** The encoder's WebAssembly lies beside this script. */
async function start(): Promise<void> {
  await init(await WebAssembly.compileStreaming(fetch('avif_enc.wasm')));
}

addEventListener('message', async ({ data }: MessageEvent<AvifRequest>) => {
  try {
    ready ??= start();
    await ready;
    const fit = await fitBytes(data.target, halvings, async (quality) => {
      const begin = performance.now();
      const bytes = await encodeAvif(data.image, { quality: Math.round(100 * quality) });
      return { blob: new Blob([bytes], { type: 'image/avif' }), ms: performance.now() - begin };
    });
    postMessage({ fit });
  } catch (error) {
    postMessage({ failure: String(error) });
  }
});
