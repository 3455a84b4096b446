// Bjøntegaard delta rates between rate-distortion tables.
//
//   node scripts/bdrate.mjs ANCHOR.tsv TEST.tsv [TEST.tsv …] [--range LOW:HIGH]
//
// Reads the tables of scripts/evaluate.mjs and those of ../shared/anchors (columns seq_name, lmbda, rate_bpp, psnr_db). A table holds one
// or more series (codec, modes, effort); every series of the tests is compared with every series of the anchor.
// Method: for each point of a series, the mean bpp and the mean MSE over the pictures that both have; PSNR of that mean MSE;
// PCHIP of log rate over PSNR; mean difference over the PSNR range that both cover (or the part of it given by --range, in dB).
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { pathToFileURL } from 'node:url';

/** Reads a table into series: name → image → list of {point, bpp, mse}. */
export function readSeries(path) {
  const lines = readFileSync(path, 'utf8')
    .split(/\r?\n/)
    .filter((line) => line !== '' && !line.startsWith('#'));
  const columns = lines[0].split('\t');
  const rows = lines.slice(1).map((line) => Object.fromEntries(line.split('\t').map((cell, index) => [columns[index], cell])));
  const series = new Map();
  for (const row of rows) {
    const ours = 'image' in row;
    const name = ours
      ? [row.codec, row.modes && `modes=${row.modes}`, row.effort && `effort=${row.effort}`].filter(Boolean).join(' ')
      : basename(path);
    const image = (ours ? row.image : row.seq_name).replace(/\.png$/, '');
    const entry = {
      point: ours ? row.quality : row.lmbda,
      bpp: Number(ours ? row.bpp : row.rate_bpp),
      mse: ours ? Number(row.sse) / (3 * Number(row.width) * Number(row.height)) : 255 ** 2 / 10 ** (Number(row.psnr_db) / 10),
    };
    if (!series.has(name)) series.set(name, new Map());
    const images = series.get(name);
    if (!images.has(image)) images.set(image, []);
    images.get(image).push(entry);
  }
  return series;
}

/** Averages over the given images: points {bpp, psnr} in ascending order of PSNR. */
export function averageCurve(images, names) {
  const sums = new Map();
  for (const name of names) {
    for (const { point, bpp, mse } of images.get(name)) {
      const sum = sums.get(point) ?? { count: 0, bpp: 0, mse: 0 };
      sums.set(point, { count: sum.count + 1, bpp: sum.bpp + bpp, mse: sum.mse + mse });
    }
  }
  return [...sums.values()]
    .filter((sum) => sum.count === names.length)
    .map((sum) => ({ bpp: sum.bpp / sum.count, psnr: 10 * Math.log10(255 ** 2 / (sum.mse / sum.count)) }))
    .sort((a, b) => a.psnr - b.psnr)
    .filter((point, index, points) => index === 0 || point.psnr > points[index - 1].psnr);
}

/** Slopes of the monotone cubic through (x, y) (Fritsch and Butland; the same as SciPy's PchipInterpolator). */
function pchipSlopes(x, y) {
  const n = x.length;
  const h = x.slice(1).map((value, i) => value - x[i]);
  const d = h.map((step, i) => (y[i + 1] - y[i]) / step);
  if (n === 2) return [d[0], d[0]];
  const slopes = new Array(n).fill(0);
  for (let i = 1; i < n - 1; i++) {
    if (d[i - 1] * d[i] <= 0) continue;
    const w1 = 2 * h[i] + h[i - 1];
    const w2 = h[i] + 2 * h[i - 1];
    slopes[i] = (w1 + w2) / (w1 / d[i - 1] + w2 / d[i]);
  }
  const end = (h0, h1, d0, d1) => {
    const slope = ((2 * h0 + h1) * d0 - h0 * d1) / (h0 + h1);
    if (slope * d0 <= 0) return 0;
    return d0 * d1 <= 0 && Math.abs(slope) > 3 * Math.abs(d0) ? 3 * d0 : slope;
  };
  slopes[0] = end(h[0], h[1], d[0], d[1]);
  slopes[n - 1] = end(h[n - 2], h[n - 3], d[n - 2], d[n - 3]);
  return slopes;
}

/** Integral of the monotone cubic through (x, y) from `low` to `high`, both within x. */
export function pchipIntegral(x, y, low, high) {
  const slopes = pchipSlopes(x, y);
  let sum = 0;
  for (let i = 0; i + 1 < x.length; i++) {
    const a = Math.max(low, x[i]);
    const b = Math.min(high, x[i + 1]);
    if (b <= a) continue;
    const h = x[i + 1] - x[i];
    const d = (y[i + 1] - y[i]) / h;
    const c2 = (3 * d - 2 * slopes[i] - slopes[i + 1]) / h;
    const c3 = (slopes[i] + slopes[i + 1] - 2 * d) / h ** 2;
    const primitive = (t) => t * (y[i] + t * (slopes[i] / 2 + t * (c2 / 3 + (t * c3) / 4)));
    sum += primitive(b - x[i]) - primitive(a - x[i]);
  }
  return sum;
}

/** BD-rate of `test` against `anchor` as a fraction, and the PSNR range it covers; null without overlap. */
export function bdRate(anchor, test, range = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY]) {
  const low = Math.max(anchor[0].psnr, test[0].psnr, range[0]);
  const high = Math.min(anchor.at(-1).psnr, test.at(-1).psnr, range[1]);
  if (!(high > low) || anchor.length < 2 || test.length < 2) return null;
  const mean = (curve) => {
    const psnrs = curve.map((point) => point.psnr);
    const rates = curve.map((point) => Math.log(point.bpp));
    return pchipIntegral(psnrs, rates, low, high) / (high - low);
  };
  return { rate: Math.exp(mean(test) - mean(anchor)) - 1, low, high };
}

function main(words) {
  const at = words.indexOf('--range');
  const range = at < 0 ? undefined : words.splice(at, 2)[1].split(':').map(Number);
  const [anchorPath, ...testPaths] = words;
  if (testPaths.length === 0) {
    console.error('usage: node scripts/bdrate.mjs ANCHOR.tsv TEST.tsv [TEST.tsv …] [--range LOW:HIGH]');
    process.exit(2);
  }
  console.log(['anchor', 'test', 'images', 'bd_rate_percent', 'psnr_low', 'psnr_high'].join('\t'));
  for (const [anchorName, anchor] of readSeries(anchorPath)) {
    for (const path of testPaths) {
      for (const [name, test] of readSeries(path)) {
        const images = [...test.keys()].filter((image) => anchor.has(image));
        if (images.length === 0 || (path === anchorPath && name === anchorName)) continue;
        const result = bdRate(averageCurve(anchor, images), averageCurve(test, images), range);
        const figures =
          result === null ? ['none', '', ''] : [(100 * result.rate).toFixed(2), result.low.toFixed(2), result.high.toFixed(2)];
        console.log([anchorName, name, images.length, ...figures].join('\t'));
      }
    }
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) main(process.argv.slice(2));
