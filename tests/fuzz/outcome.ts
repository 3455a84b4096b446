/** What a case may come to. Anything else that happens is a finding. */

import { PictureError } from '../../src/cli/exit.js';
import { type ErrorCode, errorNumbers, TesseraError } from '../../src/errors.js';

/** Accepted, refused with a code of FORMAT.md §8, or refused by the command line as a damaged PNG, JPEG or WebP. */
export type Outcome = 'accepted' | ErrorCode | 'corruptPicture';

/** Families of codes (the tens of their numbers) that bytes may cause: not readable, damaged, over a limit; for packs the environment. */
export type Family = 2 | 3 | 4 | 5;

/**
 * Runs something that may fail, and says how it did.
 *
 * @throws whatever is not a TesseraError of one of the families: a trap, an untyped exception, an `internal`
 */
export async function outcomeOf(work: () => Promise<unknown>, families: readonly Family[]): Promise<Outcome> {
  try {
    await work();
    return 'accepted';
  } catch (error) {
    if (error instanceof PictureError) return 'corruptPicture';
    if (error instanceof TesseraError && families.some((family) => Math.floor(errorNumbers[error.code] / 10) === family)) return error.code;
    throw error;
  }
}
