// `npm start`: encodes and decodes a bundled photograph (or the PNG, JPEG or WebP given as an argument) at three qualities and
// prints what came out. Installs and builds first what is missing or stale. The results are in out/.
import { mkdirSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { basename, extname, relative } from 'node:path';
import { ensureBuilt, ensureInstalled, fromRoot } from './setup.mjs';

ensureInstalled();
ensureBuilt();
const { default: sharp } = await import('sharp');
const { engineOfPackage, encodeDetailed, decodeFile, decodeModes, modeMapOfFile, msSsim, psnr } = await import('../build/research.js');

const input = process.argv[2] ?? fromRoot('examples/coffee.png');
const name = basename(input, extname(input));
const out = fromRoot('out');
mkdirSync(out, { recursive: true });

const { data, info } = await sharp(input)
  .autoOrient()
  .toColourspace('srgb')
  .flatten({ background: 'white' })
  .ensureAlpha()
  .raw()
  .toBuffer({ resolveWithObject: true });
const image = { data, width: info.width, height: info.height };
const writePng = ({ data: pixels, width, height }, path) =>
  sharp(pixels, { raw: { width, height, channels: 4 } })
    .removeAlpha()
    .png()
    .toFile(path);

// The default effort takes one codec, if in several modes; the competition is to be seen.
const effort = image.width * image.height < 2 ** 20 ? 7 : 5;
console.log(`${relative(process.cwd(), input)}: ${image.width}×${image.height}, effort ${effort}\n`);
const rows = [];
const paths = [];
const engine = engineOfPackage();
for (const quality of [20, 50, 80]) {
  const base = `${out}/${name}-q${quality}`;
  const result = await encodeDetailed(engine, image, { quality, effort });
  const start = performance.now();
  const picture = await decodeFile(engine, result.bytes, {});
  const decodeMs = performance.now() - start;
  await writeFile(`${base}.tsr`, result.bytes);
  await writePng(picture, `${base}.png`);
  const { modes, codecs } = await decodeModes(engine, result.bytes, {});
  await writePng(modeMapOfFile(result.bytes, modes), `${base}-modes.png`);
  const shareOf = (mode) => Math.round((100 * modes.filter((own) => own === mode).length) / modes.length);
  rows.push({
    quality,
    bytes: result.bytes.length,
    bpp: ((8 * result.bytes.length) / (image.width * image.height)).toFixed(4),
    'PSNR dB': psnr(image, picture).toFixed(2),
    'MS-SSIM': msSsim(image, picture).toFixed(4),
    'encode ms': Math.round(result.ms),
    'decode ms': Math.round(decodeMs),
    'share of each mode % (codec)': codecs.map((codec, mode) => `${shareOf(mode)} (${codec})`).join(' '),
  });
  paths.push(...['.tsr', '.png', '-modes.png'].map((ending) => relative(process.cwd(), base + ending)));
}
printTable(rows);
console.log(`\nFiles, decoded pictures and mode maps:\n  ${paths.join('\n  ')}`);

/** Prints objects with the same keys as aligned columns. */
function printTable(objects) {
  const keys = Object.keys(objects[0]);
  const lines = [keys, ...objects.map((object) => keys.map((key) => String(object[key])))];
  const widths = keys.map((_, column) => Math.max(...lines.map((line) => line[column].length)));
  for (const line of lines) console.log(line.map((cell, column) => cell.padStart(widths[column])).join('  '));
}
