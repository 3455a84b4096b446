// What reads package.json as npm, TypeScript and bundlers do: publint and "Are the types wrong?". Both on the tarball.
import { fromRoot } from '../setup.mjs';
import { run } from './command.mjs';
import { ensureEngine, versions } from './engines.mjs';

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

export const linters = [linter('publint', (tarball) => ['run', tarball, '--strict']), linter('attw', (tarball) => [tarball])];
