// One mode at one effort against the published curves and the peers, from rows that scripts/evaluate.mjs has written:
//
//   node scripts/evaluate.mjs tessera ../shared/data/kodak bench/results/rd/highest.tsv --qualities 15,48,68,78,86,93 --modes 1 --effort 9
//   node bench/rd/highest.mjs
//   node scripts/evaluate.mjs tessera ../shared/data/kodak bench/results/rd/single.tsv --qualities 15,48,68,78,86,93 --modes 1 --effort 5
//   node bench/rd/highest.mjs single
//
// The highest effort takes an hour for 24 pictures, so the other benches do without it. The qualities are those whose rates come nearest to the six published points of
// `../shared/anchors/no-coolchic`, whose range of PSNR bounds the integral. Writes rd/NAME.json.
import { averageCurve, bdRate, readSeries } from '../../scripts/bdrate.mjs';
import { fromRoot } from '../../scripts/setup.mjs';
import { environment, resultPath, table, writeResult } from '../lib/environment.mjs';
import { round } from '../lib/measure.mjs';
import { readRemarks } from './curves.mjs';

const range = [25.3, 40.2];
const [name = 'highest'] = process.argv.slice(2);
const path = resultPath(`rd/${name}.tsv`);
const [[series, rows]] = readSeries(path);
const names = [...rows.keys()];
const published = (name) => [name, [...readSeries(fromRoot('../shared/anchors', name, 'kodak.tsv')).values()][0]];
const usual = [...readSeries(resultPath('rd/tessera.tsv'))].filter(([name]) => /modes=8 effort=5/.test(name));
const anchors = [published('hm'), published('no-coolchic'), ...usual, ...readSeries(resultPath('rd/peers.tsv'))];
const curve = averageCurve(rows, names);
const bdRates = anchors.map(([anchor, images]) => ({
  anchor,
  percent: round(100 * bdRate(averageCurve(images, names), curve, range).rate),
}));
console.log(`${series}, ${names.length} pictures`);
console.log(table(Object.keys(bdRates[0]), bdRates));
writeResult(`rd/${name}.json`, { environment: environment(), series, from: readRemarks(path), pictures: names.length, range, bdRates });
