// Fits the curvatures of a pack to what trades do with them: `tessera.export` measures them on single latents, but trades are made all at once.
//
//   npm run build; node training/curvatures.mjs CACHE PACK [PHOTOGRAPHS]
//
// For every anchor the factor on all its curvatures, then that on each of the finer grids, that gives the least J of held-out photographs
// (validation.mjs) at the default effort, by the encoder itself. Rewrites PACK/manifest.json.
import { encodeDetailed, engineOfPackage, loadPack } from '../build/research.js';
import { manifestOf, manifestText, readPackFiles, writeManifest } from './pack-files.mjs';
import { validationPictures } from './validation.mjs';

const factors = [0.6, 0.72, 0.85, 1.2, 1.4, 1.7];
const gridFactors = [0.7, 1.4];
/** Coarser grids hold too few latents to tell. */
const grids = [0, 1, 2];

const [cache, folder, photographs = 8] = process.argv.slice(2);
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

/** The curvatures with those of one anchor multiplied, for one grid or for all. */
const scaled = (curvatures, anchor, factor, grid) =>
  curvatures.map((codec) =>
    codec.map((row, at) =>
      at === anchor
        ? row.map((value, index) => (grid === undefined || grid === index ? Number((value * factor).toPrecision(3)) : value))
        : row,
    ),
  );

async function costOf(curvatures, anchor) {
  const models = { files: { ...files, 'manifest.json': new TextEncoder().encode(manifestText({ ...manifest, curvatures })) } };
  const rate = { anchor, step: middle };
  let sum = 0;
  for (const picture of pictures) sum += (await encodeDetailed(engine, picture, { rate, models }, { estimate: false })).cost;
  return sum;
}

let best = manifest.curvatures;
for (let anchor = 0; anchor < manifest.anchors; anchor++) {
  const first = await costOf(best, anchor);
  let least = first;
  const chosen = [];
  const attempt = async (tries, grid) => {
    const start = best;
    for (const factor of tries) {
      const tried = scaled(start, anchor, factor, grid);
      const cost = await costOf(tried, anchor);
      if (cost >= least) continue;
      [best, least] = [tried, cost];
      chosen[grid ?? grids.length] = factor;
    }
  };
  await attempt(factors);
  for (const grid of grids) await attempt(gridFactors, grid);
  console.log(`anchor ${anchor}: J ${((100 * least) / first - 100).toFixed(2)} %, factors ${JSON.stringify(chosen)}`);
}
writeManifest(folder, { ...manifest, curvatures: best });
