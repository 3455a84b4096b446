// Engines and bundlers from npm, in the versions of tests/matrix/versions.json, below build/engines/: not among the package's own.
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fromRoot } from '../setup.mjs';
import { run } from './command.mjs';

export const versions = JSON.parse(readFileSync(fromRoot('tests/matrix/versions.json'), 'utf8'));

/** Packages and versions of a target as npm takes them. */
export function packagesOf(name) {
  return Object.entries(versions[name]).map(([pack, version]) => `${pack}@${version}`);
}

/** Installs packages into a folder, from npm's cache where they are there. */
export function install(folder, packages) {
  return run('npm', ['install', '--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error', ...packages], { cwd: folder });
}

/**
 * Installs an engine or bundler unless it is there.
 *
 * @returns gives the path of one of its programs
 */
export async function ensureEngine(name) {
  const packages = packagesOf(name);
  const folder = fromRoot('build/engines', name);
  const stamp = `${folder}/.installed`;
  if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== packages.join(' ')) {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    writeFileSync(`${folder}/package.json`, '{ "private": true }\n');
    await install(folder, packages);
    writeFileSync(stamp, packages.join(' '));
  }
  return (program) => `${folder}/node_modules/.bin/${program}`;
}
