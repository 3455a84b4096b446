// `npm run bench`: every table and the report, one after the other, into bench/results/.
import { fromRoot, runOrExit } from '../scripts/setup.mjs';

for (const bench of ['entropy', 'speed', 'rd']) {
  console.error(`── ${bench} ──`);
  runOrExit(process.execPath, [fromRoot('bench', bench, 'main.mjs')]);
}
runOrExit(process.execPath, [fromRoot('scripts/figures.mjs'), '--write']);
