/** From `quality` to a rate anchor and step, and from those to λ (DESIGN.md §2, "Rate"). */

import { TesseraError } from './errors.js';
import type { Pack } from './models/load.js';
import type { Manifest, Scale } from './models/manifest.js';

/** A point on the rate axis of a pack: an anchor and a row of the step table. */
export interface Rate {
  readonly anchor: number;
  readonly step: number;
}

/** Anchor and step for a quality from 0 to 100; fractions take the nearest entry of the table. */
export function rateOfQuality(scale: Scale, quality: number): Rate {
  if (!(quality >= 0 && quality <= 100)) throw new TesseraError('invalidArgument', `quality is not a number from 0 to 100: ${quality}`);
  const [anchor, step] = scale[Math.round(quality)];
  return { anchor, step };
}

/** The lowest quality with this anchor and step, with the large analysis or else with the small one, or null when none has it. */
export function qualityOfRate({ quality, quickQuality }: Manifest, rate: Rate): number | null {
  for (const scale of [quality, quickQuality]) {
    const found = scale.findIndex(([anchor, step]) => anchor === rate.anchor && step === rate.step);
    if (found >= 0) return found;
  }
  return null;
}

/** Refuses an anchor or step that the pack does not have. `corruptHeader` when a file names it. */
export function checkRate(pack: Pack, rate: Rate, code: 'invalidArgument' | 'corruptHeader'): void {
  const { anchors, steps } = pack.decoder;
  const check = (name: keyof Rate, count: number, offset: number): void => {
    const value = rate[name];
    if (!Number.isInteger(value) || value < 0 || value >= count)
      throw new TesseraError(code, `${name} ${value}; the model pack has ${count}`, code === 'corruptHeader' ? { offset } : {});
  };
  check('anchor', anchors, 20);
  check('step', steps.length, 21);
}

/**
 * λ of J = MSE on [0, 1] + λ · bits per pixel at a rate.
 * A step of gain g quantises g times as finely, which scales the error by 1/g², and λ with it.
 */
export function lambdaOfRate(pack: Pack, rate: Rate): number {
  return pack.manifest.lambda[rate.anchor] / (pack.decoder.steps[rate.step].gain / 16_384) ** 2;
}
