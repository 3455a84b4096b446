/** Alpha: coded without loss, cheap where it is simple, and damage is noticed. */

import fc from 'fast-check';
import sharp from 'sharp';
import { beforeAll, describe, expect, test } from 'vitest';
import { smoothInvisible } from '../src/alpha/invisible.js';
import { alphaOf, parseAlphaSection, writeAlphaSection } from '../src/alpha/section.js';
import { alphaTag, parseHeader, parseSections, writeFile } from '../src/container.js';
import { TesseraError } from '../src/errors.js';
import { decode, encode } from '../src/index.js';
import type { Picture, PixelSource, Rows } from '../src/types.js';
import { Core, compileCore } from '../src/wasm.js';
import { colourBands, crop, dataFolder, randomNumbers, sameBytes, synthetic } from './helpers.js';

const quick = { modes: 1, effort: 1 } as const;

/** Alpha of a picture, as bytes. */
function alphaBytes({ data }: { data: Uint8Array | Uint8ClampedArray }): Uint8Array {
  return Uint8Array.from({ length: data.length / 4 }, (_, index) => data[4 * index + 3]);
}

/** A synthetic picture with alpha from a formula. */
function drawn(width: number, height: number, alpha: (x: number, y: number) => number): PixelSource {
  const { data } = synthetic(width, height);
  for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) data[(y * width + x) * 4 + 3] = alpha(x, y);
  return { data, width, height };
}

/** Draws SVG: soft edges as a browser gives them. */
async function svg(width: number, height: number, body: string): Promise<PixelSource> {
  const text = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">${body}</svg>`;
  const { data, info } = await sharp(Buffer.from(text)).ensureAlpha().raw().toBuffer({ resolveWithObject: true });
  return { data, width: info.width, height: info.height };
}

/** Length of the payload of the alpha section; 0 without one. */
function alphaLength(file: Uint8Array): number {
  return parseSections(parseHeader(file), file).find(({ tag }) => tag === alphaTag)?.payload.length ?? 0;
}

const random = randomNumbers(5);
const noise = Uint8Array.from({ length: 1 << 16 }, () => random() & 255);
const disc = (x: number, y: number, cx: number, cy: number, r: number): boolean => (x - cx) ** 2 + (y - cy) ** 2 < r * r;

/** Pictures, and the most bytes that their alpha may take. */
const pictures: readonly (readonly [name: string, most: number, picture: () => PixelSource | Promise<PixelSource>])[] = [
  ['all invisible', 3, () => drawn(70, 50, () => 0)],
  ['half visible everywhere', 3, () => drawn(70, 50, () => 128)],
  ['one pixel', 3, () => drawn(1, 1, () => 7)],
  ['one row', 50, () => drawn(100, 1, (x) => (x * 37) % 11)],
  ['one column', 60, () => drawn(1, 100, (_, y) => (y * 37) % 11)],
  ['a hard disc', 130, () => drawn(300, 200, (x, y) => (disc(x, y, 150, 100, 80) ? 255 : 0))],
  ['a hole', 130, () => drawn(300, 200, (x, y) => (disc(x, y, 150, 100, 80) ? 0 : 255))],
  ['two levels that are neither 0 nor 255', 130, () => drawn(300, 200, (x, y) => (disc(x, y, 150, 100, 80) ? 40 : 90))],
  ['a checkerboard', 100, () => drawn(128, 128, (x, y) => ((x ^ y) & 1) * 255)],
  ['stripes of a pixel', 100, () => drawn(128, 128, (x) => (x & 1) * 255)],
  ['a dithered mask', 2400, () => drawn(128, 128, (x, y) => (noise[y * 128 + x] > 128 ? 255 : 0))],
  ['a linear ramp', 60, () => drawn(256, 64, (x) => x)],
  ['a diagonal ramp', 200, () => drawn(128, 128, (x, y) => x + y)],
  ['steps of sixteen', 700, () => drawn(256, 128, (x, y) => ((x >> 4) * 16 + (y >> 5)) & 255)],
  ['noise', 4300, () => drawn(64, 64, (x, y) => noise[y * 64 + x])],
  ['soft noise', 2200, () => drawn(64, 64, (x, y) => 100 + (noise[y * 64 + x] & 7))],
  ['values that wrap', 60, () => drawn(64, 64, (x) => (x & 1 ? 255 : 0) ^ (x === 40 ? 128 : 0))],
  ['tile edges', 40, () => drawn(520, 515, (x, y) => (x < 512 && y < 512 ? 255 : 0))],
  [
    'one tile of three kinds each',
    400,
    () => drawn(1040, 20, (x, y) => (x < 512 ? 255 : x < 1024 ? (x + y > 700 ? 9 : 0) : (x * y) & 255)),
  ],
  ['a soft ellipse', 1500, () => svg(200, 150, '<ellipse cx="100" cy="75" rx="80" ry="50" fill="#c40"/>')],
  ['text', 5000, () => svg(220, 60, '<text x="4" y="42" font-size="40" font-family="sans-serif" fill="#123">Tessera</text>')],
  [
    'a shadow',
    12000,
    () =>
      svg(
        200,
        200,
        '<filter id="f"><feGaussianBlur stdDeviation="9"/></filter><rect x="50" y="50" width="90" height="90" fill="#000" opacity="0.6" filter="url(#f)"/>',
      ),
  ],
  [
    'overlapping glass',
    1500,
    () =>
      svg(
        150,
        150,
        '<g fill="#08f" opacity="0.4"><circle cx="60" cy="60" r="50"/></g><circle cx="90" cy="95" r="45" fill="#f40" opacity="0.7"/>',
      ),
  ],
];

