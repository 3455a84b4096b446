// `npm run check`: types, lint, format, and the figures that the documents quote. The types need the build, which generates a source file.
import { ensureBuilt, ensureInstalled, fromRoot, runOrExit } from './setup.mjs';

ensureInstalled();
ensureBuilt();
runOrExit(process.execPath, [fromRoot('node_modules/typescript/bin/tsc'), '--noEmit']);
runOrExit(process.execPath, [fromRoot('node_modules/@biomejs/biome/bin/biome'), 'ci', '.']);
runOrExit(process.execPath, [fromRoot('scripts/figures.mjs')]);
