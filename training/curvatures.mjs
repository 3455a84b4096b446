// Fits the curvatures of a pack to what trades do with them: `tessera.export` measures them on single latents, but trades are made all at once.
//
//   npm run build; node training/curvatures.mjs CACHE PACK [PHOTOGRAPHS [ANCHORS]]
//
// For every anchor the factor on all its curvatures, then that on each of the finer grids, that gives the least J of held-out photographs
// (validation.mjs) at the default effort, by the encoder itself, with the codec of M = 1; then for every other codec a factor of its own, on half
// of the photographs. Rewrites PACK/manifest.json; several processes may each take some of the anchors (0,1,2).
import { encodeDetailed, engineOfPackage, loadPack } from '../build/research.js';
import { manifestOf, manifestText, packWithFirst, readPackFiles, writeManifest } from './pack-files.mjs';
import { validationPictures } from './validation.mjs';

const factors = [0.6, 0.72, 0.85, 1.2, 1.4, 1.7];
const gridFactors = [0.7, 1.4];
const codecFactors = [0.6, 0.77, 1.3];
/** Coarser grids hold too few latents to tell. */
const grids = [0, 1, 2];

const [cache, folder, photographs = 8, part] = process.argv.slice(2);
const pictures = validationPictures(cache, Number(photographs), 0).map(({ width, height, rgb }) => ({
  data: rgb,
  width,
  height,
  channels: 3,
}));
const files = readPackFiles(folder);
const manifest = manifestOf(files);
const engine = engineOfPackage();
/** The row of the step table that is the anchor itself. */
const middle = (await loadPack({ files })).decoder.steps.length >> 1;

/** The curvatures with those of one anchor multiplied, for one grid or for all, of one codec or of all. */
const scaled = (curvatures, anchor, factor, { grid, codec }) =>
  curvatures.map((anchors, number) =>
    anchors.map((row, at) =>
      at === anchor && (codec === undefined || codec === number)
        ? row.map((value, index) => (grid === undefined || grid === index ? Number((value * factor).toPrecision(3)) : value))
        : row,
    ),
  );

async function costOf(curvatures, anchor, codec, some) {
  const text = manifestText({ ...manifest, curvatures });
  const models = { files: packWithFirst({ ...files, 'manifest.json': new TextEncoder().encode(text) }, codec) };
  const rate = { anchor, step: middle };
  let sum = 0;
  for (const picture of some) sum += (await encodeDetailed(engine, picture, { rate, models })).cost;
  return sum;
}

let best = manifest.curvatures;
/** Tries factors for a codec, and keeps the one with which `some` pictures cost least. @returns it and by how much J fell, in percent */
async function attempt(tries, anchor, which, some) {
  const start = best;
  const first = await costOf(start, anchor, which.codec ?? 0, some);
  let [least, chosen] = [first, 1];
  for (const factor of tries) {
    const tried = scaled(start, anchor, factor, which);
    const cost = await costOf(tried, anchor, which.codec ?? 0, some);
    if (cost < least) [best, least, chosen] = [tried, cost, factor];
  }
  return [chosen, Number(((100 * least) / first - 100).toFixed(2))];
}

const anchors = part === undefined ? Array.from({ length: manifest.anchors }, (_, anchor) => anchor) : part.split(',').map(Number);
for (const anchor of anchors) {
  const found = { all: await attempt(factors, anchor, {}, pictures) };
  for (const grid of grids) found[`grid ${grid}`] = await attempt(gridFactors, anchor, { grid }, pictures);
  const half = pictures.slice(0, Math.ceil(pictures.length / 2));
  for (let codec = 1; codec < manifest.modes; codec++) found[`codec ${codec}`] = await attempt(codecFactors, anchor, { codec }, half);
  console.log(`anchor ${anchor}: ${JSON.stringify(found)}`);
}
// Another process may have written those of other anchors.
const now = manifestOf(readPackFiles(folder));
const curvatures = now.curvatures.map((codec, number) =>
  codec.map((row, anchor) => (anchors.includes(anchor) ? best[number][anchor] : row)),
);
writeManifest(folder, { ...now, curvatures });
