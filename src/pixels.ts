/** Pixels in and out: checks, flattening, and the `ImageData` shape. */

import { TesseraError } from './errors.js';
import type { Picture, PixelSource } from './types.js';

/** Refuses whatever is not `ImageData`-shaped, 8 bits, sRGB and of the stated size. */
export function checkPixels(image: PixelSource): void {
  if (typeof image !== 'object' || image === null) throw new TesseraError('invalidArgument', 'the picture is not an object like ImageData');
  const { data, width, height, colorSpace } = image;
  for (const name of ['width', 'height'] as const) {
    if (!Number.isInteger(image[name]) || image[name] < 1)
      throw new TesseraError('invalidArgument', `the picture's ${name} is not a whole number of at least 1: ${image[name]}`);
  }
  if (!(data instanceof Uint8Array || data instanceof Uint8ClampedArray)) {
    throw new TesseraError('invalidArgument', "the picture's data is not a Uint8Array or Uint8ClampedArray");
  }
  const { channels = 4 } = image;
  if (![1, 2, 3, 4].includes(channels))
    throw new TesseraError('invalidArgument', `the picture's channels are ${String(channels)}; allowed are 1, 2, 3, 4`);
  if (data.length !== width * height * channels) {
    throw new TesseraError(
      'invalidArgument',
      `the picture has ${data.length} bytes; ${width}×${height} pixels of ${channels} channels need ${width * height * channels}`,
    );
  }
  if (colorSpace !== undefined && colorSpace !== 'srgb')
    throw new TesseraError('invalidArgument', `the picture's colour space is ${colorSpace}; only srgb is supported`);
}

/** The picture with four channels; itself if it has them. Grey becomes red, green and blue; what has no alpha is opaque. */
export function toRgba(image: PixelSource): PixelSource {
  const { data: source, width, height, channels = 4 } = image;
  if (channels === 4) return image;
  const data = new Uint8ClampedArray(width * height * 4);
  const coloured = channels === 3;
  for (let from = 0, to = 0; to < data.length; from += channels, to += 4) {
    data[to] = source[from];
    data[to + 1] = source[from + (coloured ? 1 : 0)];
    data[to + 2] = source[from + (coloured ? 2 : 0)];
    data[to + 3] = channels === 2 ? source[from + 1] : 255;
  }
  return { data, width, height };
}

/** Whether every alpha of RGBA pixels is 255. */
export function isOpaque(data: Uint8Array | Uint8ClampedArray): boolean {
  for (let i = 3; i < data.length; i += 4) if (data[i] !== 255) return false;
  return true;
}

/** The picture over a background colour, opaque. Blends in sRGB levels, as browsers do. */
export function flatten(image: PixelSource, background: readonly [number, number, number]): PixelSource {
  if (background.length !== 3 || background.some((level) => !(level >= 0 && level <= 255))) {
    throw new TesseraError('invalidArgument', `background is not three numbers from 0 to 255: ${background}`);
  }
  const data = new Uint8ClampedArray(image.data.length);
  for (let i = 0; i < data.length; i += 4) {
    const alpha = image.data[i + 3];
    for (let c = 0; c < 3; c++) data[i + c] = Math.round((image.data[i + c] * alpha + background[c] * (255 - alpha)) / 255);
    data[i + 3] = 255;
  }
  return { data, width: image.width, height: image.height };
}

/**
 * Room for RGBA pixels, all 0.
 *
 * @throws TesseraError `limitMemory` when the host has none: a header within the limits may still claim more than there is
 */
export function allocatePixels(width: number, height: number): Uint8ClampedArray<ArrayBuffer> {
  try {
    return new Uint8ClampedArray(width * height * 4);
  } catch (cause) {
    throw new TesseraError('limitMemory', `no memory for ${width}×${height} pixels`, { cause });
  }
}

/** Wraps pixels: a real `ImageData` where the host has one. */
export function toPicture(data: Uint8ClampedArray<ArrayBuffer>, width: number, height: number): Picture {
  if (typeof ImageData === 'function') return new ImageData(data, width, height) as Picture;
  return { data, width, height, colorSpace: 'srgb' };
}
