/** The appendix of FORMAT.md is what the two vectors say, byte by byte. */

import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { fromRoot } from '../helpers.js';
import { annotate, annotatedVectors, appendix, appendixStart } from './annotate.js';

const files = annotatedVectors.map((name) => ({
  name,
  purpose: JSON.parse(readFileSync(fromRoot(`tests/conformance/vectors/${name}.json`), 'utf8')).purpose as string,
  bytes: new Uint8Array(readFileSync(fromRoot(`tests/conformance/vectors/${name}.tsr`))),
}));

test('the appendix is up to date', () => {
  const document = readFileSync(fromRoot('FORMAT.md'), 'utf8');
  expect(document.slice(document.indexOf(appendixStart))).toBe(appendix(files));
});

test.each(files)('the annotation of $name holds every byte once', ({ bytes }) => {
  const shown = annotate(bytes)
    .split('\n')
    .flatMap((line) => line.slice(6, 29).trim().split(' '))
    .map((hex) => Number.parseInt(hex, 16));
  expect(shown).toEqual([...bytes]);
});
