// Rate-distortion evaluation with real files: encodes, decodes, checks, and writes one row per picture and quality.
//
//   node scripts/evaluate.mjs tessera FOLDER OUT.tsv [--qualities 0,10,…] [--modes 1,8] [--effort 5] [--ort] [--pack FOLDER] [--anchors]
//   node scripts/evaluate.mjs jpeg FOLDER OUT.tsv [--qualities 5,10,…]
//
// FOLDER holds PNG files. tessera: every file is decoded again, and its pixels must equal the encoder's own reconstruction;
// --ort also decodes with onnxruntime-web and writes the largest difference in levels. jpeg: sharp's mozjpeg, 4:2:0.
// --pack takes another model pack than the default one; --anchors replaces the qualities by the pack's rate anchors themselves.
// bpp is 8 · bytes of the real file per pixel; sse is summed over red, green and blue; cost is J at the file's λ.
import { execFileSync } from 'node:child_process';
import { createWriteStream, readdirSync } from 'node:fs';
import { cpus } from 'node:os';
import { basename, join } from 'node:path';
import { parseArgs } from 'node:util';
import sharp from 'sharp';
import { ensureBuilt, fromRoot } from './setup.mjs';

const { values, positionals } = parseArgs({
  options: {
    ...{ qualities: { type: 'string' }, modes: { type: 'string' }, effort: { type: 'string' }, pack: { type: 'string' } },
    ...{ ort: { type: 'boolean' }, anchors: { type: 'boolean' } },
  },
  allowPositionals: true,
});
const [codec, folder, out] = positionals;
if (!['tessera', 'jpeg'].includes(codec) || out === undefined) {
  console.error('usage: node scripts/evaluate.mjs tessera|jpeg FOLDER OUT.tsv [--qualities …] [--modes …] [--effort …] [--ort]');
  process.exit(2);
}
ensureBuilt();
const { engineOfPackage, encodeDetailed, estimateSegments, decodeFile, loadPack, msSsim, psnr, squaredError } = await import(
  '../build/research.js'
);

const numbers = (text) => text.split(',').map(Number);
const qualities = numbers(
  values.qualities ?? (codec === 'jpeg' ? '5,8,10,15,20,30,40,50,60,70,80,85,90,95' : '0,10,20,30,40,50,60,70,80,90,100'),
);
const modeCounts = numbers(values.modes ?? '8');
const efforts = numbers(values.effort ?? '5');
const images = readdirSync(folder)
  .filter((name) => name.endsWith('.png'))
  .sort();

const columns = [
  ...['codec', 'image', 'quality', 'modes', 'effort', 'width', 'height', 'bytes', 'bpp', 'psnr', 'msssim', 'sse'],
  ...['estimatedBytes', 'lambda', 'cost', 'modeMapBits', 'modesWritten', 'encodeMs', 'decodeMs', 'ortDifference'],
];
const stream = createWriteStream(out);
const write = (line) => stream.write(`${line}\n`);
const writeRow = (row) => write(columns.map((column) => row[column] ?? '').join('\t'));

const git = (...words) =>
  execFileSync('git', ['-C', fromRoot(), ...words], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
const commit = () => {
  try {
    return git('rev-parse', 'HEAD') + (git('status', '--porcelain', '--untracked-files=no') === '' ? '' : ' and uncommitted changes');
  } catch {
    return 'none';
  }
};
write(`# node ${['scripts/evaluate.mjs', ...process.argv.slice(2)].join(' ')}`);
write(`# commit ${commit()}`);
const models = values.pack === undefined ? undefined : { source: values.pack };
/** What stands in the column `quality`, and the options of `encode` that it means. */
let points = qualities.map((quality) => ({ name: quality, options: { quality } }));
if (codec === 'tessera') {
  const pack = await loadPack(models);
  if (values.anchors) {
    const step = pack.decoder.steps.findIndex(({ gain }) => gain === 16_384);
    points = pack.manifest.lambda.map((_, anchor) => ({ name: `anchor${anchor}`, options: { rate: { anchor, step } } }));
  }
  write(`# pack ${pack.manifest.id} ${pack.manifest.name}, decoder.bin sha256 ${pack.manifest.files['decoder.bin'].sha256}`);
} else {
  write(`# sharp ${sharp.versions.sharp}, libvips ${sharp.versions.vips}, mozjpeg ${sharp.versions.mozjpeg}, chroma subsampling 4:2:0`);
}
write(`# ${cpus()[0].model}, ${cpus().length} processors, node ${process.version}, ${process.platform} ${process.arch}`);
write(columns.join('\t'));

const readPicture = async (input) => {
  const { data, info } = await sharp(input).ensureAlpha().raw().toBuffer({ resolveWithObject: true });
  return { data, width: info.width, height: info.height };
};

/** The columns that every codec has. */
function measures(image, picture, bytes) {
  const { width, height } = image;
  return {
    ...{ width, height, bytes, bpp: ((8 * bytes) / (width * height)).toFixed(6), sse: squaredError(image, picture) },
    ...{ psnr: psnr(image, picture).toFixed(5), msssim: msSsim(image, picture).toFixed(6) },
  };
}

async function evaluateTessera(name, image, point, modes, effort) {
  const wanted = { reconstruction: true, estimate: estimateSegments };
  const result = await encodeDetailed(engineOfPackage(), image, { ...point.options, modes, effort, models }, wanted);
  const start = performance.now();
  const picture = await decodeFile(engineOfPackage(), result.bytes, { models });
  const decodeMs = performance.now() - start;
  if (!Buffer.from(picture.data.buffer).equals(Buffer.from(result.reconstruction.data.buffer))) {
    throw new Error(`${name} at quality ${point.name}: the decoder's pixels differ from the encoder's reconstruction`);
  }
  let ortDifference;
  if (values.ort) {
    const other = await decodeFile(engineOfPackage(), result.bytes, { transform: 'ort', models });
    ortDifference = picture.data.reduce((most, level, index) => Math.max(most, Math.abs(level - other.data[index])), 0);
  }
  writeRow({
    ...{ codec, image: name, quality: point.name, modes, effort },
    ...measures(image, picture, result.bytes.length),
    ...{ estimatedBytes: result.estimatedBytes, lambda: result.lambda, cost: result.cost, modeMapBits: 8 * result.modeMapBytes },
    ...{ modesWritten: 2 ** (result.bytes[5] & 3), encodeMs: Math.round(result.ms), decodeMs: Math.round(decodeMs), ortDifference },
  });
}

async function evaluateJpeg(name, image, quality) {
  const { data, width, height } = image;
  let start = performance.now();
  const bytes = await sharp(data, { raw: { width, height, channels: 4 } })
    .removeAlpha()
    .jpeg({ quality, mozjpeg: true, chromaSubsampling: '4:2:0' })
    .toBuffer();
  const encodeMs = Math.round(performance.now() - start);
  start = performance.now();
  const picture = await readPicture(bytes);
  const decodeMs = Math.round(performance.now() - start);
  writeRow({ codec: 'mozjpeg', image: name, quality, ...measures(image, picture, bytes.length), encodeMs, decodeMs });
}

for (const file of images) {
  const name = basename(file, '.png');
  const image = await readPicture(join(folder, file));
  for (const point of points) {
    if (codec === 'jpeg') await evaluateJpeg(name, image, point.name);
    else for (const modes of modeCounts) for (const effort of efforts) await evaluateTessera(name, image, point, modes, effort);
  }
  console.error(name);
}
await new Promise((resolve) => stream.end(resolve));
