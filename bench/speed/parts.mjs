// What decoding a part costs: a region of 512×512 of a large picture, and a reduced picture, as parts of the full decode's time.
//
//   node bench/speed/parts.mjs --file FILE.tsr [--regions 100] [--rounds 3] [--pictures 24] [--out FOLDER]
//
// FILE is a large picture (bench/speed/memory.mjs --file writes one). Times are CPU time. The reduced pictures of Kodak at
// quality 50 are compared with the box-reduced originals, beside the box-reduced full decodes.
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { loadInner } from '../lib/core.mjs';
import { environment, table, writeResult } from '../lib/environment.mjs';
import { median, seeded, timed, warmUp } from '../lib/measure.mjs';
import { pictureFiles, pictureFolder, readPicture } from '../lib/pictures.mjs';

const { values: options } = parseArgs({
  options: {
    file: { type: 'string' },
    regions: { type: 'string', default: '100' },
    rounds: { type: 'string', default: '3' },
    pictures: { type: 'string', default: '24' },
    effort: { type: 'string', default: '5' },
    out: { type: 'string' },
  },
});
const inner = await loadInner();
const engine = inner.engineOfPackage();
const decode = (bytes, given) => inner.decodeFile(engine, bytes, given);
const scales = [1 / 2, 1 / 4, 1 / 8];

/** Decodes the latents alone, which every pixel of any size needs. */
async function decodeLatents(bytes) {
  const header = inner.parseHeader(bytes);
  const picture = inner.parsePictureSection(header, inner.parseSections(header, bytes));
  const pack = await inner.loadPack();
  await engine.withCore(async (core) => {
    core.begin(pack.decoder, { ...header, rate: header, storage: 'rows', scales: picture.scales });
    if (header.modes > 1) core.decodeModeMap(picture.modeMap);
    core.decodeSegment(0, picture.coarse);
    picture.tiles.forEach((tile, index) => {
      core.decodeSegment(1 + index, tile);
    });
  });
}

async function timeParts(bytes) {
  const { width, height } = inner.parseHeader(bytes);
  await warmUp(() => decode(bytes, { region: { x: 0, y: 0, width: 512, height: 512 } }));
  await decode(bytes, { scale: 1 / 8 });
  const random = seeded(1);
  const full = [];
  const reduced = scales.map(() => []);
  const latents = [];
  for (let round = 0; round < Number(options.rounds); round++) {
    full.push((await timed(() => decode(bytes, {}))).cpu);
    for (const [index, scale] of scales.entries()) reduced[index].push((await timed(() => decode(bytes, { scale }))).cpu);
    latents.push((await timed(() => decodeLatents(bytes))).cpu);
  }
  const regions = [];
  for (let index = 0; index < Number(options.regions); index++) {
    const region = { x: Math.floor(random() * (width - 511)), y: Math.floor(random() * (height - 511)), width: 512, height: 512 };
    regions.push((await timed(() => decode(bytes, { region }))).cpu);
  }
  const whole = median(full);
  return [
    { part: `all of ${width}×${height}`, ms: whole, share: 1 },
    { part: '512×512, mean', ms: regions.reduce((sum, time) => sum + time, 0) / regions.length },
    { part: '512×512, largest', ms: Math.max(...regions) },
    ...scales.map((scale, index) => ({ part: `scale 1/${1 / scale}`, ms: median(reduced[index]) })),
    { part: 'latents alone', ms: median(latents) },
  ].map(({ part, ms }) => ({ part, ms: ms.toFixed(0), 'share of the time': (ms / whole).toFixed(4) }));
}

/** Means of `side` × `side` pixels, RGBA, not rounded. */
function boxReduced({ data, width, height }, side) {
  const size = { width: Math.ceil(width / side), height: Math.ceil(height / side) };
  const out = new Float32Array(size.width * size.height * 4);
  for (let y = 0; y < size.height; y++) {
    for (let x = 0; x < size.width; x++) {
      const [bottom, right] = [Math.min(height, (y + 1) * side), Math.min(width, (x + 1) * side)];
      for (let c = 0; c < 4; c++) {
        let sum = 0;
        for (let line = y * side; line < bottom; line++)
          for (let column = x * side; column < right; column++) sum += data[(line * width + column) * 4 + c];
        out[(y * size.width + x) * 4 + c] = sum / ((bottom - y * side) * (right - x * side));
      }
    }
  }
  return out;
}

function psnr(a, b) {
  let sum = 0;
  for (let i = 0; i < a.length; i++) if (i % 4 < 3) sum += (a[i] - b[i]) ** 2;
  return 10 * Math.log10((255 * 255 * a.length * 0.75) / sum);
}

async function comparePictures() {
  const rows = [];
  for (const path of pictureFiles(pictureFolder().path, Number(options.pictures))) {
    const picture = await readPicture(path);
    const { bytes } = await inner.encodeDetailed(engine, picture, { quality: 50, effort: Number(options.effort) });
    const whole = await decode(bytes, {});
    const row = { image: picture.name };
    for (const scale of scales) {
      const original = boxReduced(picture, 1 / scale);
      const full = psnr(original, boxReduced(whole, 1 / scale));
      const own = psnr(original, (await decode(bytes, { scale })).data);
      row[`1/${1 / scale} of the full decode`] = full.toFixed(2);
      row[`1/${1 / scale}`] = own.toFixed(2);
      row[`difference 1/${1 / scale}`] = (full - own).toFixed(2);
    }
    rows.push(row);
  }
  return rows;
}

const times = options.file === undefined ? [] : await timeParts(new Uint8Array(readFileSync(options.file)));
if (times.length > 0) console.log(table(Object.keys(times[0]), times));
const pictures = await comparePictures();
console.log(table(Object.keys(pictures[0]), pictures));
writeResult('speed/parts.json', { environment: environment(), options, times, pictures }, options.out);
