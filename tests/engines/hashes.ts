/**
 * What an engine makes of the conformance vectors, as hashes. Runs anywhere: needs WebAssembly and `crypto.subtle`, no files, no address.
 */

import { bytesOfBase64 } from '../../src/base64.js';
import { Core } from '../../src/core.js';
import { parseDecoderPack } from '../../src/models/pack.js';
import { decodeContents } from '../conformance/decode.js';

/** What to decode. */
export interface Job {
  /** decoder.bin, in base64. */
  readonly pack: string;
  readonly vectors: readonly { readonly name: string; readonly file: string }[];
  /** False for the scalar kernels. */
  readonly simd: boolean;
}

/** SHA-256 by vector, as the JSON files beside the vectors state them. */
export type Hashes = Record<string, Record<'modeMap' | 'latents' | 'pixels', string>>;

/** Decodes the vectors of a job one after the other. */
export async function hashVectors(module: WebAssembly.Module, { pack, vectors, simd }: Job): Promise<Hashes> {
  const decoder = parseDecoderPack(bytesOfBase64(pack));
  const core = await Core.create(module);
  const hashes: Hashes = {};
  for (const { name, file } of vectors) {
    const { modeMap, latents, pixels } = await decodeContents(core, decoder, bytesOfBase64(file), simd);
    hashes[name] = { modeMap: await sha256(modeMap), latents: await sha256(littleEndian(latents)), pixels: await sha256(pixels) };
  }
  return hashes;
}

/** The job of worker `index` of `count`: every `count`-th vector. */
export function shareOf(job: Job, index: number, count: number): Job {
  return { ...job, vectors: job.vectors.filter((_, number) => number % count === index) };
}

/** Latents as the vectors hash them: i16 little endian, grid 0 first. */
function littleEndian(grids: readonly Int16Array[]): Uint8Array {
  const bytes = new Uint8Array(2 * grids.reduce((sum, grid) => sum + grid.length, 0));
  const view = new DataView(bytes.buffer);
  let position = 0;
  for (const grid of grids) {
    for (const latent of grid) {
      view.setInt16(position, latent, true);
      position += 2;
    }
  }
  return bytes;
}

async function sha256(bytes: Uint8Array | Uint8ClampedArray): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', Uint8Array.from(bytes));
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
