// Draws the picture of the matrix, and writes its file and the hash of its pixels with the package as it is built.
import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import sharp from 'sharp';
import { fromRoot } from '../setup.mjs';

const folder = fromRoot('tests/matrix/fixtures');
const width = 200;
const height = 136;

/** A hill before a sky, with a flag: slopes, edges and a little texture in four patches, two of them cut by the edge. */
function draw() {
  const data = new Uint8ClampedArray(width * height * 4);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const hill = 84 - 30 * Math.sin(x / 40) + 4 * Math.sin(x / 5);
      const onFlag = x >= 120 && x < 168 && y >= 16 && y < 48;
      const stripe = [
        [214, 40, 57],
        [250, 250, 245],
        [20, 80, 160],
      ][Math.floor((y - 16) / 11)];
      const ground = [70 + ((x * 7 + y * 13) % 23), 120 + ((x * 5 + y * 3) % 31), 50 + ((x + y) % 17)];
      const sky = [120 + y / 2, 170 + y / 3, 230 - y / 6];
      data.set([...(onFlag && stripe ? stripe : y > hill ? ground : sky), 255], (y * width + x) * 4);
    }
  }
  return data;
}

/** Writes the fixtures. */
export async function update() {
  const { decode, encode } = await import('../../build/index.js');
  mkdirSync(folder, { recursive: true });
  await sharp(draw(), { raw: { width, height, channels: 4 } })
    .removeAlpha()
    .png({ compressionLevel: 9 })
    .toFile(`${folder}/picture.png`);
  const data = await sharp(`${folder}/picture.png`).ensureAlpha().raw().toBuffer();
  const file = await encode({ data, width, height }, { quality: 50 });
  const pixels = createHash('sha256')
    .update((await decode(file)).data)
    .digest('hex');
  writeFileSync(`${folder}/picture.tsr`, file);
  writeFileSync(`${folder}/expected.json`, `${JSON.stringify({ width, height, pixels }, null, 2)}\n`);
}
