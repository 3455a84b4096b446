/** Pictures and packs for the tests. */

import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { crc32 } from '../src/container.js';
import type { ModelFiles } from '../src/models/load.js';
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

/** Bands of strong red, green and blue, each 200 pixels wide, with a little noise. */
export function colourBands(width: number, height: number): PixelSource {
  const random = randomNumbers(3);
  const data = new Uint8ClampedArray(width * height * 4);
  for (let pixel = 0; pixel < width * height; pixel++) {
    const band = Math.floor((pixel % width) / 200) % 3;
    for (let c = 0; c < 3; c++) data[4 * pixel + c] = (c === band ? 235 : 128) + (random() % 17);
    data[4 * pixel + 3] = 255;
  }
  return { data, width, height };
}

/** A repeatable stream of whole numbers below 2^32. */
export function randomNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    // xorshift32 on a scrambled counter: good enough to spread test inputs.
    state = (state + 0x9e3779b9) >>> 0;
    let value = state;
    value = Math.imul(value ^ (value >>> 16), 0x85ebca6b) >>> 0;
    value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35) >>> 0;
    return (value ^ (value >>> 16)) >>> 0;
  };
}

/**
 * The default pack with every codec made different: other colours, kernels and context weights. Its codecs compete for
 * real whatever the default pack's training has come to; on `colourBands`, several of them win.
 */
export function variedPack(): ModelFiles {
  const files: Record<string, Uint8Array> = { ...defaultPack().files };
  const manifest = JSON.parse(new TextDecoder().decode(files['manifest.json']));
  const bytes = files['decoder.bin'];
  const view = new DataView(bytes.buffer);
  const random = randomNumbers(7);
  const vary = (position: number, amount: number): void => {
    view.setInt16(
      position,
      Math.min(32_767, Math.max(-32_768, view.getInt16(position, true) + (random() % (2 * amount + 1)) - amount)),
      true,
    );
  };
  const decoderBytes = 8 + 3 * 2 + 544 * 2 + 34 * 4 + 6 * 18 + 8 + 699 * 2 + 3 * 2 + 9 * 2;
  const decoders = manifest.modes * manifest.anchors;
  const first = bytes.length - 4 - decoders * decoderBytes;
  for (let decoder = 0; decoder < decoders; decoder++) {
    const context = first + decoder * decoderBytes + 8;
    const upsampling = context + 3 * 2 + 544 * 2 + 34 * 4;
    const synthesis = upsampling + 6 * 18;
    for (let o = 0; o < 16; o++) for (let i = 0; i < 16; i++) vary(context + 2 + 2 * (16 * o + i), 2);
    for (let step = 0; step < 6; step++) {
      const kernel = upsampling + step * 18;
      for (let k = 0; k < 8; k++) vary(kernel + 2 + 2 * k, 2 ** Math.max(0, bytes[kernel] - 9));
    }
    // Codec c weakens one channel by a fifth: it suits patches where that channel is near the middle.
    const weakened = Math.floor(decoder / manifest.anchors) % 3;
    const row = synthesis + 8 + 2 * 336 + 2 * 48 + 2 + 2 * 48 * weakened;
    for (let j = 0; j < 48; j++) view.setInt16(row + 2 * j, Math.round(view.getInt16(row + 2 * j, true) * 0.8), true);
  }
  view.setUint32(bytes.length - 4, crc32(bytes.subarray(0, bytes.length - 4)), true);
  manifest.files['decoder.bin'].sha256 = createHash('sha256').update(bytes).digest('hex');
  files['manifest.json'] = new TextEncoder().encode(JSON.stringify(manifest));
  return { files };
}

/** A pack without what trades of latents are judged by: efforts without gradient steps only let codecs compete with it. */
export function withoutCurvatures({ files }: ModelFiles): ModelFiles {
  const manifest = JSON.parse(new TextDecoder().decode(files['manifest.json']));
  return { files: { ...files, 'manifest.json': new TextEncoder().encode(JSON.stringify({ ...manifest, curvatures: undefined })) } };
}

/** The files of the default pack. */
export function defaultPack(): ModelFiles {
  const folder = fromRoot('models/tessera-1');
  const names = readdirSync(folder).filter((name) => /\.(bin|onnx|json)$/.test(name));
  return { files: Object.fromEntries(names.map((name) => [name, new Uint8Array(readFileSync(`${folder}/${name}`))])) };
}
