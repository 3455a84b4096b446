// `npm run matrix`: the packed package in every engine and bundler it promises to work in. See tests/matrix/README.md.
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ensureBuilt, ensureInstalled } from './setup.mjs';

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    list: { type: 'boolean' },
    keep: { type: 'boolean' },
    update: { type: 'boolean' },
  },
});

ensureInstalled();
ensureBuilt();
if (values.update) {
  await (await import('./matrix/update.mjs')).update();
  process.exit(0);
}
const { hosts } = await import('./matrix/hosts.mjs');
const { chromiumTargets } = await import('./matrix/chromium.mjs');
const { bundlers } = await import('./matrix/bundlers.mjs');
const { nextTarget } = await import('./matrix/next.mjs');
const { readmeTargets } = await import('./matrix/readme.mjs');
const { linters } = await import('./matrix/lint.mjs');
const { workerdTarget } = await import('./matrix/workerd.mjs');
const { expected, makeProject, pack } = await import('./matrix/project.mjs');
const { outcomeOf, run } = await import('./matrix/command.mjs');

const targets = [...linters, ...hosts, ...chromiumTargets, workerdTarget, ...readmeTargets, ...bundlers, nextTarget];
if (values.list) {
  for (const { name } of targets) console.log(name);
  process.exit(0);
}
const names = values.only?.split(',') ?? targets.map(({ name }) => name);
const unknown = names.filter((name) => !targets.some((target) => target.name === name));
if (unknown.length > 0) {
  console.error(`There is no target ${unknown.join(', ')}; --list names them.`);
  process.exit(2);
}

const folder = mkdtempSync(join(tmpdir(), 'tessera-matrix-'));
let failures = 0;
try {
  mkdirSync(`${folder}/package`);
  const tarball = await pack(`${folder}/package`);
  const project = `${folder}/project`;
  await makeProject(project, tarball);
  // What this Node writes is what every other engine has to write.
  const reference = outcomeOf(await run(process.execPath, ['command-line.mjs'], { cwd: project }));
  assert.equal(reference.closeToSource, true, 'the encoded picture is far from its source');
  for (const target of targets.filter(({ name }) => names.includes(name))) {
    const start = performance.now();
    try {
      const { about, outcome } = await target.run({ folder, project, tarball });
      // Linters and the examples of the README have no outcome; they throw.
      if (outcome !== undefined) assert.deepEqual(outcome, { ...expected, encoded: reference.encoded, closeToSource: true });
      const seconds = ((performance.now() - start) / 1000).toFixed(1);
      const words = outcome === undefined ? 'as promised' : 'decodes to the hash, encodes to the same file';
      console.log(`ok   ${target.name.padEnd(16)} ${words.padEnd(48)} ${about} (${seconds} s)`);
    } catch (error) {
      failures++;
      console.log(`FAIL ${target.name}\n${error.message}`);
    }
  }
} finally {
  if (values.keep) console.log(`kept: ${folder}`);
  else rmSync(folder, { recursive: true, force: true });
}
console.log(`${names.length - failures} passed, ${failures} failed`);
process.exitCode = failures === 0 ? 0 : 1;
