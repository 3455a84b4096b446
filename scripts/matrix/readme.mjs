// The uses that README.md shows, taken from there and run: nothing of them is repeated here.
import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fromRoot } from '../setup.mjs';
import { inPage } from './chromium.mjs';
import { outcomeOf, run } from './command.mjs';
import { ensureEngine } from './engines.mjs';
import { addPrograms, expected } from './project.mjs';
import { serveWorker } from './workerd.mjs';

const fixture = fromRoot('tests/matrix/fixtures/picture.tsr');

/** The code of an example. Five lines, as promised. */
function example(name) {
  const [, code] = readFileSync(fromRoot('README.md'), 'utf8').match(new RegExp(`\`\`\`js example=${name}\\n(.*?)\`\`\``, 's'));
  assert.equal(code.trim().split('\n').length, 5, `lines of the example for ${name}`);
  return code;
}

/** A folder in the project with the programs and the file that the examples read. */
async function folderFor(project, name) {
  const folder = `${project}/readme-${name}`;
  await addPrograms(folder);
  mkdirSync(`${folder}/public`);
  copyFileSync(fixture, `${folder}/in.tsr`);
  copyFileSync(fixture, `${folder}/public/picture.tsr`);
  return folder;
}

/** Runs an example in a page that Vite makes without configuration, and then an expression in the same module. */
async function inVite(project, name, { html, before = '', after }) {
  const folder = await folderFor(project, name);
  writeFileSync(`${folder}/index.html`, `<!doctype html><meta charset="utf-8">${html}<script type="module" src="/main.js"></script>\n`);
  writeFileSync(
    `${folder}/example.js`,
    `import { given } from './given.js';\nimport { sha256 } from './check.js';\n${before}\n${example(name)}\n${after}\n`,
  );
  writeFileSync(`${folder}/main.js`, `globalThis.example = import('./example.js').then(({ outcome }) => outcome);\n`);
  await run((await ensureEngine('vite'))('vite'), ['build'], { cwd: folder });
  return inPage(`${folder}/dist`, (tab) => tab.evaluate('globalThis.example'));
}

const uses = {
  async node({ project }) {
    const folder = await folderFor(project, 'node');
    const after = `console.log(JSON.stringify([width, height, picture.width, picture.height, probe(await readFile('out.tsr'))]));`;
    writeFileSync(`${folder}/example.mjs`, `${example('node')}\n${after}\n`);
    const [width, height, regionWidth, regionHeight, written] = outcomeOf(await run(process.execPath, ['example.mjs'], { cwd: folder }));
    assert.deepEqual([width, height, regionWidth, regionHeight], [expected.width, expected.height, expected.width, 100]);
    assert.deepEqual([written.width, written.height], [expected.width, 100]);
  },

  async page({ project }) {
    const pixels = await inVite(project, 'page', {
      html: '<canvas></canvas>',
      after: `export const outcome = await sha256(canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data);`,
    });
    assert.equal(pixels, expected.pixels);
  },

  async worker({ project }) {
    const outcome = await inVite(project, 'worker', {
      html: '<progress></progress>',
      before: 'const imageData = new ImageData(given.picture.data, given.picture.width);',
      after: `const { width, height } = await codec.decode(bytes);
        export const outcome = { width, height, progress: document.querySelector('progress').value };`,
    });
    assert.deepEqual(outcome, { width: expected.width, height: expected.height, progress: 1 });
  },

  async workerd({ project }) {
    const folder = await folderFor(project, 'workerd');
    writeFileSync(`${folder}/workerd.js`, example('workerd'));
    const { probe } = await import('../../build/index.js');
    await serveWorker(folder, async ([address]) => {
      const response = await fetch(address, { method: 'POST', body: readFileSync(fixture), signal: AbortSignal.timeout(120_000) });
      if (!response.ok) throw new Error(await response.text());
      const { width, height } = probe(await response.arrayBuffer());
      assert.deepEqual([width, height], [expected.width, expected.height]);
    });
  },
};

export const readmeTargets = Object.entries(uses).map(([name, use]) => ({
  name: `readme-${name}`,
  async run(context) {
    await use(context);
    return { about: 'README.md' };
  },
}));
