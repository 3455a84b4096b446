// Results of long runs: one entry per commit, machine and seed in a JSON file, so that an interrupted run goes on where it was.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';

/**
 * The entry of this commit, this machine and `about`, as an earlier run has left it, or a new one made of `start`.
 *
 * @param path - undefined for no file: then nothing is kept
 */
export function openRecord(path, about, start) {
  const all = path !== undefined && existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : [];
  const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim();
  const key = { commit, ...about, node: process.version, processor: cpus()[0]?.model ?? 'unknown' };
  let entry = all.find((other) => Object.entries(key).every(([name, value]) => other[name] === value));
  if (entry === undefined) {
    entry = { ...key, ...start };
    all.push(entry);
  }
  const save = () => {
    if (path !== undefined) writeFileSync(path, `${JSON.stringify(all, null, 1)}\n`);
  };
  return { entry, save };
}

/** Bundles a TypeScript file of tests/ and returns the address of the result. Remove it when done. */
export async function bundleOf(entryPoint, file) {
  const { build } = await import('esbuild');
  const { fromRoot } = await import('./setup.mjs');
  await build({
    absWorkingDir: fromRoot(),
    entryPoints: [entryPoint],
    outfile: file,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    external: ['sharp', 'onnxruntime-web', 'onnxruntime-web/wasm'],
    logLevel: 'warning',
  });
}