describe('comes back bit by bit', () => {
  test.each(pictures)('%s', async (_, most, picture) => {
    const image = await picture();
    const file = await encode(image, quick);
    const back = await decode(file);
    expect(sameBytes(alphaBytes(back), alphaBytes(image))).toBe(true);
    expect(alphaLength(file)).toBeLessThanOrEqual(most);
    const { data } = await decode(file, { transform: 'ort' });
    expect(sameBytes(alphaBytes({ data }), alphaBytes(image))).toBe(true);
  });

  const folder = dataFolder('edge-cases');
  test
    .skipIf(folder === undefined)
    .each([
      'pngsuite-tp1n3p08.png',
      'pngsuite-tbbn2c16.png',
      'pngsuite-basi6a16.png',
      'pngsuite-s01n3p01.png',
      'pngsuite-basn0g01.png',
      'pngsuite-g25n2c08.png',
      'grey8_alpha.png',
      'grey16_alpha.png',
      'photo_alpha_500px.png',
      'rgba_1024x768.png',
    ])('%s', async (name) => {
    const { data, info } = await sharp(`${folder}/${name}`)
      .toColourspace('srgb')
      .ensureAlpha()
      .raw({ depth: 'uchar' })
      .toBuffer({ resolveWithObject: true });
    const image = { data, width: info.width, height: info.height };
    const back = await decode(await encode(image, quick));
    expect(sameBytes(alphaBytes(back), alphaBytes(image))).toBe(true);
  });
});

test('an opaque alpha costs nothing', async () => {
  const { data, width, height } = synthetic(130, 70);
  const rgb = Uint8Array.from({ length: width * height * 3 }, (_, index) => data[Math.floor(index / 3) * 4 + (index % 3)]);
  const opaque = await encode({ data, width, height }, quick);
  expect(alphaLength(opaque)).toBe(0);
  expect(sameBytes(await encode({ data: rgb, width, height, channels: 3 }, quick), opaque)).toBe(true);
});

test('grey, with and without alpha', async () => {
  const [width, height] = [60, 40];
  const grey = Uint8Array.from({ length: width * height }, (_, index) => 40 + ((index * 7) % 150));
  const rgba = Uint8Array.from({ length: 4 * grey.length }, (_, index) => (index % 4 === 3 ? 255 : grey[index >> 2]));
  const file = await encode({ data: grey, width, height, channels: 1 }, quick);
  expect(sameBytes(file, await encode({ data: rgba, width, height }, quick))).toBe(true);
  const two = Uint8Array.from({ length: 2 * grey.length }, (_, index) => (index % 2 === 1 ? (index >> 1) % 256 : grey[index >> 1]));
  const back = await decode(await encode({ data: two, width, height, channels: 2 }, quick));
  expect(
    sameBytes(
      alphaBytes(back),
      Uint8Array.from(grey, (_, index) => index % 256),
    ),
  ).toBe(true);
  await expect(encode({ data: grey, width, height }, quick)).rejects.toMatchObject({ code: 'invalidArgument' });
  await expect(encode({ data: grey, width, height, channels: 5 as 4 }, quick)).rejects.toMatchObject({ code: 'invalidArgument' });
});

