/** Operation count of decoding, in multiply-accumulates (MAC) per pixel, from the layer shapes of a pack. */

import { gridCount, gridSide, symbolCount } from '../geometry.js';
import type { DecoderShape } from './layers.js';

/** MAC per decoded pixel, in all and by part. */
export interface MacCount {
  readonly total: number;
  readonly context: number;
  readonly upsampling: number;
  readonly synthesis: number;
}

/**
 * Counts the nominal operations of decoding one picture, without the overlap of patches.
 *
 * @param shape - as read from the pack; every codec of a pack has the same, so the count does not depend on how many compete
 * @param width - pixels
 * @param height - pixels
 */
export function countMacs(shape: DecoderShape, width: number, height: number): MacCount {
  const pixels = width * height;

  let perSymbol = 0;
  for (const layer of shape.context) perSymbol += layer.outputs * layer.inputs;
  const context = (perSymbol * symbolCount(width, height)) / pixels;

  // Step i doubles the planes that came from grids 6 … i+1, first along x and then along y. The published count pads each plane
  // by the kernel's length along the axis being filtered.
  const { doubling, smoothing } = shape.upsampling;
  const doublingTaps = 2 * doubling;
  const smoothingTaps = 2 * smoothing - 1;
  let upsamplingSum = 0;
  for (let step = shape.upsampling.steps - 1; step >= 0; step--) {
    const planes = gridCount - 1 - step;
    const planeWidth = gridSide(width, step + 1);
    const planeHeight = gridSide(height, step + 1);
    const alongX = planeHeight * (planeWidth + doublingTaps) * doublingTaps;
    const alongY = (planeHeight + doublingTaps) * (2 * planeWidth) * doublingTaps;
    upsamplingSum += planes * (alongX + alongY);
    upsamplingSum += 2 * smoothingTaps * gridSide(width, step) * gridSide(height, step);
  }
  const upsampling = upsamplingSum / pixels;

  let synthesis = 0;
  for (const layer of shape.synthesis) synthesis += layer.outputs * layer.inputs * layer.kernel ** 2;

  return { total: context + upsampling + synthesis, context, upsampling, synthesis };
}
