// `npm test`: installs and builds what is missing or stale, then runs the tests. Arguments go to vitest.
import { ensureBuilt, ensureInstalled, fromRoot, runOrExit } from './setup.mjs';

ensureInstalled();
ensureBuilt();
runOrExit(process.execPath, [fromRoot('node_modules/vitest/vitest.mjs'), 'run', ...process.argv.slice(2)]);
