/** The conformance vectors in this Node and in Chromium; `node scripts/engines.mjs` asks seven engines. */

import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { expect, test } from 'vitest';
import { vectors } from '../conformance/files.js';
import { fromRoot } from '../helpers.js';

const hasChromium = existsSync(process.env.TESSERA_CHROMIUM ?? '/usr/bin/chromium');

function outputOf(engine: string): string {
  return execFileSync(process.execPath, [fromRoot('scripts/engines.mjs'), '--only', engine], { encoding: 'utf8' });
}

test('this Node: every hash, scalar and SIMD, in one worker and in four', () => {
  expect(outputOf('here')).toBe(`here ${process.version}: ${vectors.length} vectors × 4 ways, 0 differences\n`);
});

test.skipIf(!hasChromium)('Chromium: the same', () => {
  expect(outputOf('chromium')).toMatch(new RegExp(`^chromium [0-9.]+: ${vectors.length} vectors × 4 ways, 0 differences\\n$`));
});
