// What reads package.json as npm, TypeScript and bundlers do: publint and "Are the types wrong?". Both on the tarball.
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fromRoot } from '../setup.mjs';
import { run } from './command.mjs';
import { ensureEngine, install, versions } from './engines.mjs';

function linter(name, args) {
  return {
    name,
    async run({ tarball }) {
      const program = await ensureEngine(name);
      // attw reads .attw.json here: the package is ESM alone, on purpose.
      await run(program(name), args(tarball), { cwd: fromRoot() });
      return { about: Object.values(versions[name])[0] };
    },
  };
}

/** The compiler of a user who checks every declaration and has no onnxruntime-web: all entries, by both ways of finding them. */
const typescript = {
  name: 'typescript',
  async run({ folder, tarball }) {
    const project = `${folder}/typescript`;
    mkdirSync(project);
    writeFileSync(`${project}/package.json`, `${JSON.stringify({ name: 'project', private: true, type: 'module' })}\n`);
    await install(project, [tarball]);
    cpSync(fromRoot('tests/matrix/programs/types.ts'), `${project}/types.ts`);
    const compiler = fromRoot('node_modules/typescript/bin/tsc');
    const options = ['--noEmit', '--strict', '--target', 'es2022', '--lib', 'es2023,dom', 'types.ts'];
    await run(process.execPath, [compiler, '--module', 'nodenext', ...options], { cwd: project });
    await run(process.execPath, [compiler, '--module', 'esnext', '--moduleResolution', 'bundler', ...options], { cwd: project });
    return { about: JSON.parse(readFileSync(fromRoot('node_modules/typescript/package.json'), 'utf8')).version };
  },
};

export const linters = [linter('publint', (tarball) => ['run', tarball, '--strict']), linter('attw', (tarball) => [tarball]), typescript];
