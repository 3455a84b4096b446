/** The command line, parsed strictly by `node:util`. */

import { type ParseArgsConfig, parseArgs } from 'node:util';
import { UsageError } from './exit.js';

/** Flags that every command knows. */
const commonFlags = {
  json: { type: 'boolean' },
  quiet: { type: 'boolean' },
  model: { type: 'string' },
  'limit-pixels': { type: 'string' },
} as const;

/** Flags that belong to one command. */
const commandFlags = {
  encode: {
    output: { type: 'string', short: 'o' },
    quality: { type: 'string', short: 'q' },
    modes: { type: 'string' },
    effort: { type: 'string' },
  },
  decode: { output: { type: 'string', short: 'o' }, transform: { type: 'string' }, partial: { type: 'boolean' } },
  info: { 'modes-map': { type: 'string' }, macs: { type: 'boolean' }, modes: { type: 'string' } },
  compare: {},
} as const;

/** Names of the commands. */
export type Command = keyof typeof commandFlags;

/** What was given: the files in order, and the flags. */
export interface CommandLine {
  readonly files: readonly string[];
  readonly flags: Readonly<Record<string, string | boolean | undefined>>;
}

/** Whether a word is a command. */
export function isCommand(word: string | undefined): word is Command {
  return word !== undefined && Object.hasOwn(commandFlags, word);
}

/**
 * Parses what follows the command.
 *
 * @throws UsageError
 */
export function parseCommandLine(command: Command, words: readonly string[]): CommandLine {
  try {
    const options: NonNullable<ParseArgsConfig['options']> = { ...commonFlags, ...commandFlags[command] };
    const { values, positionals } = parseArgs({ args: [...words], options, allowPositionals: true, strict: true });
    return { files: positionals, flags: values as CommandLine['flags'] };
  } catch (cause) {
    throw new UsageError(`${command}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
}

/** A flag with text, or undefined. */
export function textFlag({ flags }: CommandLine, name: string): string | undefined {
  const value = flags[name];
  return typeof value === 'string' ? value : undefined;
}

/**
 * A flag with a number.
 *
 * @throws UsageError unless it is one and `allowed` accepts it
 */
export function numberFlag<Value extends number>(
  line: CommandLine,
  name: string,
  allowed: (value: number) => value is Value,
  text: string,
): Value | undefined {
  const given = textFlag(line, name);
  if (given === undefined) return undefined;
  const value = given.trim() === '' ? Number.NaN : Number(given);
  if (!allowed(value)) throw new UsageError(`--${name} is ${given}; it must be ${text}`);
  return value;
}

/** The files of a command, as many as it wants. */
export function exactFiles({ files }: CommandLine, command: Command, names: readonly string[]): string[] {
  if (files.length !== names.length) throw new UsageError(`${command} wants ${names.join(' and ')}, ${files.length} given`);
  return [...files];
}

/** The text of `tessera --help`. */
export const help = `tessera: a learned image codec

  tessera encode IN -o OUT.tsr [-q 0..100] [--modes 1|2|4|8] [--effort 1..9]
  tessera decode IN.tsr -o OUT.png [--transform wasm|ort] [--partial]
  tessera info FILE [--macs] [--modes-map MAP.png]
  tessera info --macs [--modes 1|2|4|8]         operation count for 512×768, from the model pack
  tessera compare A B                           PSNR and MS-SSIM of two pictures (.tsr too)
  tessera --version

IN is PNG, JPEG or WebP (orientation applied, colours converted to sRGB, transparency kept). - is standard input or output. All commands take --json (one object on standard output), --quiet, --model FOLDER-OR-URL, --limit-pixels N.
--partial shows what is whole of a damaged file and names the rest; the exit code is 3 all the same.
-q is 50 and --effort 5 unless given.

Exit codes: 0 ok, 2 usage, 3 damaged input, 4 limit exceeded, 5 environment, 130 interrupted, 1 other.
`;
