/** Output of the command line when the world does not play along: killed at any moment, a full disk, a reader that has gone. */

import { spawn } from 'node:child_process';
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { fromRoot } from '../helpers.js';

const folder = mkdtempSync(join(tmpdir(), 'tessera-output-'));
afterAll(() => rmSync(folder, { recursive: true }));

const vector = fromRoot('tests/conformance/vectors/shape-tile-and-one.tsr');
const models = fromRoot('tests/conformance/pack');

interface Ending {
  readonly code: number | null;
  readonly signal: string | null;
  readonly text: string;
}

/** Runs the built command line. @param stdout - where its standard output goes; a pipe is closed at once */
function tessera(words: readonly string[], stdout: 'ignore' | 'pipe' | number, killAfter?: number): Promise<Ending> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [fromRoot('build/cli.js'), ...words, '--model', models], { stdio: ['ignore', stdout, 'pipe'] });
    let text = '';
    child.stdout?.destroy();
    child.stderr?.on('data', (chunk: Buffer) => {
      text += chunk.toString();
    });
    if (killAfter !== undefined) setTimeout(() => child.kill('SIGKILL'), killAfter);
    child.on('close', (code, signal) => resolve({ code, signal, text }));
  });
}

test('killed at any moment, the output is not there or whole', async () => {
  const output = join(folder, 'whole.png');
  expect(await tessera(['decode', vector, '-o', output, '--quiet'], 'ignore')).toMatchObject({ code: 0, text: '' });
  const whole = readFileSync(output);
  let killed = 0;
  for (let delay = 10; delay <= 400; delay += 30) {
    const cut = join(folder, `cut-${delay}.png`);
    const { signal } = await tessera(['decode', vector, '-o', cut, '--quiet'], 'ignore', delay);
    if (signal === 'SIGKILL') killed++;
    if (existsSync(cut)) expect(readFileSync(cut).equals(whole), `after ${delay} ms`).toBe(true);
  }
  expect(killed).toBeGreaterThan(0);
});

describe.each([
  ['decode', ['decode', vector, '-o', '-', '--quiet']],
  ['info', ['info', vector, '--json']],
])('%s', (_, words) => {
  test('with a reader that has gone: a line and exit code 1', async () => {
    expect(await tessera(words, 'pipe')).toEqual({
      ...{ code: 1, signal: null },
      text: 'tessera: cannot write standard output: the reader has closed it\n',
    });
  });

  test.skipIf(!existsSync('/dev/full'))('onto a full disk: a line and exit code 1', async () => {
    const full = openSync('/dev/full', 'w');
    const ending = await tessera(words, full);
    closeSync(full);
    expect(ending).toEqual({ code: 1, signal: null, text: 'tessera: cannot write standard output: the disk is full\n' });
  });
});

test('a folder that cannot be used is named, and nothing is left behind', async () => {
  const output = join(vector, 'x.png');
  expect(await tessera(['decode', vector, '-o', output], 'ignore')).toEqual({
    ...{ code: 1, signal: null },
    text: `tessera: cannot write ${output}: a part of the path is not a directory\n`,
  });
});
