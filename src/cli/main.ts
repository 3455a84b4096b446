#!/usr/bin/env node
/** The command `tessera`. */

import { formatVersion } from '../container.js';
import { loadPack } from '../models/load.js';
import { defaultPackPath } from '../models/source.js';
import { version } from '../version.js';
import { type Command, type CommandLine, help, isCommand, parseCommandLine } from './arguments.js';
import { compareCommand, decodeCommand, encodeCommand } from './commands.js';
import { describeError, exitCodeOf, FileError, printable, UsageError } from './exit.js';
import { reason, removeTemporaries } from './files.js';
import { infoCommand } from './info.js';

const commands: Record<Command, (line: CommandLine, signal: AbortSignal) => Promise<void>> = {
  encode: encodeCommand,
  decode: decodeCommand,
  info: infoCommand,
  compare: compareCommand,
};

async function run([word, ...rest]: readonly string[], signal: AbortSignal): Promise<void> {
  if (word === '--help' || word === '-h' || word === 'help' || rest.includes('--help')) {
    process.stdout.write(help);
    return;
  }
  if (word === '--version') {
    const pack = await loadPack().then(
      ({ manifest, hash }) => `pack ${manifest.id} ${manifest.name} (${hash})`,
      () => `no pack in ${defaultPackPath}`,
    );
    process.stdout.write(`tessera-codec ${version}, format ${formatVersion}, ${printable(pack)}\n`);
    return;
  }
  if (!isCommand(word)) throw new UsageError(word === undefined ? 'a command is missing' : `unknown command ${word}`);
  await commands[word](parseCommandLine(word, rest), signal);
}

const interruption = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => interruption.abort());

let failed = false;

/** Says what went wrong, once: standard output tells of one failure both to the writer and as an event. */
async function fail(error: unknown): Promise<void> {
  if (failed) return;
  failed = true;
  process.exitCode = exitCodeOf(error);
  await removeTemporaries();
  process.stderr.write(`${describeError(error)}\n`);
}

process.stdout.on('error', (error) => fail(new FileError(`cannot write standard output: ${reason(error)}`)));
// Nobody is left to be told; the exit code is.
process.stderr.on('error', () => {});
run(process.argv.slice(2), interruption.signal).catch(fail);
