// Screens of the validation split against WebP, from rows that scripts/evaluate.mjs has written:
//
//   node training/validation.mjs CACHE SCREENS 0 8
//   node scripts/evaluate.mjs tessera SCREENS bench/results/rd/screens.tsv --qualities 10,20,30,40,50,55,60,65,70,75,80,85,90 --modes 8 --effort 7
//   node bench/rd/screens.mjs SCREENS
//
// WebP is lossy, at its effort 6. Writes rd/screens.json: the difference in bits at every decibel that both curves reach.
import { averageCurve, bdRate, readSeries } from '../../scripts/bdrate.mjs';
import { loadInner } from '../lib/core.mjs';
import { environment, resultPath, table, writeResult } from '../lib/environment.mjs';
import { round } from '../lib/measure.mjs';
import { pictureFiles, readPicture } from '../lib/pictures.mjs';
import { loadCodecs } from './codecs.mjs';
import { readRemarks } from './curves.mjs';

const qualities = [1, 3, 5, 8, 12, 18, 25, 35, 45, 55, 65, 75, 82, 88, 93, 97, 100];

const path = resultPath('rd/screens.tsv');
const [[series, screens]] = readSeries(path);
const names = [...screens.keys()];
const { squaredError } = await loadInner();
const webp = (await loadCodecs()).find(({ key }) => key === 'webp');
const others = new Map();
for (const file of pictureFiles(process.argv[2])) {
  const image = await readPicture(file);
  const pixels = image.width * image.height;
  const points = [];
  for (const quality of qualities) {
    const bytes = await webp.encode(image, quality);
    const mse = squaredError(image, await webp.decode(bytes)) / (3 * pixels);
    points.push({ point: quality, bpp: (8 * bytes.length) / pixels, mse });
  }
  others.set(image.name, points);
}
const [anchor, curve] = [others, screens].map((images) => averageCurve(images, names));
const least = Math.ceil(Math.max(anchor[0].psnr, curve[0].psnr));
const most = Math.floor(Math.min(anchor.at(-1).psnr, curve.at(-1).psnr));
/** In percent, over a range of PSNR. */
const difference = (low, high) => round(100 * bdRate(anchor, curve, [low, high]).rate);
const steps = Array.from({ length: most - least }, (_, index) => ({
  decibels: `${least + index}–${least + index + 1}`,
  percent: difference(least + index, least + index + 1),
}));
console.log(table(Object.keys(steps[0]), steps));
writeResult('rd/screens.json', {
  environment: environment(),
  ...{ series, from: readRemarks(path), pictures: names.length, webp: webp.describe, bdRate: difference(least, most), steps },
});
