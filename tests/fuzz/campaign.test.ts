/** The part of the fuzzing that every change goes through; `node scripts/fuzz.mjs` runs as much more as one likes. */

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { Random } from '../conformance/random.js';
import { fromRoot, sameBytes } from '../helpers.js';
import { describe as describeReport, runCampaign } from './campaign.js';
import { targets } from './targets.js';

test('20,000 cases: no trap, no untyped exception, no internal error', { timeout: 600_000 }, async () => {
  const report = await runCampaign({ seed: 20_261_121, first: 0, count: 20_000 });
  expect(report.findings, describeReport(report)).toEqual([]);
  // The cases go where they should: past the checksums, into the streams, through the pack, and some of them all the way.
  const outcomes = (name: string): string[] => Object.keys(report.tallies[name].outcomes);
  expect(outcomes('header')).toEqual(expect.arrayContaining(['corruptHeader', 'limitPixels', 'unknownModel', 'entropyDesync', 'accepted']));
  expect(outcomes('sections')).toEqual(expect.arrayContaining(['truncated', 'corruptSection', 'checksumMismatch', 'unsupportedFeature']));
  expect(outcomes('modes')).toEqual(expect.arrayContaining(['corruptSection', 'entropyDesync', 'accepted']));
  expect(outcomes('latents')).toEqual(expect.arrayContaining(['entropyDesync', 'accepted']));
  expect(outcomes('alpha')).toEqual(expect.arrayContaining(['corruptSection', 'entropyDesync', 'accepted']));
  expect(outcomes('region')).toEqual(expect.arrayContaining(['entropyDesync', 'accepted']));
  expect(outcomes('partial')).toEqual(expect.arrayContaining(['corruptHeader', 'accepted']));
  expect(outcomes('decoder')).toEqual(expect.arrayContaining(['corruptModel', 'accepted']));
  expect(outcomes('manifest')).toEqual(expect.arrayContaining(['corruptModel', 'accepted']));
  expect(outcomes('input')).toEqual(expect.arrayContaining(['corruptPicture', 'accepted']));
});

test('the command line: an exit code, one line and no half output for damaged input', async () => {
  const report = await runCampaign({ seed: 5, first: 0, count: 10, target: 'command' });
  expect(report.findings, describeReport(report)).toEqual([]);
});

test('a case is the same whenever it is made', () => {
  for (const target of targets) expect(sameBytes(target.make(new Random(9)), target.make(new Random(9))), target.name).toBe(true);
});

test('every earlier finding stays fixed', async () => {
  const folder = fromRoot('tests/fuzz/regressions');
  for (const file of existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.bin')) : []) {
    const target = targets.find(({ name }) => file.startsWith(`${name}-`));
    const bytes = new Uint8Array(readFileSync(`${folder}/${file}`));
    const outcome = await target?.run(bytes);
    expect(outcome, file).toBeDefined();
    if (outcome !== undefined) await target?.check?.(bytes, outcome);
  }
});
