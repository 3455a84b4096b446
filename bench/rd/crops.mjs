// Side-by-side crops at equal bytes: Tessera's file gives the size, every peer gets the highest quality that is not larger.
import sharp from 'sharp';

const side = 224;

/** The square of `side` samples with the most detail, by the sum of differences between neighbours, on a coarse raster. */
function busiest({ data, width, height }) {
  const step = side >> 1;
  let best = { x: 0, y: 0, detail: -1 };
  for (let y = 0; y + side <= height; y += step) {
    for (let x = 0; x + side <= width; x += step) {
      let detail = 0;
      for (let row = y; row < y + side; row += 4) {
        for (let column = x; column + 1 < x + side; column += 4) {
          const at = 4 * (row * width + column) + 1;
          detail += Math.abs(data[at] - data[at + 4]);
        }
      }
      if (detail > best.detail) best = { x, y, detail };
    }
  }
  return best;
}

async function dataUrl({ data, width, height }, { x, y }) {
  const region = { left: x, top: y, width: Math.min(side, width), height: Math.min(side, height) };
  const png = await sharp(data, { raw: { width, height, channels: 4 } })
    .extract(region)
    .png()
    .toBuffer();
  return `data:image/png;base64,${png.toString('base64')}`;
}

/** The file of the highest quality that has at most `bytes`; the smallest file where none has. */
async function largestUnder(codec, image, bytes) {
  // Most count qualities from 1 to 100; quantisers count downwards.
  const [worst, best] = codec.range ?? [1, 100];
  const encode = (index) => codec.encode(image, worst + Math.sign(best - worst) * index);
  let low = 0;
  let high = Math.abs(best - worst);
  let found = await encode(0);
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    const file = await encode(middle);
    if (file.length <= bytes) {
      low = middle;
      found = file;
    } else high = middle - 1;
  }
  return found;
}

/**
 * @param tessera - {encode(image) → bytes, decode}
 * @returns {image, cells: [{title, bytes, psnr, url}]}
 */
export async function cropsOf(image, tessera, codecs, psnr) {
  const place = busiest(image);
  const cells = [{ title: 'original', url: await dataUrl(image, place) }];
  const own = await tessera.encode(image);
  const add = async (title, bytes, picture) =>
    cells.push({ title, bytes: bytes.length, psnr: psnr(image, picture), url: await dataUrl(picture, place) });
  await add('Tessera', own, await tessera.decode(own));
  for (const codec of codecs) {
    const bytes = await largestUnder(codec, image, own.length);
    await add(codec.title, bytes, await codec.decode(bytes));
  }
  return { image: image.name, cells };
}
