/**
 * Errors. Every failure that a caller can meet is a `TesseraError` with a code of FORMAT.md §8.
 *
 * The families matter to callers: 1x the call is wrong, 2x not readable here, 3x the file is damaged,
 * 4x a limit of the reader, 5x the environment, 9x a bug in Tessera.
 */

/** Codes and their numbers. The numbers are the status codes of the WASM core and never change. */
export const errorNumbers = {
  invalidArgument: 10,
  aborted: 11,
  disposed: 12,
  notOurFormat: 20,
  unsupportedVersion: 21,
  unsupportedFeature: 22,
  unknownModel: 23,
  truncated: 30,
  corruptHeader: 31,
  corruptSection: 32,
  checksumMismatch: 33,
  entropyDesync: 34,
  limitPixels: 40,
  limitDimension: 41,
  limitMemory: 42,
  backendUnavailable: 50,
  modelMismatch: 51,
  modelUnavailable: 52,
  corruptModel: 53,
  internal: 90,
} as const;

/** Name of an error, for example `truncated`. */
export type ErrorCode = keyof typeof errorNumbers;

/** What an error may carry besides its code and message. */
export interface ErrorDetails {
  /** Byte offset in the input at which the damage was noticed. */
  readonly offset?: number;
  /** The error underneath. */
  readonly cause?: unknown;
}

/** The one error class of the package. */
export class TesseraError extends Error {
  override readonly name = 'TesseraError';
  /** Which failure, by name. */
  readonly code: ErrorCode;
  /** Which failure, by number (FORMAT.md §8). */
  readonly number: number;
  /** Byte offset in the input, where one is known. */
  readonly offset?: number;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.number = errorNumbers[code];
    if (details.offset !== undefined) this.offset = details.offset;
  }
}

/**
 * Throws for a status code of the WASM core unless it is 0.
 *
 * @param status - a number of FORMAT.md §8, or 0
 * @param doing - what the core was asked to do, for the message
 */
export function checkStatus(status: number, doing: string): void {
  if (status === 0) return;
  const code = (Object.keys(errorNumbers) as ErrorCode[]).find((name) => errorNumbers[name] === status);
  if (code === undefined) throw new TesseraError('internal', `${doing}: unknown status ${status} of the core`);
  throw new TesseraError(code, `${doing}: ${statusTexts[code] ?? code}`);
}

const statusTexts: Partial<Record<ErrorCode, string>> = {
  entropyDesync: 'the coded data does not decode (damaged file)',
  corruptSection: 'the section contradicts itself (damaged file)',
  limitMemory: 'not enough memory',
  corruptModel: 'the model pack is damaged',
};

/** Throws `aborted` when the caller's signal has fired. */
export function checkAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new TesseraError('aborted', 'aborted by the caller', { cause: signal.reason });
}

/** Refuses options that are not an object. */
export function checkOptions<Options>(options: Options): Options {
  if (typeof options !== 'object' || options === null) throw new TesseraError('invalidArgument', 'the options are not an object');
  return options;
}
