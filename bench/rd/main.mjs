// Rate and distortion of real files: Tessera with 1, 2, 4 and 8 codecs beside the formats people would use instead.
//
//   node bench/rd/main.mjs [--folder FOLDER] [--limit N] [--modes 1,2,4,8] [--efforts 5] [--qualities …] [--crops 3]
//                          [--skip tessera,peers,crops] [--out FOLDER]
//
// Rows: scripts/evaluate.mjs for Tessera, the same columns for the peers. `--skip` uses the tables that are there already.
// Writes rd/tessera.tsv, rd/peers.tsv, rd/coolchic-*.tsv, rd/compressai-*.json, rd/*.svg, rd/report.html and rd.json.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { fromRoot } from '../../scripts/setup.mjs';
import { loadInner } from '../lib/core.mjs';
import { environment, resultPath, table, writeResult } from '../lib/environment.mjs';
import { timed } from '../lib/measure.mjs';
import { pictureFiles, pictureFolder, readPicture } from '../lib/pictures.mjs';
import { loadCodecs } from './codecs.mjs';
import { cropsOf } from './crops.mjs';
import { bdTable, compressAi, coolChic, curvesOf, readRemarks, readRows, seriesOf } from './curves.mjs';
import { charts, reportPage } from './report.mjs';

const { values: options } = parseArgs({
  options: {
    folder: { type: 'string' },
    limit: { type: 'string' },
    modes: { type: 'string', default: '1,2,4,8' },
    efforts: { type: 'string', default: '5' },
    qualities: { type: 'string', default: '0,10,20,30,40,50,60,70,80,90,100' },
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

/** Rows of Tessera, from the script that the README names, on the chosen pictures. */
function runTessera(path) {
  const folder = mkdtempSync(join(tmpdir(), 'tessera-'));
  try {
    for (const file of files) symlinkSync(resolve(file), join(folder, basename(file)));
    const words = ['--qualities', options.qualities, '--modes', options.modes, '--effort', options.efforts];
    execFileSync(process.execPath, [fromRoot('scripts/evaluate.mjs'), 'tessera', folder, path, ...words], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The same columns for the peers. */
async function runPeers(path) {
  const columns = [
    'codec',
    'image',
    'quality',
    'modes',
    'effort',
    'width',
    'height',
    'bytes',
    'bpp',
    'psnr',
    'msssim',
    'sse',
    'encodeMs',
    'decodeMs',
  ];
  const lines = [...codecs.map(({ title, describe }) => `# ${title}: ${describe}`), columns.join('\t')];
  for (const file of files) {
    const image = await readPicture(file);
    const { width, height } = image;
    for (const { key, qualities, encode, decode } of codecs) {
      for (const quality of qualities) {
        const { value: bytes, cpu: encodeMs } = await timed(() => encode(image, quality));
        const { value: picture, cpu: decodeMs } = await timed(() => decode(bytes));
        const row = {
          ...{ codec: key, image: image.name, quality, width, height, bytes: bytes.length },
          bpp: ((8 * bytes.length) / (width * height)).toFixed(6),
          psnr: inner.psnr(image, picture).toFixed(5),
          msssim: inner.msSsim(image, picture).toFixed(6),
          sse: inner.squaredError(image, picture),
          ...{ encodeMs: encodeMs.toFixed(1), decodeMs: decodeMs.toFixed(1) },
        };
        lines.push(columns.map((column) => row[column] ?? '').join('\t'));
      }
    }
    console.error(image.name);
  }
  writeFileSync(path, `${lines.join('\n')}\n`);
}

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
if (!skipped.has('tessera')) runTessera(own);
if (!skipped.has('peers')) await runPeers(others);

// HEVC's reference software is the anchor of the papers, where the project's points for this data set are at hand.
const published = fromRoot('../shared/anchors/hm', `${data.name}.tsv`);
const anchors = existsSync(published) ? [published] : [];
const curves = [...curvesOf(own), ...curvesOf(others)];
const bdRates = bdTable([...anchors, others], [own, others]);
console.log(table(Object.keys(bdRates[0]), bdRates));

const described = new Map(codecs.map(({ key, title, describe }) => [key, `${title}: ${describe}`]));
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
for (const [name, svg] of Object.entries(charts(curves))) writeFileSync(place(`${name}.svg`), svg);
const crops = skipped.has('crops') ? [] : await makeCrops();
const remarks = [...readRemarks(own), ...readRemarks(others)];
const images = files.length;
writeFileSync(place('report.html'), reportPage({ environment: info, data: data.name, images, remarks, curves, bdRates, crops }));
writeResult('rd.json', { environment: info, data: data.name, images, bdRates, curves }, options.out);
