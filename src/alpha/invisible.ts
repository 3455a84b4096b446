/**
 * Colours where nothing shows. What stands under alpha 0 cannot be seen, but costs bits; the encoder replaces it by a smooth
 * continuation of the visible pixels around it.
 *
 * A pyramid: each level holds the mean colour of the visible pixels below it, and is marked where there are any. From the coarsest
 * level down, unmarked pixels take the colour of the level above.
 */

import type { PixelSource } from '../types.js';

/** RGBA pixels, alpha 0 where there is no colour yet. */
interface Level {
  readonly data: Uint8ClampedArray;
  readonly width: number;
  readonly height: number;
}

/** RGBA pixels with new colours where alpha is 0; a copy if there is such a pixel. Alpha stays. */
export function smoothInvisible(image: PixelSource): PixelSource {
  const { data, width, height } = image;
  if (!someInvisible(data)) return image;
  const base: Level = { data: Uint8ClampedArray.from(data), width, height };
  const levels = [base];
  for (let level = base; level.width > 1 || level.height > 1; levels.push(level)) level = reduce(level);
  for (let index = levels.length - 2; index >= 0; index--) fill(levels[index], levels[index + 1], index > 0);
  return base;
}

function someInvisible(data: Uint8Array | Uint8ClampedArray): boolean {
  for (let i = 3; i < data.length; i += 4) if (data[i] === 0) return true;
  return false;
}

/** Means of the marked pixels of 2×2; alpha 255 where there is one. */
function reduce({ data, width, height }: Level): Level {
  const half: Level = {
    width: Math.ceil(width / 2),
    height: Math.ceil(height / 2),
    data: new Uint8ClampedArray(Math.ceil(width / 2) * Math.ceil(height / 2) * 4),
  };
  for (let y = 0; y < half.height; y++) {
    for (let x = 0; x < half.width; x++) {
      let [red, green, blue, count] = [0, 0, 0, 0];
      for (let dy = 0; dy < 2 && 2 * y + dy < height; dy++) {
        for (let dx = 0; dx < 2 && 2 * x + dx < width; dx++) {
          const from = ((2 * y + dy) * width + 2 * x + dx) * 4;
          if (data[from + 3] === 0) continue;
          red += data[from];
          green += data[from + 1];
          blue += data[from + 2];
          count++;
        }
      }
      if (count === 0) continue;
      const to = (y * half.width + x) * 4;
      half.data[to] = red / count;
      half.data[to + 1] = green / count;
      half.data[to + 2] = blue / count;
      half.data[to + 3] = 255;
    }
  }
  return half;
}

/** Gives unmarked pixels the colour of the pixel above them in the pyramid. */
function fill({ data, width, height }: Level, above: Level, mark: boolean): void {
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const to = (y * width + x) * 4;
      if (data[to + 3] !== 0) continue;
      const from = ((y >> 1) * above.width + (x >> 1)) * 4;
      for (let c = 0; c < 3; c++) data[to + c] = above.data[from + c];
      if (mark) data[to + 3] = 255;
    }
  }
}
