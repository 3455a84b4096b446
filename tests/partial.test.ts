/** `partial: true`: what is whole of a damaged file, and nothing said to be whole that is not. */

import { beforeAll, describe, expect, test } from 'vitest';
import { parseHeader, parsePictureSection, parseSections, readLeb128 } from '../src/container.js';
import { createCodec, decode } from '../src/index.js';
import { loadPack } from '../src/models/load.js';
import type { PartialPicture, Picture, Region, Rows } from '../src/types.js';
import { conformanceModels as models, vectorBytes } from './conformance/files.js';
import { emptyGrids, writeContents } from './conformance/harness.js';
import { drawLatent, drawModes } from './conformance/plans.js';
import { Random } from './conformance/random.js';
import { crop, sameBytes } from './helpers.js';

/** Three tiles by two; the last column and row are cut. */
const [width, height] = [1100, 700];
const tiles = [0, 1, 2, 3, 4, 5];

let file: Uint8Array;
let whole: Picture;
beforeAll(async () => {
  const pack = await loadPack(models);
  const random = new Random(77);
  file = writeContents(pack.decoder, {
    header: {
      ...{ version: 0, width, height, modes: 4, patch: 128, lanes: 2, anchor: 1, step: 1 },
      ...{ packId: pack.decoder.id, packHash: pack.hash },
    },
    // Runs of one mode, so that windows reach across tiles.
    modes: drawModes(random, 'runs', Math.ceil(width / 128) * Math.ceil(height / 128), 4),
    map: 'adaptive',
    grids: emptyGrids(width, height).map((grid, index) => grid.map((_, position) => drawLatent(random, 'noise', index, position))),
    sections: [{ tag: 0x41, payload: random.bytes(50) }],
  });
  whole = await decode(file, { models });
});

const partially = (bytes: Uint8Array, region?: Region): Promise<PartialPicture> =>
  decode(bytes, { models, partial: true, ...(region === undefined ? {} : { region }) });

/** Offsets in the file of coarse segment and tile segments, and the end of the last. */
function segmentEnds(): number[] {
  const header = parseHeader(file);
  const [section] = parseSections(header, file);
  const { coarse, tiles: segments } = parsePictureSection(header, [section]);
  const ends = [coarse, ...segments].map((part) => part.byteOffset - file.byteOffset + part.length);
  expect(ends.at(-1)).toBe(section.offset + section.payload.length);
  return ends;
}

/** A copy with one bit flipped. */
function flipped(offset: number, bit = 3): Uint8Array {
  return file.map((byte, index) => (index === offset ? byte ^ (1 << bit) : byte));
}

/** The tile and 32 pixels around it, inside the picture. */
function areaOf(tile: number): Region {
  const [x, y] = [(tile % 3) * 512 - 32, Math.floor(tile / 3) * 512 - 32];
  const [left, top] = [Math.max(0, x), Math.max(0, y)];
  return { x: left, y: top, width: Math.min(width, x + 576) - left, height: Math.min(height, y + 576) - top };
}

/** Pixels that differ from the sound picture, inside and outside the rectangles. */
function differences(picture: Picture, areas: readonly Region[], sound = whole): { inside: number; outside: number } {
  const lost = new Uint8Array(picture.width * picture.height);
  for (const { x, y, width: w, height: h } of areas) {
    for (let row = y; row < y + h; row++) lost.fill(1, row * picture.width + x, row * picture.width + x + w);
  }
  const found = new Uint32Array(picture.data.buffer, picture.data.byteOffset, lost.length);
  const expected = new Uint32Array(Uint8Array.from(sound.data).buffer);
  const count = { inside: 0, outside: 0 };
  lost.forEach((isLost, pixel) => {
    if (found[pixel] !== expected[pixel]) count[isLost ? 'inside' : 'outside']++;
  });
  return count;
}

describe('a sound file', () => {
  test('is decoded as always', async () => {
    const { picture, missing, damage } = await partially(file);
    expect([missing, damage]).toEqual([[], []]);
    expect(sameBytes(picture.data, whole.data)).toBe(true);
  });

  test.each(['yes', 1, null])('partial: %o is no such option', async (partial) => {
    await expect(decode(file, { models, partial: partial as unknown as true })).rejects.toMatchObject({ code: 'invalidArgument' });
  });
});

