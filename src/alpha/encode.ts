/** From the alpha of a picture to the alpha section, tile by tile, without loss. */

import type { Core } from '../core.js';
import { tileArea, tileCount } from '../geometry.js';
import type { Pacer } from '../pacer.js';
import type { PixelSource } from '../types.js';
import { type AlphaTile, writeAlphaSection } from './section.js';

/** The payload of the alpha section of RGBA pixels. */
export async function encodeAlpha(core: Core, { data, width, height }: PixelSource, pacer: Pacer): Promise<Uint8Array> {
  const tiles: AlphaTile[] = [];
  for (let tile = 0; tile < tileCount(width, height); tile++) {
    const area = tileArea(tile, width, height);
    const samples = new Uint8Array(area.width * area.height);
    let next = 0;
    for (let y = area.y; y < area.y + area.height; y++) {
      const end = (y * width + area.x + area.width) * 4;
      for (let pixel = (y * width + area.x) * 4; pixel < end; pixel += 4) samples[next++] = data[pixel + 3];
    }
    tiles.push(encodeTile(core, samples, area.width, area.height));
    await pacer.turn();
  }
  return writeAlphaSection(tiles);
}

/** Chooses the kind of a tile by the number of its levels. */
function encodeTile(core: Core, samples: Uint8Array, width: number, height: number): AlphaTile {
  const first = samples[0];
  const second = samples.find((level) => level !== first);
  if (second === undefined) return { kind: 'constant', level: first };
  if (!samples.every((level) => level === first || level === second))
    return { kind: 'levels', stream: core.encodeAlpha('levels', samples, width, height) };
  const bits = samples.map((level) => (level === first ? 0 : 1));
  return { kind: 'mask', levels: [first, second], stream: core.encodeAlpha('mask', bits, width, height) };
}
