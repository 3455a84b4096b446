/** The browser's own encoders, brought to a number of bytes. */

/** What another codec made of the picture. */
export interface RivalResult {
  readonly image: ImageData;
  readonly bytes: number;
  readonly encodeMs: number;
  readonly decodeMs: number;
  /** True when even the lowest quality is larger than the bytes to match. */
  readonly over: boolean;
}

/** Codecs that canvases can write in some browser. */
export const rivals = [
  { name: 'JPEG', type: 'image/jpeg' },
  { name: 'WebP', type: 'image/webp' },
] as const;

const bisections = 8;

/**
 * Finds the best quality that needs no more than `target` bytes.
 *
 * @returns nothing when this browser cannot write the type
 */
export async function matchBytes(image: ImageData, type: string, target: number, signal: AbortSignal): Promise<RivalResult | undefined> {
  const { width, height } = image;
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext('2d', { willReadFrequently: true });
  if (context === null) return undefined;
  context.putImageData(image, 0, 0);
  const encode = async (quality: number): Promise<{ blob: Blob; ms: number }> => {
    signal.throwIfAborted();
    const start = performance.now();
    const blob = await canvas.convertToBlob({ type, quality });
    return { blob, ms: performance.now() - start };
  };

  let best = await encode(0);
  if (best.blob.type !== type) return undefined;
  const over = best.blob.size > target;
  let low = 0;
  let high = 1;
  for (let step = 0; step < bisections && !over; step++) {
    // A quality of 1 makes WebP lossless in some browsers, so it is never tried.
    const middle = (low + high) / 2;
    const attempt = await encode(middle);
    if (attempt.blob.size <= target) {
      best = attempt;
      low = middle;
    } else high = middle;
  }

  const start = performance.now();
  const bitmap = await createImageBitmap(best.blob);
  context.drawImage(bitmap, 0, 0);
  const decoded = context.getImageData(0, 0, width, height);
  bitmap.close();
  return { image: decoded, bytes: best.blob.size, encodeMs: best.ms, decodeMs: performance.now() - start, over };
}
