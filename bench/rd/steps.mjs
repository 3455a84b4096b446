// How even the scale of qualities is: size and distortion of real files at every quality.
//
//   node bench/rd/steps.mjs [--folder FOLDER] [--limit 6] [--every 1] [--effort 1] [--modes 1] [--out NAME]
//
// Says, for every picture and for the mean over them: the largest step in size between neighbours, how often a file shrinks when quality
// rises, how often it gets worse, and what the qualities between the rate anchors cost against the curve through the anchors alone.
// Writes rd/NAME.tsv (one row per picture and quality) and rd/NAME.json (the summary).
import { writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { parseArgs } from 'node:util';
import { bdRate } from '../../scripts/bdrate.mjs';
import { fromRoot } from '../../scripts/setup.mjs';
import { loadInner } from '../lib/core.mjs';
import { environment, resultPath, table, writeResult } from '../lib/environment.mjs';
import { round } from '../lib/measure.mjs';
import { pictureFiles, pictureFolder, readPicture } from '../lib/pictures.mjs';

const { values: options } = parseArgs({
  options: {
    folder: { type: 'string' },
    limit: { type: 'string', default: '6' },
    every: { type: 'string', default: '1' },
    effort: { type: 'string', default: '1' },
    modes: { type: 'string', default: '1' },
    pack: { type: 'string' },
    out: { type: 'string', default: 'steps' },
  },
});
const data = options.folder === undefined ? pictureFolder() : { name: basename(options.folder), path: fromRoot(options.folder) };
const inner = await loadInner();
const engine = inner.engineOfPackage();
const models = options.pack === undefined ? undefined : { source: options.pack };
const pack = await inner.loadPack(models);
const exact = pack.decoder.steps.findIndex(({ gain }) => gain === 16_384);
const effort = Number(options.effort);
const modes = Number(options.modes);
const every = Number(options.every);

/** @returns {anchor, bytes, bpp, mse} of the real file */
async function measure(image, rate) {
  const result = await inner.encodeDetailed(engine, image, { ...rate, modes, effort, models }, { cost: false, reconstruction: true });
  const pixels = image.width * image.height;
  const mse = inner.squaredError(image, result.reconstruction) / (3 * pixels);
  const { anchor } = inner.parseHeader(result.bytes);
  return { anchor, bytes: result.bytes.length, bpp: (8 * result.bytes.length) / pixels, mse };
}

const lines = ['image\tquality\tanchor\tbytes\tbpp\tmse'];
const write = (image, quality, { anchor, bytes, bpp, mse }) =>
  lines.push([image.name, quality, anchor, bytes, bpp.toFixed(6), mse.toFixed(5)].join('\t'));
const curves = new Map();
const hulls = [];
for (const file of pictureFiles(data.path, Number(options.limit))) {
  const image = await readPicture(file);
  const curve = [];
  for (let quality = 0; quality <= 100; quality += every) {
    const point = await measure(image, { quality });
    write(image, quality, point);
    curve.push(point);
  }
  curves.set(image.name, curve);
  const hull = [];
  for (let anchor = 0; anchor < pack.manifest.lambda.length; anchor++) {
    const point = await measure(image, { rate: { anchor, step: exact } });
    write(image, '', point);
    hull.push(point);
  }
  hulls.push(hull);
  console.error(image.name);
}

const mean = (lists) =>
  lists[0].map((_, index) => ({
    bpp: lists.reduce((sum, list) => sum + list[index].bpp, 0) / lists.length,
    mse: lists.reduce((sum, list) => sum + list[index].mse, 0) / lists.length,
  }));
/** Curve of scripts/bdrate.mjs: only what is better than everything smaller. */
const ascending = (points) =>
  points
    .map(({ bpp, mse }) => ({ bpp, psnr: 10 * Math.log10(255 ** 2 / mse) }))
    .filter((point, index, list) => list.slice(0, index).every((other) => other.psnr < point.psnr && other.bpp < point.bpp));

function summary(name, curve) {
  const pairs = curve.slice(1).map((point, index) => [curve[index], point]);
  const largest = Math.max(...pairs.map(([before, after]) => after.bpp / before.bpp - 1));
  return {
    picture: name,
    firstBpp: round(curve[0].bpp),
    lastBpp: round(curve.at(-1).bpp),
    largestStepPercent: round(100 * largest),
    atQuality: every * (1 + pairs.findIndex(([before, after]) => after.bpp / before.bpp - 1 === largest)),
    stepsOver5Percent: pairs.filter(([before, after]) => after.bpp > 1.05 * before.bpp).length,
    smaller: pairs.filter(([before, after]) => after.bpp < before.bpp).length,
    worse: pairs.filter(([before, after]) => after.mse > before.mse).length,
  };
}

const all = mean([...curves.values()]);
const rows = [...[...curves].map(([name, curve]) => summary(name, curve)), summary('mean', all)];
const between = bdRate(ascending(mean(hulls)), ascending(all));
console.log(table(Object.keys(rows[0]), rows));
console.log(`all qualities against the curve through the anchors: ${round(100 * between.rate)} % of the rate`);
const info = environment();
const remarks = [info.command, `commit ${info.commit}`, `pack ${pack.manifest.name} ${pack.hash}`, `${info.cpu}, node ${info.node}`];
writeFileSync(resultPath(`rd/${options.out}.tsv`), `${[...remarks.map((line) => `# ${line}`), ...lines].join('\n')}\n`);
writeResult(`rd/${options.out}.json`, {
  environment: info,
  ...{ data: data.name, effort, modes, every, pictures: rows, betweenAnchorsPercent: round(100 * between.rate) },
});