describe('regions and rows', () => {
  const image = drawn(700, 1100, (x, y) => (disc(x, y, 350, 500, 330) ? 255 : (x * 3 + y) & 127));
  let file: Uint8Array;
  let whole: Picture;
  beforeAll(async () => {
    file = await encode(image, quick);
    whole = await decode(file);
  });

  test.each([
    { x: 0, y: 0, width: 700, height: 1100 },
    { x: 500, y: 500, width: 30, height: 30 },
    { x: 699, y: 1099, width: 1, height: 1 },
    { x: 3, y: 510, width: 690, height: 520 },
  ])('$width×$height at $x, $y', async (region) => {
    const part = await decode(file, { region });
    expect(sameBytes(part.data, crop(whole, region.x, region.y, region.width, region.height).data)).toBe(true);
  });

  test('rows have their alpha when they are handed over', async () => {
    const check = ({ y, height, data }: Rows): void => {
      expect(sameBytes(data, whole.data.subarray(y * 700 * 4, (y + height) * 700 * 4))).toBe(true);
    };
    await decode(file, { onRows: check });
  });
});

describe('invisible colours', () => {
  test('are replaced smoothly, or kept on request', async () => {
    const noisy = drawn(128, 128, (x, y) => (disc(x, y, 64, 64, 30) ? 255 : 0));
    noisy.data.forEach((_, index) => {
      if (index % 4 < 3 && noisy.data[index - (index % 4) + 3] === 0) noisy.data[index] = noise[index & 0xffff];
    });
    const smooth = await encode(noisy, quick);
    const kept = await encode(noisy, { ...quick, invisible: 'keep' });
    expect(kept.length).toBeGreaterThan(2 * smooth.length);
    await expect(encode(noisy, { invisible: 'other' as 'keep' })).rejects.toMatchObject({ code: 'invalidArgument' });
  });

  test('leave visible pixels and alpha as they are', () => {
    const image = drawn(33, 21, (x, y) => ((x * 5 + y * 3) % 4 === 0 ? 0 : 1 + ((x + y) % 255)));
    const { data } = smoothInvisible(image);
    expect(sameBytes(alphaBytes({ data }), alphaBytes(image))).toBe(true);
    for (let i = 0; i < data.length; i++) if (data[i | 3] !== 0) expect(data[i]).toBe(image.data[i]);
  });

  test('take the colour of a flat surrounding', () => {
    const data = new Uint8ClampedArray(40 * 40 * 4).map((_, index) => [200, 100, 50, 255][index % 4]);
    for (let y = 10; y < 30; y++) data.fill(0, (y * 40 + 10) * 4, (y * 40 + 30) * 4);
    const filled = smoothInvisible({ data, width: 40, height: 40 }).data;
    for (let i = 0; i < filled.length; i += 4) expect([...filled.subarray(i, i + 3)]).toEqual([200, 100, 50]);
  });

  test('an opaque picture is not copied', () => {
    const image = synthetic(5, 5);
    expect(smoothInvisible(image)).toBe(image);
  });
});

describe('streams', () => {
  let core: Core;
  beforeAll(async () => {
    core = await Core.create(await compileCore());
  });

  test('any samples come back', () => {
    const shape = fc.tuple(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 40 }));
    const samples = shape.chain(([width, height]) =>
      fc.tuple(fc.constant(width), fc.constant(height), fc.uint8Array({ minLength: width * height, maxLength: width * height })),
    );
    fc.assert(
      fc.property(samples, fc.constantFrom('mask' as const, 'levels' as const), ([width, height, levels], kind) => {
        const wanted = kind === 'mask' ? levels.map((level) => level & 1) : levels;
        const stream = core.encodeAlpha(kind, wanted, width, height);
        expect(sameBytes(core.decodeAlpha(kind, stream, width, height), wanted)).toBe(true);
      }),
      { seed: 1, numRuns: 200 },
    );
  });

  test('a stream that was cut or that goes on is damage', () => {
    for (const kind of ['mask', 'levels'] as const) {
      const stream = core.encodeAlpha(
        kind,
        Uint8Array.from({ length: 600 }, (_, index) => (index >> 3) & 1),
        30,
        20,
      );
      for (let length = 0; length < stream.length; length++) {
        expect(() => core.decodeAlpha(kind, stream.subarray(0, length), 30, 20)).toThrow(TesseraError);
      }
      expect(() => core.decodeAlpha(kind, Uint8Array.of(...stream, 0), 30, 20)).toThrow(expect.objectContaining({ code: 'entropyDesync' }));
    }
  });
});

