// Pictures of the validation split, whole, from the cache of prepare-data.mjs.
//
//   node training/validation.mjs CACHE FOLDER [PHOTOGRAPHS SCREENS]     the first of each as PNG (11 and 3): what packs are compared on
import { closeSync, mkdirSync, openSync, readFileSync, readSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';

/** All pictures of a split: {name, kind, width, height, offset}. */
export function entriesOf(cache, split) {
  return JSON.parse(readFileSync(path.join(cache, 'index.json'), 'utf8')).filter((entry) => entry.split === split);
}

/** Pictures by their entries, one after the other: {name, width, height, rgb}. */
export function* readPictures(cache, entries) {
  const file = openSync(path.join(cache, 'pixels.bin'));
  for (const { name, width, height, offset } of entries) {
    const rgb = Buffer.alloc(width * height * 3);
    readSync(file, rgb, 0, rgb.length, offset);
    yield { name: name.replace(/\.\w+$/, ''), width, height, rgb };
  }
  closeSync(file);
}

/** The first held-out photographs and screens: {name, width, height, rgb}. */
export function validationPictures(cache, photographs = 11, screens = 3) {
  const held = entriesOf(cache, 'validation');
  const first = (kind, count) => held.filter((entry) => entry.kind === kind).slice(0, count);
  return [...readPictures(cache, [...first('p', photographs), ...first('s', screens)])];
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [cache, folder, ...counts] = process.argv.slice(2);
  if (folder === undefined) {
    console.error('usage: node training/validation.mjs CACHE FOLDER [PHOTOGRAPHS SCREENS]');
    process.exit(2);
  }
  mkdirSync(folder, { recursive: true });
  for (const { name, width, height, rgb } of validationPictures(cache, ...counts.map(Number)))
    await sharp(rgb, { raw: { width, height, channels: 3 } }).toFile(path.join(folder, `${name}.png`));
}
