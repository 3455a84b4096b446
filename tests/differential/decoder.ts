/**
 * A second decoder, slow and plain, written from FORMAT.md alone: it shares no code with `src/` and `assembly/`, so that where both agree,
 * the document says enough. `bytes`, `container` (§1), `adaptation` (§1.2), `pack` (§7), `latents` (§2 to §5), `pixels` (§6), `alpha` (§9).
 */

import { readAlpha } from './alpha.js';
import { demand } from './bytes.js';
import { readContainer } from './container.js';
import { Latents } from './latents.js';
import type { Pack } from './pack.js';
import { pixelsOf } from './pixels.js';

export { readPack } from './pack.js';

/** What a file says. */
export interface Decoded {
  readonly width: number;
  readonly height: number;
  /** Mode of every patch. */
  readonly modeMap: Uint8Array;
  /** Grids 0…6, row after row. */
  readonly latents: readonly Int16Array[];
  /** RGBA. */
  readonly pixels: Uint8ClampedArray;
}

/** Decodes a file. @throws Refusal with a code of FORMAT.md §8 */
export function decodePlainly(file: Uint8Array, pack: Pack): Decoded {
  const parts = readContainer(file);
  demand(parts.packId === pack.id && parts.packHash === pack.hash, 'unknownModel');
  demand(parts.anchor < pack.codecs[0].length && parts.step < pack.steps.length, 'corruptHeader');
  demand(parts.modes <= pack.codecs.length, 'unsupportedFeature');
  const latents = new Latents(parts, pack);
  const pixels = pixelsOf(latents);
  for (const [index, level] of readAlpha(parts).entries()) pixels[4 * index + 3] = level;
  return {
    ...{ width: parts.width, height: parts.height, modeMap: Uint8Array.from(latents.modes) },
    ...{ latents: latents.grids.map(({ values }) => values), pixels },
  };
}
