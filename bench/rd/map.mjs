// What becomes of the mode map: how often each codec is used at each rate anchor, and whether patch borders show.
//
//   node bench/rd/map.mjs [--folder FOLDER] [--limit N] [--effort 7] [--pack FOLDER] [--out NAME]
//
// Border discontinuity: mean absolute difference of neighbouring samples across borders between patches of unlike modes, over the same mean
// everywhere else. Since borders fall on other picture content than the rest does, the same ratio of the original stands beside it.
// Writes rd/NAME.json.
import { basename } from 'node:path';
import { parseArgs } from 'node:util';
import { fromRoot } from '../../scripts/setup.mjs';
import { loadInner } from '../lib/core.mjs';
import { environment, table, writeResult } from '../lib/environment.mjs';
import { round } from '../lib/measure.mjs';
import { pictureFiles, pictureFolder, readPicture } from '../lib/pictures.mjs';

const { values: options } = parseArgs({
  options: {
    folder: { type: 'string' },
    limit: { type: 'string' },
    effort: { type: 'string', default: '7' },
    pack: { type: 'string' },
    out: { type: 'string', default: 'map' },
  },
});
const data = options.folder === undefined ? pictureFolder() : { name: basename(options.folder), path: fromRoot(options.folder) };
const inner = await loadInner();
const engine = inner.engineOfPackage();
const models = options.pack === undefined ? undefined : { source: options.pack };
const pack = await inner.loadPack(models);
const step = pack.decoder.steps.findIndex(({ gain }) => gain === 16_384);
const effort = Number(options.effort);
const { patch } = inner.defaultOptions;

/** Adds the absolute differences of neighbouring samples to {across, acrossCount, elsewhere, elsewhereCount}. */
function addGradients(sums, { data, width, height }, codecs, side) {
  const columns = Math.ceil(width / side);
  const codecAt = (x, y) => codecs[Math.floor(y / side) * columns + Math.floor(x / side)];
  const add = (border, a, b) => {
    let difference = 0;
    for (let channel = 0; channel < 3; channel++) difference += Math.abs(data[4 * a + channel] - data[4 * b + channel]);
    if (border) {
      sums.across += difference;
      sums.acrossCount++;
    } else {
      sums.elsewhere += difference;
      sums.elsewhereCount++;
    }
  };
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const at = y * width + x;
      if (x > 0) add(x % side === 0 && codecAt(x, y) !== codecAt(x - 1, y), at, at - 1);
      if (y > 0) add(y % side === 0 && codecAt(x, y) !== codecAt(x, y - 1), at, at - width);
    }
  }
}

const ratio = ({ across, acrossCount, elsewhere, elsewhereCount }) => across / acrossCount / (elsewhere / elsewhereCount);
const fresh = () => ({ across: 0, acrossCount: 0, elsewhere: 0, elsewhereCount: 0 });

const images = [];
for (const file of pictureFiles(data.path, options.limit === undefined ? undefined : Number(options.limit)))
  images.push(await readPicture(file));
const rows = [];
const total = new Array(pack.decoder.modes).fill(0);
for (let anchor = 0; anchor < pack.manifest.lambda.length; anchor++) {
  const counts = new Array(pack.decoder.modes).fill(0);
  const decoded = fresh();
  const original = fresh();
  let single = 0;
  for (const image of images) {
    const rate = { anchor, step };
    const result = await inner.encodeDetailed(engine, image, { rate, modes: 8, effort, models }, { cost: false, reconstruction: true });
    const { modes, codecs } = await inner.decodeModes(engine, result.bytes, { models });
    for (const mode of modes) counts[codecs[mode]]++;
    if (new Set(modes).size === 1) single++;
    addGradients(decoded, result.reconstruction, modes, patch);
    addGradients(original, image, modes, patch);
  }
  const patches = counts.reduce((sum, count) => sum + count, 0);
  for (const [codec, count] of counts.entries()) total[codec] += count / patches / pack.manifest.lambda.length;
  rows.push({
    ...{ anchor, lambda: pack.manifest.lambda[anchor], patches, usagePercent: counts.map((count) => round((100 * count) / patches)) },
    ...{ picturesOfOneCodec: single, border: round(ratio(decoded)), borderOfOriginal: round(ratio(original)) },
  });
  console.error(`anchor ${anchor}`);
}
console.log(table(Object.keys(rows[0]), rows));
console.log(`all anchors: ${total.map((share) => (100 * share).toFixed(1)).join(' ')} %`);
writeResult(`rd/${options.out}.json`, {
  environment: environment(),
  ...{ data: data.name, pictures: images.length, effort, decoderSha256: pack.manifest.files['decoder.bin'].sha256 },
  ...{ usagePercent: total.map((share) => round(100 * share)), anchors: rows },
});
