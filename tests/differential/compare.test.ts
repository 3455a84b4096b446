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
  for (const name of ['bytes', 'container', 'decoder', 'latents', 'pack', 'pixels']) {
    const imports = [...readFileSync(`${folder}/${name}.ts`, 'utf8').matchAll(/from '(.*)'/g)].map(([, source]) => source);
    for (const source of imports) expect(source, name).toMatch(/^(node:crypto|\.\/(bytes|container|decoder|latents|pack|pixels)\.js)$/);
  }
  // A new file must be put on one of the two sides.
  expect(readdirSync(folder).filter((name) => name.endsWith('.ts')).length).toBe(9);
});
