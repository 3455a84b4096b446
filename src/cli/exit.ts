/** Exit codes of the command line, and the errors that only it has. */

import { type ErrorCode, TesseraError } from '../errors.js';

/** 0 ok, 1 other, 2 usage, 3 damaged input, 4 limit exceeded, 5 environment, 130 interrupted. */
export const exitCodes = { ok: 0, other: 1, usage: 2, damaged: 3, limit: 4, environment: 5, interrupted: 130 } as const;

/** The command line is wrong. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** A PNG, JPEG or WebP cannot be read. */
export class PictureError extends Error {
  override readonly name = 'PictureError';
  readonly code = 'corruptPicture';
}

/** A file cannot be opened, read or written. */
export class FileError extends Error {
  override readonly name = 'FileError';
}

const codesOfErrors: Record<ErrorCode, number> = {
  invalidArgument: exitCodes.usage,
  aborted: exitCodes.interrupted,
  disposed: exitCodes.other,
  notOurFormat: exitCodes.damaged,
  unsupportedVersion: exitCodes.damaged,
  unsupportedFeature: exitCodes.damaged,
  // The file is whole; what is missing is the pack.
  unknownModel: exitCodes.environment,
  truncated: exitCodes.damaged,
  corruptHeader: exitCodes.damaged,
  corruptSection: exitCodes.damaged,
  checksumMismatch: exitCodes.damaged,
  entropyDesync: exitCodes.damaged,
  limitPixels: exitCodes.limit,
  limitDimension: exitCodes.limit,
  limitMemory: exitCodes.limit,
  backendUnavailable: exitCodes.environment,
  modelMismatch: exitCodes.environment,
  modelUnavailable: exitCodes.environment,
  corruptModel: exitCodes.environment,
  internal: exitCodes.other,
};

/** The exit code for anything thrown. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof UsageError) return exitCodes.usage;
  if (error instanceof PictureError) return exitCodes.damaged;
  if (error instanceof TesseraError) return codesOfErrors[error.code];
  return exitCodes.other;
}

/** Text with control characters made visible: a pack or a file name must not steer the terminal that its name is printed on. */
export function printable(text: string): string {
  return text.replace(/\p{Cc}/gu, (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`);
}

/** One line for people: `tessera: code: message`. */
export function describeError(error: unknown): string {
  return printable(lineOf(error));
}

function lineOf(error: unknown): string {
  if (error instanceof TesseraError || error instanceof PictureError) return `tessera: ${error.code}: ${error.message}`;
  if (error instanceof UsageError) return `tessera: usage: ${error.message} (see tessera --help)`;
  return `tessera: ${error instanceof Error ? error.message : String(error)}`;
}
