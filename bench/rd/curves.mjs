// From the rows of scripts/evaluate.mjs to curves: means over the pictures, CompressAI's and Cool-Chic's file shapes.
import { readFileSync } from 'node:fs';
import { averageCurve, bdRate, readSeries } from '../../scripts/bdrate.mjs';
import { median, round } from '../lib/measure.mjs';

/** Rows of a table, as objects of texts; lines that start with # are remarks. */
export function readRows(path) {
  const lines = readFileSync(path, 'utf8')
    .split(/\r?\n/)
    .filter((line) => line !== '' && !line.startsWith('#'));
  const columns = lines[0].split('\t');
  return lines.slice(1).map((line) => Object.fromEntries(line.split('\t').map((cell, index) => [columns[index], cell])));
}

/** Remarks at the head of a table: versions, flags, commit. */
export function readRemarks(path) {
  return readFileSync(path, 'utf8')
    .split(/\r?\n/)
    .filter((line) => line.startsWith('# '))
    .map((line) => line.slice(2));
}

/** Name of a row's series; the same as `readSeries` gives. */
export function seriesOf({ codec, modes, effort }) {
  return [codec, modes && `modes=${modes}`, effort && `effort=${effort}`].filter(Boolean).join(' ');
}

/**
 * Means of each quality over all pictures of the series, in ascending order of rate.
 *
 * @returns {name, points: [{quality, bpp, psnr, msssim, encodeMs, decodeMs}]}; psnr is that of the mean squared error
 */
export function curvesOf(path) {
  const groups = new Map();
  for (const row of readRows(path)) {
    const name = seriesOf(row);
    const points = groups.get(name) ?? new Map();
    groups.set(name, points);
    const list = points.get(row.quality) ?? [];
    points.set(row.quality, list);
    list.push(row);
  }
  return [...groups].map(([name, points]) => {
    const most = Math.max(...[...points.values()].map((rows) => rows.length));
    const averaged = [...points]
      .filter(([, rows]) => rows.length === most)
      .map(([quality, rows]) => {
        const mean = (value) => rows.reduce((sum, row) => sum + value(row), 0) / rows.length;
        const mse = mean((row) => Number(row.sse) / (3 * Number(row.width) * Number(row.height)));
        return {
          quality: Number(quality),
          bpp: mean((row) => Number(row.bpp)),
          psnr: 10 * Math.log10(255 ** 2 / mse),
          msssim: mean((row) => Number(row.msssim)),
          ssim: mean((row) => Number(row.ssim)),
          encodeMs: mean((row) => (1e6 * Number(row.encodeMs)) / (Number(row.width) * Number(row.height))),
          decodeMs: mean((row) => (1e6 * Number(row.decodeMs)) / (Number(row.width) * Number(row.height))),
        };
      })
      .sort((a, b) => a.bpp - b.bpp);
    return { name, images: most, points: averaged };
  });
}

/** BD-rates in percent of every series of `paths` (Tessera with all its codecs) against every series of the anchors; scripts/bdrate.mjs does the same on the console. */
export function bdTable(anchorPaths, paths) {
  const load = (list) => list.flatMap((path) => [...readSeries(path)]);
  const rows = [];
  for (const [test, testImages] of load(paths).filter(([name]) => !/modes=[124] /.test(name))) {
    const row = { series: test };
    for (const [anchor, anchorImages] of load(anchorPaths)) {
      const common = [...testImages.keys()].filter((image) => anchorImages.has(image));
      const result = common.length > 0 && bdRate(averageCurve(anchorImages, common), averageCurve(testImages, common));
      row[anchor] = result && anchor !== test ? Number((100 * result.rate).toFixed(1)) : '';
    }
    rows.push(row);
  }
  return rows;
}

/** Bits of each number of codecs for the same PSNR against one codec, over the qualities that all of them have. */
export function modesTable(path, effort, qualities) {
  const series = [...readSeries(path)]
    .filter(([name]) => name.endsWith(`effort=${effort}`))
    .map(([name, images]) => [
      Number(name.match(/modes=(\d+)/)[1]),
      new Map([...images].map(([image, points]) => [image, points.filter(({ point }) => qualities.includes(Number(point)))])),
    ]);
  const one = series.find(([modes]) => modes === 1)[1];
  const curve = (images) => averageCurve(images, [...one.keys()]);
  return series
    .map(([modes, images]) => ({ modes, bdRatePercent: Number((100 * bdRate(curve(one), curve(images)).rate).toFixed(2)) }))
    .sort((a, b) => a.modes - b.modes);
}

/** What each effort costs and buys: CPU time per megapixel, and bits for the same PSNR against the default effort. */
export function effortLadder(path, defaultEffort) {
  const series = [...readSeries(path)];
  const rows = readRows(path);
  const effortOf = (name) => Number(name.match(/effort=(\d+)/)[1]);
  const anchor = series.find(([name]) => effortOf(name) === defaultEffort)[1];
  const images = [...anchor.keys()];
  const usual = averageCurve(anchor, images);
  return series
    .map(([name, test]) => {
      const effort = effortOf(name);
      const times = rows.filter((row) => Number(row.effort) === effort).map((row) => (1e6 * row.encodeMs) / (row.width * row.height));
      const result = bdRate(usual, averageCurve(test, images));
      return { effort, msPerMegapixel: round(median(times)), bdRatePercent: Number((100 * result.rate).toFixed(2)) };
    })
    .sort((a, b) => a.effort - b.effort);
}

/** A curve in the shape of CompressAI's results. */
export function compressAi({ name, points }, description) {
  return {
    name,
    description,
    results: {
      quality: points.map((point) => point.quality),
      bpp: points.map((point) => point.bpp),
      'psnr-rgb': points.map((point) => point.psnr),
      'ms-ssim-rgb': points.map((point) => point.msssim),
      encoding_time_ms_per_megapixel: points.map((point) => point.encodeMs),
      decoding_time_ms_per_megapixel: points.map((point) => point.decodeMs),
    },
  };
}

/** Rows of one series in Cool-Chic's columns; λ and loss stand for mean squared error on [0, 1] + λ · bpp. */
export function coolChic(rows) {
  const lines = rows.map((row) => {
    const pixels = Number(row.width) * Number(row.height);
    const mse = Number(row.sse) / (3 * 255 ** 2 * pixels);
    const loss = 1000 * (mse + Number(row.lambda) * Number(row.bpp));
    return [row.lambda, row.image, pixels, loss.toFixed(6), row.psnr, row.bpp].join('\t');
  });
  return `${['lmbda\tseq_name\tn_pixels\tloss\tpsnr_db\trate_bpp', ...lines].join('\n')}\n`;
}
