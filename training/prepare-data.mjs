// Decodes the training pictures once into a flat uint8 cache that training memory-maps:
//   <out>/pixels.bin   RGB rows of every picture, one after the other
//   <out>/index.json   [{name, kind, width, height, offset, split}], offset in bytes
// Usage: node training/prepare-data.mjs PICTURES_DIRECTORY OUT_DIRECTORY
//
// The validation split goes by *source*: crops and reductions of one original share the ten hex
// digits in their names, and all of them land on the same side.
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createWriteStream, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import sharp from 'sharp';

const VALIDATION_SHARE = 0.04;
const VALIDATION_SHARE_SCREEN = 0.12;

const [source, out] = process.argv.slice(2);
if (!source || !out) {
  console.error('usage: node training/prepare-data.mjs PICTURES_DIRECTORY OUT_DIRECTORY');
  process.exit(2);
}
mkdirSync(out, { recursive: true });

function splitOf(name) {
  const origin = /-([0-9a-f]{10})-/.exec(name)?.[1] ?? name;
  const draw = createHash('sha256').update(`tessera-split:${origin}`).digest().readUInt32LE(0) / 2 ** 32;
  const share = name.startsWith('s-') ? VALIDATION_SHARE_SCREEN : VALIDATION_SHARE;
  return draw < share ? 'validation' : 'train';
}

const names = readdirSync(source)
  .filter((name) => /\.(avif|png|jpe?g|webp)$/.test(name))
  .sort();
const stream = createWriteStream(path.join(out, 'pixels.bin'));
const index = [];
let offset = 0;
for (const name of names) {
  const { data, info } = await sharp(path.join(source, name))
    .removeAlpha()
    .toColourspace('srgb')
    .raw()
    .toBuffer({ resolveWithObject: true });
  if (info.channels !== 3) throw new Error(`${name}: ${info.channels} channels`);
  if (!stream.write(data)) await once(stream, 'drain');
  index.push({
    name,
    kind: name[0],
    width: info.width,
    height: info.height,
    offset,
    split: splitOf(name),
  });
  offset += data.length;
}
stream.end();
await once(stream, 'finish');
writeFileSync(path.join(out, 'index.json'), JSON.stringify(index));
const held = index.filter((entry) => entry.split === 'validation');
console.log(`${index.length} pictures, ${offset / 3e6} megapixels, ${held.length} held out`);
