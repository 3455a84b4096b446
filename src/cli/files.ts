/** Files, standard input and standard output. Output appears whole or not at all. */

import { randomBytes } from 'node:crypto';
import { open, readFile, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { FileError, UsageError } from './exit.js';

/** Reads a file, or standard input for `-`. */
export async function readInput(path: string): Promise<Uint8Array> {
  if (path !== '-') {
    try {
      return await readFile(path);
    } catch (cause) {
      throw new FileError(`cannot read ${path}: ${reason(cause)}`, { cause });
    }
  }
  if (process.stdin.isTTY) throw new UsageError('standard input is a terminal');
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** Refuses, before any work is done, an output that would fail or spill bytes onto a terminal. */
export function checkOutput(path: string, json: boolean): void {
  if (path !== '-') return;
  if (json) throw new UsageError('--json and -o - both want standard output');
  if (process.stdout.isTTY) throw new UsageError('standard output is a terminal; redirect it or give -o FILE');
}

/** Temporary files that exist now, for `removeTemporaries`. */
const temporaries = new Set<string>();

/** Writes standard output for `-`, else a temporary file beside the target that is renamed when it is complete. */
export async function writeOutput(path: string, bytes: Uint8Array): Promise<void> {
  if (path === '-') {
    await new Promise<void>((resolve, reject) => {
      process.stdout.write(bytes, (error) => (error ? reject(new FileError(`cannot write standard output: ${reason(error)}`)) : resolve()));
    });
    return;
  }
  const temporary = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString('hex')}.part`);
  try {
    temporaries.add(temporary);
    const file = await open(temporary, 'wx');
    try {
      await file.writeFile(bytes);
      // On the disk before it has its name: a machine that stops leaves no empty file under it.
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (cause) {
    // Where the folder cannot be used at all, there is nothing to remove, and the first error is the one to tell.
    await rm(temporary, { force: true }).catch(() => undefined);
    throw new FileError(`cannot write ${path}: ${reason(cause)}`, { cause });
  } finally {
    temporaries.delete(temporary);
  }
}

/** Removes unfinished output after an interruption. */
export async function removeTemporaries(): Promise<void> {
  await Promise.all(Array.from(temporaries, (path) => rm(path, { force: true })));
}

/** A system error in words. */
export function reason(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const known: Record<string, string> = {
    ENOENT: 'no such file or directory',
    EACCES: 'permission denied',
    EISDIR: 'it is a directory',
    ENOTDIR: 'a part of the path is not a directory',
    ENOSPC: 'the disk is full',
    EDQUOT: 'the disk quota is used up',
    EFBIG: 'the file would be larger than the system allows',
    EPIPE: 'the reader has closed it',
  };
  return known[code] ?? (error instanceof Error ? error.message : String(error));
}
