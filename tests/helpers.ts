/** Pictures and packs for the tests. */

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import type { PixelSource } from '../src/types.js';

/** Absolute path of something in the repository. */
export function fromRoot(path: string): string {
  return fileURLToPath(new URL(`../${path}`, import.meta.url));
}

/** The bundled pictures; the last is a screen. */
export const examples = ['astronaut', 'chelsea', 'coffee', 'screen'].map((name) => ({ name, path: fromRoot(`examples/${name}.png`) }));

/** Reads an opaque picture as RGBA. */
export async function readPixels(path: string): Promise<PixelSource> {
  const { data, info } = await sharp(path).ensureAlpha().raw().toBuffer({ resolveWithObject: true });
  return { data, width: info.width, height: info.height };
}

/** Whether two byte arrays are equal; quicker than `toEqual`, which compares element by element. */
export function sameBytes(a: Uint8Array | Uint8ClampedArray, b: Uint8Array | Uint8ClampedArray): boolean {
  return Buffer.from(a.buffer, a.byteOffset, a.length).equals(Buffer.from(b.buffer, b.byteOffset, b.length));
}

/** A part of a picture. */
export function crop({ data, width }: PixelSource, left: number, top: number, cropWidth: number, cropHeight: number): PixelSource {
  const out = new Uint8ClampedArray(cropWidth * cropHeight * 4);
  for (let y = 0; y < cropHeight; y++) {
    const start = ((top + y) * width + left) * 4;
    out.set(data.subarray(start, start + cropWidth * 4), y * cropWidth * 4);
  }
  return { data: out, width: cropWidth, height: cropHeight };
}

/** A smooth, coloured, slightly noisy picture of any size, the same on every machine. */
export function synthetic(width: number, height: number): PixelSource {
  const data = new Uint8ClampedArray(width * height * 4);
  let state = 1;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const pixel = (y * width + x) * 4;
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      const noise = (state >>> 28) - 8;
      data[pixel] = ((x * 3 + y) % 256) + noise;
      data[pixel + 1] = 128 + 100 * ((((x >> 4) + (y >> 4)) % 2) - 0.5) + noise;
      data[pixel + 2] = ((y * 2) % 256) + noise;
      data[pixel + 3] = 255;
    }
  }
  return { data, width, height };
}

/** Folder with a data set outside the repository, or undefined, which is said once. */
export function dataFolder(name: string): string | undefined {
  const folders = [process.env.TESSERA_DATA, fromRoot('../shared/data')].filter((folder) => folder !== undefined);
  const found = folders.map((folder) => `${folder}/${name}`).find((folder) => existsSync(folder));
  if (found === undefined) console.warn(`${name}: not in $TESSERA_DATA or ../shared/data; tests that need it are skipped`);
  return found;
}

/** The PNG files of a folder, sorted. */
export function pngFiles(folder: string): string[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.png'))
    .sort()
    .map((name) => `${folder}/${name}`);
}

/** The default pack's decoder.bin. */
export function decoderBin(): Uint8Array {
  return new Uint8Array(readFileSync(fromRoot('models/tessera-1/decoder.bin')));
}
