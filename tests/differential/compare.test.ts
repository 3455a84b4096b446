/** Both decoders on files that our encoder would never write; `node scripts/differential.mjs` compares as many as one likes. */

import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { fromRoot } from '../helpers.js';
import { compareDecoders } from './compare.js';

test('150 generated files are read alike', { timeout: 600_000 }, async () => {
  const { files, differences } = await compareDecoders(20_261_121, 0, 150);
  expect(files).toBe(150);
  expect(differences).toEqual([]);
});

test('the plain decoder takes nothing from src/ or assembly/', () => {
  const folder = fromRoot('tests/differential');
  // What makes and compares files may use anything; whatever else is here is the decoder.
  const decoder = readdirSync(folder).filter((name) => !['compare.ts', 'compare.test.ts', 'extremes.ts', 'generate.ts'].includes(name));
  expect(decoder).toContain('decoder.ts');
  const allowed = ['node:crypto', ...decoder.map((name) => `./${name.replace(/ts$/, 'js')}`)];
  for (const name of decoder) {
    for (const [, source] of readFileSync(`${folder}/${name}`, 'utf8').matchAll(/from '(.*)'/g)) expect(allowed, name).toContain(source);
  }
});
