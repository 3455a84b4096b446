/** Other codecs, brought to a number of bytes: the browser's own JPEG and WebP, and AVIF in a worker. */

import type { AvifRequest } from './avif.js';
import { type Fit, fitBytes } from './bisect.js';

/** What another codec made of the picture. */
export interface RivalResult {
  readonly image: ImageData;
  readonly bytes: number;
  readonly encodeMs: number;
  readonly decodeMs: number;
  readonly limit?: Fit['limit'];
}

/** Another codec. */
interface Rival {
  readonly name: string;
  /**
   * Finds the best quality that needs no more than `target` bytes.
   *
   * @returns nothing when this browser cannot write the format
   */
  fit(image: ImageData, target: number, signal: AbortSignal): Promise<Fit | undefined>;
}

/** In the order in which they are measured: the quick ones first. */
export const rivals: readonly Rival[] = [
  { name: 'JPEG', fit: (...call) => fitCanvas('image/jpeg', ...call) },
  { name: 'WebP', fit: (...call) => fitCanvas('image/webp', ...call) },
  { name: 'AVIF', fit: fitAvif },
];

/** Measures one codec on a picture. Nothing comes back when this browser cannot write or read its format. */
export async function measure(rival: Rival, image: ImageData, target: number, signal: AbortSignal): Promise<RivalResult | undefined> {
  const fit = await rival.fit(image, target, signal);
  if (fit === undefined) return undefined;
  const start = performance.now();
  const bitmap = await createImageBitmap(fit.blob).catch(() => undefined);
  if (bitmap === undefined) return undefined;
  const { context } = canvasFor(image);
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  const decoded = context.getImageData(0, 0, image.width, image.height);
  return {
    image: decoded,
    bytes: fit.blob.size,
    encodeMs: fit.ms,
    decodeMs: performance.now() - start,
    ...(fit.limit && { limit: fit.limit }),
  };
}

function canvasFor({ width, height }: ImageData): { canvas: OffscreenCanvas; context: OffscreenCanvasRenderingContext2D } {
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext('2d', { willReadFrequently: true });
  if (context === null) throw new Error('this browser has no canvas');
  return { canvas, context };
}

async function fitCanvas(type: string, image: ImageData, target: number, signal: AbortSignal): Promise<Fit | undefined> {
  const { canvas, context } = canvasFor(image);
  context.putImageData(image, 0, 0);
  const fit = await fitBytes(target, 8, async (quality) => {
    signal.throwIfAborted();
    const start = performance.now();
    const blob = await canvas.convertToBlob({ type, quality });
    return { blob, ms: performance.now() - start };
  });
  // Browsers write PNG in place of what they do not know.
  return fit.blob.type === type ? fit : undefined;
}

let avifWorker: Worker | undefined;

/** The worker is kept from picture to picture; aborting ends it, as it cannot be interrupted. */
function fitAvif(image: ImageData, target: number, signal: AbortSignal): Promise<Fit | undefined> {
  avifWorker ??= new Worker('avif.js', { type: 'module' });
  const worker = avifWorker;
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      worker.terminate();
      avifWorker = undefined;
      reject(signal.reason);
    };
    signal.addEventListener('abort', stop, { once: true });
    const settle = (fit: Fit | undefined): void => {
      signal.removeEventListener('abort', stop);
      resolve(fit);
    };
    worker.onmessage = ({ data }) => settle(data.fit);
    worker.onerror = () => settle(undefined);
    worker.postMessage({ image, target } satisfies AvifRequest);
  });
}
