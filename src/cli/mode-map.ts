/** The mode map as a picture: one colour per mode. */

import type { PixelSource } from '../types.js';

/** Colours of the modes 0…7, told apart by most kinds of colour vision. */
export const modeColours: readonly (readonly [number, number, number])[] = [
  [136, 136, 136],
  [230, 159, 0],
  [86, 180, 233],
  [0, 158, 115],
  [240, 228, 66],
  [0, 114, 178],
  [213, 94, 0],
  [204, 121, 167],
];

/**
 * Draws each patch in the colour of its mode, its first row and column a little darker.
 *
 * @param modes - mode of every patch, raster order
 * @param patch - side of a patch in pixels
 */
export function modeMapPicture(modes: Uint8Array, width: number, height: number, patch: number): PixelSource {
  const columns = Math.ceil(width / patch);
  const data = new Uint8ClampedArray(width * height * 4);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const colour = modeColours[modes[Math.floor(y / patch) * columns + Math.floor(x / patch)]];
      const shade = x % patch === 0 || y % patch === 0 ? 0.8 : 1;
      const pixel = (y * width + x) * 4;
      for (let c = 0; c < 3; c++) data[pixel + c] = colour[c] * shade;
      data[pixel + 3] = 255;
    }
  }
  return { data, width, height };
}
