/** What the neural transforms look like to `encode.ts` and `decode.ts`, whoever computes them. */

import type { Core } from '../core.js';

/** The analysis: pixels in, latents of every codec out, before gains and rounding. */
export interface Analysis {
  /**
   * Analyses one window.
   *
   * @param image - [3][height][width], values level/255 − 0.5
   * @param width - a multiple of 64
   * @param height - a multiple of 64
   * @returns for each grid i: [codecs][height / 2^i][width / 2^i]
   */
  run(image: Float32Array, width: number, height: number): Promise<Float32Array[]>;
}

/** The picture that a core holds the latents of. */
export interface DecodedLatents {
  readonly core: Core;
  readonly width: number;
  readonly height: number;
  /** Side of a patch in pixels. */
  readonly patch: number;
}

/** The synthesis: latents in, pixels out. */
export interface Synthesis {
  /**
   * Computes all pixels.
   *
   * @param target - RGBA of the whole picture, all of it written
   * @param report - called with the number of patches done
   */
  run(latents: DecodedLatents, target: Uint8ClampedArray<ArrayBuffer>, report: (done: number) => Promise<void>): Promise<void>;
}
