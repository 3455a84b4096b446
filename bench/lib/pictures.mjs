// Pictures to measure on: Kodak where it is at hand, else the ones in examples/; and large ones put together from them.
import { existsSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import sharp from 'sharp';
import { fromRoot } from '../../scripts/setup.mjs';

/** Folder and name of the data set at hand. */
export function pictureFolder() {
  const data = process.env.TESSERA_DATA ?? fromRoot('../shared/data');
  const kodak = join(data, 'kodak');
  return existsSync(kodak) ? { name: 'kodak', path: kodak } : { name: 'examples', path: fromRoot('examples') };
}

/** PNG files of a folder in order of name, at most `limit`, spread over the whole folder. */
export function pictureFiles(folder, limit = Number.POSITIVE_INFINITY) {
  const files = readdirSync(folder)
    .filter((name) => name.endsWith('.png'))
    .sort();
  const count = Math.min(limit, files.length);
  return Array.from({ length: count }, (_, index) => join(folder, files[Math.floor((index * files.length) / count)]));
}

/** What `encode` takes: opaque RGBA. */
export async function readPicture(input) {
  const { data, info } = await sharp(input).removeAlpha().ensureAlpha().raw().toBuffer({ resolveWithObject: true });
  return {
    name: typeof input === 'string' ? basename(input, '.png') : 'memory',
    data: new Uint8ClampedArray(data.buffer, data.byteOffset, data.length),
    width: info.width,
    height: info.height,
  };
}

/** Names of the sizes of `mosaic`, from small to large, in megapixels. */
export const scales = [0.1, 0.4, 1, 2, 6, 12, 24];

/** A 3:2 picture of about so many megapixels, tiled from `pictures` without scaling, so that it is as hard to code as they are. */
export function mosaic(pictures, megapixels) {
  const width = Math.round(Math.sqrt(megapixels * 1.5e6));
  const height = Math.round((megapixels * 1e6) / width);
  const data = new Uint8ClampedArray(width * height * 4);
  let next = 0;
  for (let top = 0; top < height; ) {
    let rowHeight = height - top;
    for (let left = 0; left < width; ) {
      const picture = pictures[next++ % pictures.length];
      const columns = Math.min(picture.width, width - left);
      const rows = Math.min(picture.height, height - top);
      for (let y = 0; y < rows; y++) {
        const source = y * picture.width * 4;
        data.set(picture.data.subarray(source, source + columns * 4), ((top + y) * width + left) * 4);
      }
      left += columns;
      rowHeight = Math.min(rowHeight, rows);
    }
    // Pictures of other heights leave the rest of the row for the next one to paint over.
    top += rowHeight;
  }
  return { name: `mosaic-${megapixels}`, width, height, data };
}
