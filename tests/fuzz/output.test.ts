/** Output of the command line when the world does not play along: killed at any moment, a full disk, a reader that has gone. */

import { spawn } from 'node:child_process';
import { closeSync, existsSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fromRoot } from '../helpers.js';

const folder = mkdtempSync(join(tmpdir(), 'tessera-output-'));
afterAll(() => rmSync(folder, { recursive: true }));

const vector = fromRoot('tests/conformance/vectors/shape-tile-and-one.tsr');
const models = ['--model', fromRoot('tests/conformance/pack')];
/** Random kills of each command; the usual number is for every test run, TESSERA_KILLS for as many as one likes. */
const kills = Number(process.env.TESSERA_KILLS ?? 8);

interface Ending {
  readonly code: number | null;
  readonly signal: string | null;
  readonly text: string;
}

interface Circumstances {
  /** Where standard output goes; a pipe is closed at once. */
  readonly stdout?: 'pipe' | number;
  /** Milliseconds until SIGKILL. */
  readonly killAfter?: number;
  /** Flags of Node. */
  readonly node?: readonly string[];
  /** Largest file in blocks of 1024 bytes, as the shell's `ulimit -f` has it. */
  readonly largestFile?: number;
}

/** Runs the built command line. */
function tessera(words: readonly string[], { stdout, killAfter, node = [], largestFile }: Circumstances = {}): Promise<Ending> {
  const command = [process.execPath, ...node, fromRoot('build/cli.js'), ...words];
  const [program, ...rest] =
    largestFile === undefined ? command : ['bash', '-c', `ulimit -f ${largestFile}; exec "$@"`, 'bash', ...command];
  return new Promise((resolve) => {
    const child = spawn(program, rest, { stdio: ['ignore', stdout ?? 'ignore', 'pipe'] });
    let text = '';
    child.stdout?.destroy();
    child.stderr?.on('data', (chunk: Buffer) => {
      text += chunk.toString();
    });
    if (killAfter !== undefined) setTimeout(() => child.kill('SIGKILL'), killAfter);
    child.on('close', (code, signal) => resolve({ code, signal, text }));
  });
}

/** Commands that write a file, without its name. */
const writers = [
  { name: 'decode', words: ['decode', vector, '--quiet', ...models], extension: 'png' },
  { name: 'encode', words: ['encode', fromRoot('examples/chelsea.png'), '--quiet', '--effort', '1'], extension: 'tsr' },
] as const;

describe.each(writers)('$name, killed', ({ words, extension }) => {
  const wholePath = join(folder, `whole.${extension}`);
  let whole: Buffer;
  let duration: number;
  beforeAll(async () => {
    const start = performance.now();
    expect(await tessera([...words, '-o', wholePath])).toEqual({ code: 0, signal: null, text: '' });
    duration = performance.now() - start;
    whole = readFileSync(wholePath);
  });

  test('at any moment: the output is not there or whole', async () => {
    let killed = 0;
    for (let kill = 0; kill < kills; kill++) {
      const output = join(folder, `random-${kill}.${extension}`);
      const { signal } = await tessera([...words, '-o', output], { killAfter: (duration * (kill + 0.5)) / kills });
      if (signal === 'SIGKILL') killed++;
      if (existsSync(output)) expect(readFileSync(output).equals(whole), `kill ${kill}`).toBe(true);
    }
    expect(killed).toBeGreaterThan(0);
  });

  // The same without chance: a module that is loaded before the command line kills it there.
  test.each([
    ['before the temporary file is opened', 'open', false],
    ['when it is open', 'opened', false],
    ['when half of it is written', 'half', false],
    ['when it is written', 'written', false],
    ['before it gets its name', 'rename', false],
    ['when it has its name', 'renamed', true],
  ])('%s', async (_, moment, isThere) => {
    const output = join(folder, `${moment}.${extension}`);
    writeFileSync(join(folder, `${moment}.mjs`), killingModule(moment));
    const { signal } = await tessera([...words, '-o', output], { node: ['--import', join(folder, `${moment}.mjs`)] });
    expect(signal).toBe('SIGKILL');
    expect(existsSync(output)).toBe(isThere);
    if (isThere) expect(readFileSync(output).equals(whole)).toBe(true);
  });

  test.each([0, 1])('a file that may not be larger than %i blocks: a line, exit code 1, nothing left behind', async (largestFile) => {
    const output = join(folder, `limited.${extension}`);
    expect(await tessera([...words, '-o', output], { largestFile })).toEqual({
      ...{ code: 1, signal: null },
      text: `tessera: cannot write ${output}: the file would be larger than the system allows\n`,
    });
    expect(readdirSync(folder).filter((name) => name.includes('limited'))).toEqual([]);
  });
});

/** Kills its process at a moment of writing the output. */
function killingModule(moment: string): string {
  return `import promises from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
const at = (name) => { if (name === ${JSON.stringify(moment)}) process.kill(process.pid, 'SIGKILL'); };
const { open, rename } = promises;
promises.open = async (path, ...rest) => {
  if (!String(path).endsWith('.part')) return open(path, ...rest);
  at('open');
  const file = await open(path, ...rest);
  at('opened');
  const write = file.writeFile.bind(file);
  file.writeFile = async (bytes) => {
    if (${JSON.stringify(moment)} === 'half') await write(bytes.subarray(0, bytes.length >> 1));
    at('half');
    await write(bytes);
    at('written');
  };
  return file;
};
promises.rename = async (...paths) => {
  at('rename');
  await rename(...paths);
  at('renamed');
};
syncBuiltinESMExports();
`;
}

test('input that cannot be read: a line and exit code 1', async () => {
  const output = join(folder, 'unread.png');
  for (const [input, reason] of [
    [folder, 'it is a directory'],
    [join(folder, 'missing.tsr'), 'no such file or directory'],
    [join(vector, 'inside'), 'a part of the path is not a directory'],
  ]) {
    expect(await tessera(['decode', input, '-o', output])).toEqual({
      ...{ code: 1, signal: null },
      text: `tessera: cannot read ${input}: ${reason}\n`,
    });
  }
  expect(existsSync(output)).toBe(false);
});

describe.each([
  ['decode', ['decode', vector, '-o', '-', '--quiet', ...models]],
  ['info', ['info', vector, '--json', ...models]],
])('%s', (_, words) => {
  test('with a reader that has gone: a line and exit code 1', async () => {
    expect(await tessera(words, { stdout: 'pipe' })).toEqual({
      ...{ code: 1, signal: null },
      text: 'tessera: cannot write standard output: the reader has closed it\n',
    });
  });

  test.skipIf(!existsSync('/dev/full'))('onto a full disk: a line and exit code 1', async () => {
    const full = openSync('/dev/full', 'w');
    const ending = await tessera(words, { stdout: full });
    closeSync(full);
    expect(ending).toEqual({ code: 1, signal: null, text: 'tessera: cannot write standard output: the disk is full\n' });
  });
});

test('a folder that cannot be used is named, and nothing is left behind', async () => {
  const output = join(vector, 'x.png');
  expect(await tessera(['decode', vector, '-o', output, ...models])).toEqual({
    ...{ code: 1, signal: null },
    text: `tessera: cannot write ${output}: a part of the path is not a directory\n`,
  });
});
