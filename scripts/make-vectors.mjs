// Writes the conformance pack and vectors, the damaged files of tests/corrupt, the fixtures of tests/matrix, and the hex appendix of FORMAT.md.
// The same files every time: a change in any of them is a change of the format, or of what the vectors cover.
import { rmSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { update as updateMatrix } from './matrix/update.mjs';
import { ensureBuilt, ensureInstalled, fromRoot, runOrExit } from './setup.mjs';

ensureInstalled();
ensureBuilt();
const bundle = fromRoot('build/make-vectors.mjs');
await build({
  absWorkingDir: fromRoot(),
  entryPoints: ['tests/conformance/generate.ts'],
  outfile: bundle,
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  logLevel: 'warning',
});
const { generate } = await import(pathToFileURL(bundle).href);
await generate(fromRoot());
await updateMatrix();
rmSync(bundle);
runOrExit(process.execPath, [fromRoot('node_modules/@biomejs/biome/bin/biome'), 'format', '--write', 'tests/conformance', 'tests/corrupt']);