describe('one damaged tile', () => {
  test.each(tiles)('tile %i costs its area and 32 pixels around it', async (tile) => {
    const ends = segmentEnds();
    const bytes = flipped(Math.floor((ends[tile] + ends[tile + 1]) / 2));
    await expect(decode(bytes, { models })).rejects.toMatchObject({ code: 'checksumMismatch' });
    const { picture, missing, damage } = await partially(bytes);
    expect(damage.map(({ code }) => code)).toEqual(['checksumMismatch', 'entropyDesync']);
    expect(missing).toEqual([areaOf(tile)]);
    const { inside, outside } = differences(picture, missing);
    expect(outside).toBe(0);
    expect(inside).toBeGreaterThan(10_000);
  });

  test('neighbours do depend on it: without the margin pixels would be wrong', async () => {
    const ends = segmentEnds();
    const { picture } = await partially(flipped(ends[1] - 5));
    expect(differences(picture, [{ x: 0, y: 0, width: 512, height: 512 }]).outside).toBeGreaterThan(0);
  });

  test('what stands in for it comes from the coarse grids, the same whatever the damage', async () => {
    const [start, end] = segmentEnds();
    const [a, b] = [await partially(flipped(start)), await partially(flipped(end - 1))];
    expect(sameBytes(a.picture.data, b.picture.data)).toBe(true);
  });

  test('a region away from it is whole, one across its edge is not', async () => {
    const ends = segmentEnds();
    const bytes = flipped(ends[1] - 5);
    for (const region of [
      { x: 600, y: 10, width: 300, height: 200 },
      { x: 500, y: 10, width: 100, height: 50 },
      { x: 40, y: 530, width: 60, height: 100 },
    ]) {
      const { picture, missing } = await partially(bytes, region);
      const sound = crop(whole, region.x, region.y, region.width, region.height) as Picture;
      expect(differences(picture, missing, sound).outside, JSON.stringify(region)).toBe(0);
      const right = Math.min(544 - region.x, region.width);
      const bottom = Math.min(544 - region.y, region.height);
      expect(missing).toEqual(right > 0 && bottom > 0 ? [{ x: 0, y: 0, width: right, height: bottom }] : []);
    }
  });

  test('rows are handed out as always', async () => {
    const rows: Rows[] = [];
    const { picture } = await decode(flipped(segmentEnds()[2] - 5), { models, partial: true, onRows: (each) => rows.push(each) });
    expect(rows.reduce((sum, each) => sum + each.height, 0)).toBe(height);
    expect(sameBytes(rows[3].data, picture.data.subarray(3 * 128 * width * 4, 4 * 128 * width * 4))).toBe(true);
  });

  test('a codec that has seen damage decodes a sound file', async () => {
    const codec = await createCodec();
    await codec.decode(flipped(segmentEnds()[6] - 1), { models, partial: true });
    expect(sameBytes((await codec.decode(file, { models })).data, whole.data)).toBe(true);
    codec.dispose();
  });
});

test('a file that is cut keeps the tiles that have arrived', async () => {
  const ends = segmentEnds();
  for (let arrived = 0; arrived < 6; arrived++) {
    for (const length of [ends[arrived], ends[arrived + 1] - 1]) {
      const { picture, missing, damage } = await partially(file.subarray(0, length));
      expect(damage[0].code).toBe('truncated');
      expect(damage.length, `${length} bytes`).toBe(1 + 6 - arrived);
      expect(missing).toEqual(tiles.slice(arrived).map(areaOf));
      expect(differences(picture, missing).outside).toBe(0);
    }
  }
});

test('damage to other sections costs no pixel', async () => {
  for (const bytes of [file.subarray(0, file.length - 1), file.subarray(0, segmentEnds()[6]), flipped(file.length - 1)]) {
    const { picture, missing, damage } = await partially(bytes);
    expect(damage.length).toBe(1);
    expect(missing).toEqual([]);
    expect(sameBytes(picture.data, whole.data)).toBe(true);
  }
});

test('a wrong checksum alone costs no pixel', async () => {
  const { missing, damage, picture } = await partially(flipped(readLeb128(file, 28).next));
  expect(damage).toMatchObject([{ code: 'checksumMismatch' }]);
  expect(missing).toEqual([]);
  expect(sameBytes(picture.data, whole.data)).toBe(true);
});

describe('nothing is whole, so it is an error', () => {
  test.each<[string, () => Uint8Array, string]>([
    ['a damaged header', () => flipped(6), 'corruptHeader'],
    ['a cut header', () => file.subarray(0, 20), 'truncated'],
    ['a header alone', () => file.subarray(0, 27), 'corruptSection'],
    ['another first section', () => flipped(27), 'corruptSection'],
    ['a file that ends in the lengths', () => file.subarray(0, 37), 'corruptSection'],
    ['a damaged mode map', () => flipped(segmentEnds()[0] - parsed().coarse.length - 1), 'entropyDesync'],
    ['damaged coarse grids', () => flipped(segmentEnds()[0] - 1), 'entropyDesync'],
    ['cut coarse grids', () => file.subarray(0, segmentEnds()[0] - 1), 'entropyDesync'],
  ])('%s', async (_, bytes, code) => {
    await expect(partially(bytes())).rejects.toMatchObject({ code });
  });

  const parsed = () => {
    const header = parseHeader(file);
    return parsePictureSection(header, parseSections(header, file));
  };
});

test('limits, packs and callers fail as always', async () => {
  await expect(decode(file, { models, partial: true, limits: { maxPixels: 1 } })).rejects.toMatchObject({ code: 'limitPixels' });
  await expect(decode(file, { partial: true })).rejects.toMatchObject({ code: 'unknownModel' });
  await expect(decode(flipped(9000), { models, partial: true, signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'aborted' });
});

test('no flipped bit of a small file makes a pixel wrong that is not named', async () => {
  const small = vectorBytes('two-patches');
  const sound = await decode(small, { models });
  let survived = 0;
  for (let bit = 8 * 27; bit < 8 * small.length; bit++) {
    const bytes = small.map((byte, index) => (index === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte));
    const result = await partially(bytes).catch((error) => {
      expect(error).toMatchObject({ number: expect.any(Number) });
      return undefined;
    });
    if (result === undefined) continue;
    survived++;
    expect(result.damage.length).toBeGreaterThan(0);
    expect(differences(result.picture, result.missing, sound).outside, `bit ${bit}`).toBe(0);
  }
  expect(survived).toBeGreaterThan(100);
});
