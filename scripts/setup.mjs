// Makes a fresh clone ready: installs when node_modules is missing or stale, builds when a source is newer than the build.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, lstatSync, readdirSync, readFileSync, statSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const stamp = join(root, 'node_modules', '.tessera-stamp');

/** Absolute path of something in the repository. */
export function fromRoot(...parts) {
  return join(root, ...parts);
}

/** What is made ready on the way is not what a script prints: `scripts/demo.mjs` prints its address and nothing else. */
const toStderr = ['inherit', 2, 'inherit'];

/** Runs a command in the repository's root and ends this process with its status if that is not 0. */
export function runOrExit(command, args, stdio = 'inherit') {
  const { status, error } = spawnSync(command, args, { cwd: root, stdio });
  if (error !== undefined) console.error(`${command}: ${error.message}`);
  if (status !== 0) process.exit(status ?? 1);
}

/** Runs `npm ci` unless node_modules was installed from this package-lock.json. */
export function ensureInstalled() {
  const lock = createHash('sha256')
    .update(readFileSync(fromRoot('package-lock.json')))
    .digest('hex');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8').trim() === lock) return;
  // `npm ci` would empty the folder behind a link, which is another clone's.
  if (lstatSync(fromRoot('node_modules'), { throwIfNoEntry: false })?.isSymbolicLink()) unlinkSync(fromRoot('node_modules'));
  console.error('Installing the packages of package-lock.json …');
  runOrExit('npm', ['ci', '--no-audit', '--no-fund'], toStderr);
  writeFileSync(stamp, `${lock}\n`);
}

/** Builds unless everything in build/ is newer than every source. */
export function ensureBuilt() {
  const newestSource = Math.max(
    ...['assembly', 'src', 'models', 'scripts/build.mjs', 'asconfig.json', 'package-lock.json', 'tsconfig.json', 'tsconfig.build.json'].map(
      (path) => newest(fromRoot(path)),
    ),
  );
  const outputs = ['build/codec.wasm', 'build/index.js', 'build/cli.js', 'build/types/index.d.ts', 'build/.complete'].map((path) =>
    fromRoot(path),
  );
  if (outputs.every(existsSync) && statSync(fromRoot('build/.complete')).mtimeMs >= newestSource) return;
  console.error('Building …');
  runOrExit(process.execPath, [fromRoot('scripts/build.mjs')], toStderr);
}

/** Time of the newest file in a file or folder, without what the build itself generates. */
function newest(path) {
  if (!existsSync(path)) return 0;
  const { mtimeMs } = statSync(path);
  if (!statSync(path).isDirectory()) return mtimeMs;
  const inside = readdirSync(path).filter((name) => name !== 'generated');
  return Math.max(0, ...inside.map((name) => newest(join(path, name))));
}
