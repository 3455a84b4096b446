// Rate and distortion of real files: Tessera with 1, 2, 4 and 8 codecs beside the formats people would use instead.
//
//   node bench/rd/main.mjs [--folder FOLDER] [--limit N] [--qualities …] [--modes 1,2,4] [--modes-effort 6] [--subset-qualities …]
//                          [--processes 2]
//                          [--efforts …] [--effort-pictures 3] [--effort-qualities …] [--crops 3]
//                          [--skip tessera,peers,efforts,report,crops] [--out FOLDER]
//
// Every file of Tessera is decoded again and compared with the encoder's reconstruction. Rows that are known are not computed again (cells.mjs);
// `--skip` uses the tables that are there already. Times are CPU times of a loaded machine: bench/speed has the careful ones.
// Writes rd/tessera.tsv, rd/peers.tsv, rd/efforts.tsv, rd/coolchic-*.tsv, rd/compressai-*.json, rd/*.svg and rd.json; the report with
// its crops goes to out/bench/report.html, since crops of Kodak are not ours to hand out.
import { fork } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { parseArgs } from 'node:util';
import { fromRoot } from '../../scripts/setup.mjs';
import { loadInner } from '../lib/core.mjs';
import { environment, resultPath, table, writeResult } from '../lib/environment.mjs';
import { pictureFiles, pictureFolder, readPicture } from '../lib/pictures.mjs';
import { identity, split, tableOf } from './cells.mjs';
import { loadCodecs } from './codecs.mjs';
import { cropsOf } from './crops.mjs';
import { bdTable, compressAi, coolChic, curvesOf, effortLadder, modesTable, readRemarks, readRows, seriesOf } from './curves.mjs';
import { charts, reportPage } from './report.mjs';

const { values: options } = parseArgs({
  options: {
    folder: { type: 'string' },
    limit: { type: 'string' },
    modes: { type: 'string', default: '1,2,4' },
    'modes-effort': { type: 'string', default: '6' },
    qualities: { type: 'string', default: '0,10,20,30,40,50,60,70,80,90,100' },
    'subset-qualities': { type: 'string', default: '20,40,60,80' },
    efforts: { type: 'string', default: '1,2,3,4,5,6,7,8,9' },
    'effort-pictures': { type: 'string', default: '3' },
    'effort-qualities': { type: 'string', default: '20,50,80' },
    processes: { type: 'string', default: '2' },
    crops: { type: 'string', default: '3' },
    skip: { type: 'string', default: '' },
    out: { type: 'string' },
  },
});
const skipped = new Set(options.skip.split(','));
const data = options.folder === undefined ? pictureFolder() : { name: basename(options.folder), path: options.folder };
const files = pictureFiles(data.path, options.limit === undefined ? undefined : Number(options.limit));
const place = (name) => resultPath(`rd/${name}`, options.out);

const inner = await loadInner();
const info = environment();
const codecs = await loadCodecs();
const engine = inner.engineOfPackage();

const pack = await inner.loadPack();
const versions = { tessera: identity(pack), ...Object.fromEntries(codecs.map(({ key, describe }) => [key, describe])) };
const names = files.map((file) => basename(file, '.png'));
const numbers = (text) => text.split(',').map(Number);

/** All combinations, picture by picture. */
const cellsOf = (images, lists) =>
  images.flatMap((image) =>
    lists.reduce(
      (cells, [key, values]) => cells.flatMap((cell) => values.map((value) => ({ ...cell, [key]: value }))),
      [{ codec: 'tessera', image }],
    ),
  );

/** Computes what is missing in processes of their own and returns the rows of all cells. */
async function rowsOf(what, cells) {
  const { missing } = split(cells, data.name, versions);
  console.error(`${what}: ${cells.length} cells, ${missing.length} to compute`);
  const count = Math.min(Number(options.processes), missing.length);
  // Neighbouring cells share their picture: each process takes a stretch.
  const shares = Array.from({ length: count }, (_, index) =>
    missing.slice(Math.floor((index * missing.length) / count), Math.floor(((index + 1) * missing.length) / count)),
  );
  await Promise.all(
    shares.map(
      (share) =>
        new Promise((done, fail) => {
          const child = fork(fromRoot('bench/rd/share.mjs'));
          child.once('exit', (code) => (code === 0 ? done() : fail(new Error(`a process of the bench ended with ${code}`))));
          child.send({ cells: share, data: data.name, folder: data.path, versions });
        }),
    ),
  );
  return split(cells, data.name, versions).rows;
}