describe('the section', () => {
  const parse = (...payload: number[]): unknown =>
    parseAlphaSection({ tag: alphaTag, offset: 100, payload: Uint8Array.from(payload) }, 600, 10);

  test('tiles of all kinds', () => {
    const bytes = [0, 2, 0, 9];
    expect(parse(...bytes)).toEqual([
      { kind: 'constant', level: 255 },
      { kind: 'constant', level: 9 },
    ]);
    expect([...writeAlphaSection(parse(...bytes) as never)]).toEqual(bytes);
    expect(parse(5, 3, 1, 3, 4, 7, 8, 2, 5, 6)).toEqual([
      { kind: 'mask', levels: [3, 4], stream: Uint8Array.of(7, 8) },
      { kind: 'levels', stream: Uint8Array.of(5, 6) },
    ]);
  });

  test.each([
    ['lengths that are cut', [0]],
    ['lengths that add up to less', [0, 0, 9]],
    ['lengths that add up to more', [0, 2, 0]],
    ['a level that is missing', [0, 1, 0]],
    ['bytes behind a level', [0, 3, 0, 1, 2]],
    ['one level twice', [0, 7, 1, 5, 5, 0, 0, 0, 0]],
    ['no second level', [0, 2, 1, 5]],
    ['an unknown kind', [0, 2, 3, 0]],
  ])('%s', (_, payload) => {
    expect(() => parse(...payload)).toThrow(expect.objectContaining({ code: 'corruptSection' }));
  });
});

describe('damage', () => {
  const image = colourBands(200, 150);
  for (let i = 3; i < image.data.length; i += 4) image.data[i] = i % 8 === 3 ? i & 255 : 255;
  let file: Uint8Array;
  beforeAll(async () => {
    file = await encode(image, quick);
  });

  test('is an error, and with `partial` everything is missing', async () => {
    const header = parseHeader(file);
    const alphaSection = parseSections(header, file)[1];
    const broken = file.slice();
    broken[alphaSection.offset + alphaSection.payload.length - 1] ^= 1;
    await expect(decode(broken)).rejects.toMatchObject({ code: 'checksumMismatch' });
    for (const damaged of [broken, file.slice(0, alphaSection.offset + 2), file.slice(0, file.length - 1)]) {
      const { picture, missing, damage } = await decode(damaged, { partial: true });
      expect(missing).toEqual([{ x: 0, y: 0, width: 200, height: 150 }]);
      expect(damage.length).toBe(1);
      expect(alphaBytes(picture).every((level) => level === 255)).toBe(true);
    }
  });

  test('to the picture leaves sound alpha', async () => {
    const header = parseHeader(file);
    const [pictureSection] = parseSections(header, file);
    const broken = file.slice();
    broken[pictureSection.offset + pictureSection.payload.length - 1] ^= 1;
    const { picture } = await decode(broken, { partial: true });
    expect(sameBytes(alphaBytes(picture), alphaBytes(image))).toBe(true);
  });

  test('with a right checksum is noticed by the stream', async () => {
    const header = parseHeader(file);
    const sections = parseSections(header, file);
    const [tile] = alphaOf(header, sections) ?? [];
    if (tile?.kind !== 'levels') throw new Error('the tile has levels');
    const stream = tile.stream.slice(0, -1);
    const picture = sections.find(({ tag }) => tag === 1)?.payload as Uint8Array;
    const { parsePictureSection } = await import('../src/container.js');
    const forged = writeFile(header, parsePictureSection(header, [{ tag: 1, offset: 0, payload: picture }]), [
      { tag: alphaTag, payload: writeAlphaSection([{ kind: 'levels', stream }]) },
    ]);
    await expect(decode(forged)).rejects.toMatchObject({ code: 'entropyDesync' });
    expect((await decode(forged, { partial: true })).missing.length).toBe(1);
  });
});
