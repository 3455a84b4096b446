// Node, Deno and Bun from npm.
import { outcomeOf, run } from './command.mjs';
import { ensureEngine } from './engines.mjs';

/** A target that runs the command line's program with one of its programs. */
function host(name, program, args, version) {
  return {
    name,
    async run({ project }) {
      const command = (await ensureEngine(name))(program);
      const about = await run(command, version, { cwd: project });
      return { about: about.trim(), outcome: outcomeOf(await run(command, [...args, 'command-line.mjs'], { cwd: project })) };
    },
  };
}

const print = 'console.log';
export const hosts = [
  ...[20, 22, 24].map((major) => host(`node${major}`, 'node', [], ['-p', 'process.version'])),
  host(
    'deno',
    'deno',
    ['run', '--no-config', '--node-modules-dir=manual', '--cached-only', '--allow-read', '--allow-env'],
    ['eval', `${print}(Deno.version.deno)`],
  ),
  host('bun', 'bun', ['run'], ['--version']),
];
