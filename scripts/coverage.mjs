// Line coverage of what untrusted bytes meet first, by the tests that are meant for it; fails below 95 % (vitest.config.ts).
import { ensureBuilt, ensureInstalled, fromRoot, runOrExit } from './setup.mjs';

ensureInstalled();
ensureBuilt();
const tests = ['container', 'limits', 'pack', 'partial', 'alpha', 'adaptation', 'hostile', 'corrupt', 'package/entropy'].map(
  (name) => `tests/${name}`,
);
runOrExit(process.execPath, [fromRoot('node_modules/vitest/vitest.mjs'), 'run', '--coverage', '--reporter=dot', ...tests]);
