// A user's project outside the repository: the packed package and onnxruntime-web installed, the programs of tests/matrix beside them.
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import sharp from 'sharp';
import { fromRoot } from '../setup.mjs';
import { run } from './command.mjs';
import { install } from './engines.mjs';

const fixtures = fromRoot('tests/matrix/fixtures');
const { devDependencies } = JSON.parse(readFileSync(fromRoot('package.json'), 'utf8'));

/** What decoding the committed file must give: size, and SHA-256 of the pixels. */
export const expected = JSON.parse(readFileSync(`${fixtures}/expected.json`, 'utf8'));

/** Packs the package. Returns the tarball's path. */
export async function pack(folder) {
  await run('npm', ['pack', '--silent', '--pack-destination', folder], { cwd: fromRoot() });
  return `${folder}/${readdirSync(folder).find((name) => name.endsWith('.tgz'))}`;
}

/** Makes a project with the tarball, onnxruntime-web, and further packages. */
export async function makeProject(folder, tarball, packages = []) {
  mkdirSync(folder, { recursive: true });
  writeFileSync(`${folder}/package.json`, `${JSON.stringify({ name: 'project', private: true, type: 'module' })}\n`);
  await install(folder, [tarball, `onnxruntime-web@${devDependencies['onnxruntime-web']}`, ...packages]);
  await addPrograms(folder);
}

/** Copies check.js and the programs into a folder, with the fixtures as a module that every engine can import. */
export async function addPrograms(folder) {
  mkdirSync(folder, { recursive: true });
  cpSync(fromRoot('tests/matrix/check.js'), `${folder}/check.js`);
  cpSync(fromRoot('tests/matrix/programs'), folder, { recursive: true });
  const { data, info } = await sharp(`${fixtures}/picture.png`).ensureAlpha().raw().toBuffer({ resolveWithObject: true });
  const base64 = (bytes) => `'${Buffer.from(bytes).toString('base64')}'`;
  writeFileSync(
    `${folder}/given.js`,
    `const bytes = (base64) => Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
export const given = {
  file: bytes(${base64(readFileSync(`${fixtures}/picture.tsr`))}),
  picture: { width: ${info.width}, height: ${info.height}, data: new Uint8ClampedArray(bytes(${base64(data)})) },
};
`,
  );
}