const defaultEffort = inner.defaultOptions.effort;
/** The lowest at which codecs compete. */
const modesEffort = Number(options['modes-effort']);
const tesseraCells = [
  ...cellsOf(names, [
    ['modes', [8]],
    ['effort', [defaultEffort, modesEffort]],
    ['quality', numbers(options.qualities)],
  ]),
  ...cellsOf(names, [
    ['modes', numbers(options.modes)],
    ['effort', [modesEffort]],
    ['quality', numbers(options['subset-qualities'])],
  ]),
];
const peerCells = names.flatMap((image) =>
  codecs.flatMap(({ key, qualities }) => qualities.map((quality) => ({ codec: key, image, quality }))),
);
const effortNames = pictureFiles(data.path, Number(options['effort-pictures'])).map((file) => basename(file, '.png'));
const effortCells = cellsOf(effortNames, [
  ['modes', [8]],
  ['effort', numbers(options.efforts)],
  ['quality', numbers(options['effort-qualities'])],
]);

async function makeCrops() {
  const tessera = {
    encode: async (image) => (await inner.encodeDetailed(engine, image, { quality: 40 })).bytes,
    decode: (bytes) => inner.decodeFile(engine, bytes, {}),
  };
  const crops = [];
  for (const file of pictureFiles(data.path, Number(options.crops))) {
    crops.push(await cropsOf(await readPicture(file), tessera, codecs, inner.psnr));
  }
  return crops;
}

const own = place('tessera.tsv');
const others = place('peers.tsv');
const ladder = place('efforts.tsv');
const from = [`commit ${info.commit}`, `pack ${info.pack.id} ${info.pack.name}, decoder.bin sha256 ${info.pack.decoderSha256}`];
const machine = `${info.cpu}, ${info.processors} processors, node ${info.node}, ${info.platform}`;
const described = new Map(codecs.map(({ key, title, describe }) => [key, `${title}: ${describe}`]));
if (!skipped.has('peers')) writeFileSync(others, tableOf([...described.values(), machine], await rowsOf('peers', peerCells)));
if (!skipped.has('tessera')) writeFileSync(own, tableOf([...from, machine], await rowsOf('tessera', tesseraCells)));
if (!skipped.has('efforts')) writeFileSync(ladder, tableOf([...from, machine], await rowsOf('efforts', effortCells)));
if (skipped.has('report')) process.exit(0);
const modes = modesTable(own, modesEffort, numbers(options['subset-qualities']));
console.log(table(Object.keys(modes[0]), modes));
const efforts = effortLadder(ladder, defaultEffort);
console.log(table(Object.keys(efforts[0]), efforts));

// HEVC's reference software is the anchor of the papers, where the project's points for this data set are at hand.
const published = fromRoot('../shared/anchors/hm', `${data.name}.tsv`);
const anchors = existsSync(published) ? [published] : [];
const curves = [...curvesOf(own), ...curvesOf(others)];
const bdRates = bdTable([...anchors, others], [own, others]);
console.log(table(Object.keys(bdRates[0]), bdRates));

for (const curve of curves) {
  const file = curve.name.replaceAll(' ', '-').replaceAll('=', '');
  const description = described.get(curve.name) ?? `Tessera, pack ${info.pack.decoderSha256.slice(0, 16)}, commit ${info.commit}`;
  writeFileSync(place(`compressai-${file}.json`), `${JSON.stringify(compressAi(curve, description), undefined, 2)}\n`);
}
const rows = readRows(own);
for (const name of new Set(rows.map(seriesOf))) {
  const file = name.replaceAll(' ', '-').replaceAll('=', '');
  writeFileSync(place(`coolchic-${file}.tsv`), coolChic(rows.filter((row) => seriesOf(row) === name)));
}
const shown = curves.filter(({ name }) => !/modes=[124] /.test(name));
for (const [name, svg] of Object.entries(charts(shown))) writeFileSync(place(`${name}.svg`), svg);
const crops = skipped.has('crops') ? [] : await makeCrops();
const remarks = [...readRemarks(own), ...readRemarks(others)];
const images = new Set(rows.map(({ image }) => image)).size;
writeFileSync(
  fromRoot('out/bench/report.html'),
  reportPage({ environment: info, data: data.name, images, remarks, curves: shown, bdRates, efforts, crops }),
);
writeResult('rd.json', { environment: info, data: data.name, images, bdRates, modes, efforts, curves }, options.out);
