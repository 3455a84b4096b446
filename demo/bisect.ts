/** The best quality that fits into a number of bytes. */

/** One attempt of an encoder. */
export interface Attempt {
  readonly blob: Blob;
  readonly ms: number;
}

/** The attempt that was taken, and whether it is the `lowest` quality, larger than the bytes to match, or the `highest`, far smaller. */
export interface Fit extends Attempt {
  readonly limit?: 'lowest' | 'highest';
}

/**
 * Halves the range of qualities until the steps are used up.
 *
 * @param encode - encodes at a quality from 0 to 1; larger qualities give larger files
 */
export async function fitBytes(target: number, steps: number, encode: (quality: number) => Promise<Attempt>): Promise<Fit> {
  let best = await encode(0);
  if (best.blob.size > target) return { ...best, limit: 'lowest' };
  let low = 0;
  let high = 1;
  for (let step = 0; step < steps; step++) {
    // A quality of 1 makes WebP lossless in some browsers, so it is never tried.
    const middle = (low + high) / 2;
    const attempt = await encode(middle);
    if (attempt.blob.size <= target) {
      best = attempt;
      low = middle;
    } else high = middle;
  }
  return high === 1 ? { ...best, limit: 'highest' } : best;
}
