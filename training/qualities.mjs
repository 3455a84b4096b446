// Fits the scale of qualities of a pack to the files that come out: every quality larger than the one before, all steps about alike.
//
//   npm run build; node training/qualities.mjs CACHE PACK [PHOTOGRAPHS SCREENS]
//
// Codes held-out pictures (validation.mjs) at some steps of every anchor, with the large analysis at the default effort and with the small
// one, which do not spend alike: with one scale for both, files of one shrink where the anchor changes and those of the other jump. Both scales
// begin at the same error, or that of the small one with a fifth more bits. Rewrites PACK/manifest.json.
import { decode, encode } from '../build/index.js';
import { loadPack, squaredError } from '../build/research.js';
import { manifestOf, readPackFiles, writeManifest } from './pack-files.mjs';
import { validationPictures } from './validation.mjs';

/** Per analysis: the effort that takes it, and how many steps of an anchor are coded for real; the ones between are interpolated. */
const analyses = { large: { effort: 5, measured: 7 }, small: { effort: 1, measured: 21 } };
/** Bits per pixel of quality 0 and 100. Below, a picture is of no use; above, one would take a lossless codec. And the wider the scale, the coarser. */
const [leastRate, mostRate] = [0.05, 2.2];
/** Of the growth elsewhere, where the anchor changes: other pictures may find the next anchor dearer by a percent or two. */
const atBorder = 0.7;

const [cache, folder, photographs = 16, screens = 2] = process.argv.slice(2);
const pictures = validationPictures(cache, Number(photographs), Number(screens)).map(({ width, height, rgb }) => {
  const data = new Uint8Array(4 * width * height).fill(255);
  for (let i = 0; i < width * height; i++) data.set(rgb.subarray(3 * i, 3 * i + 3), 4 * i);
  return { data, width, height };
});
const files = readPackFiles(folder);
const models = { files };
const { decoder, manifest } = await loadPack(models);
const rows = decoder.steps.length;

/** Logarithms of the mean bits per pixel and of the mean squared error. */
async function measured(rate, effort) {
  let bits = 0;
  let error = 0;
  for (const picture of pictures) {
    const bytes = await encode(picture, { rate, effort, modes: 1, models });
    const pixels = picture.width * picture.height;
    bits += (8 * bytes.length) / pixels / pictures.length;
    error += squaredError(picture, await decode(bytes, { models })) / pixels / pictures.length;
  }
  return [Math.log(bits), Math.log(error)];
}

/** The line through points whose places rise, at `x`; beyond its ends the nearest one. */
function between(places, values, x) {
  const next = places.findIndex((place) => place >= x);
  if (next <= 0) return next < 0 ? values.at(-1) : values[0];
  const part = (x - places[next - 1]) / (places[next] - places[next - 1]);
  return values[next - 1] + part * (values[next] - values[next - 1]);
}

/** By anchor: logarithm of rate and error of every step. */
async function curvesAt({ effort, measured: count }) {
  const chosen = Array.from({ length: count }, (_, index) => Math.round((index * (rows - 1)) / (count - 1)));
  const curves = [];
  for (let anchor = 0; anchor < manifest.anchors; anchor++) {
    const points = [];
    for (const step of chosen) points.push(await measured({ anchor, step }, effort));
    console.error(`effort ${effort}, anchor ${anchor}: ${JSON.stringify(points)}`);
    const line = (kind) =>
      Array.from({ length: rows }, (_, step) =>
        between(
          chosen,
          points.map((point) => point[kind]),
          step,
        ),
      );
    curves.push({ rate: line(0), error: line(1) });
  }
  return curves;
}

/** Where neighbours meet: the rates at which their errors are equal. */
function bordersOf(curves) {
  return curves.slice(1).map((next, anchor) => {
    const before = curves[anchor];
    const [low, high] = [next.rate[0], before.rate.at(-1)];
    if (low >= high) return (low + high) / 2;
    const common = Array.from({ length: 400 }, (_, index) => low + ((high - low) * index) / 399);
    const isBetter = (rate) => between(next.rate, next.error, rate) <= between(before.rate, before.error, rate);
    return common.find(isBetter) ?? high;
  });
}

/** The step of a curve nearest to a value. */
function nearest(values, wanted) {
  const distances = values.map((value) => Math.abs(value - wanted));
  return distances.indexOf(Math.min(...distances));
}

/** Logarithms of 101 rates, evenly spaced but for the intervals in which the anchor changes. */
function spread(first, last, borders) {
  let growth = new Array(100).fill(1);
  let targets = [];
  for (let round = 0; round < 10; round++) {
    const total = growth.reduce((sum, part) => sum + part);
    targets = [first];
    for (const part of growth) targets.push(targets.at(-1) + ((last - first) * part) / total);
    growth = growth.map((_, index) => (borders.some((border) => targets[index] < border && border <= targets[index + 1]) ? atBorder : 1));
  }
  return targets;
}

/** 101 pairs of anchor and step, from the rate at which `curves` have an error of `firstError`, or from their first one on. */
function scaleOf(name, curves, firstError) {
  const borders = bordersOf(curves);
  const [coarsest, finest] = [curves[0], curves.at(-1)];
  const start = coarsest.rate[firstError === undefined ? 0 : nearest(coarsest.error, firstError)];
  const first = Math.min(Math.max(Math.log(leastRate), start), Math.log(1.2 * leastRate));
  const entries = spread(first, Math.min(finest.rate.at(-1), Math.log(mostRate)), borders).map((target) => {
    const anchor = borders.filter((border) => target > border).length;
    return [anchor, nearest(curves[anchor].rate, target)];
  });
  report(name, curves, entries);
  return entries;
}

const large = await curvesAt(analyses.large);
const tables = { quality: scaleOf('large', large) };
if (manifest.quick !== undefined) {
  const [[anchor, step]] = tables.quality;
  tables.quickQuality = scaleOf('small', await curvesAt(analyses.small), large[anchor].error[step]);
}

function report(name, measuredCurves, entries) {
  const grown = entries.map(([anchor, step]) => measuredCurves[anchor].rate[step]);
  const steps = grown.slice(1).map((rate, index) => 100 * (Math.exp(rate - grown[index]) - 1));
  console.log(
    `${name}: ${Math.exp(grown[0]).toFixed(4)} to ${Math.exp(grown[100]).toFixed(3)} bpp, steps of ${Math.min(...steps).toFixed(1)} to ${Math.max(...steps).toFixed(1)} %`,
  );
}

writeManifest(folder, { ...manifestOf(files), ...tables });
