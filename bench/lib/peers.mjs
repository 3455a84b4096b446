// The codecs of @jsquash in this process: the same engine, the same clock, one thread, default options except the quality.
import { readFileSync } from 'node:fs';
import { fromRoot } from '../../scripts/setup.mjs';

// Their decoders return `ImageData`, which Node does not have.
globalThis.ImageData ??= class ImageData {
  constructor(data, width, height) {
    this.data = data;
    this.width = width;
    this.height = height;
  }
};

const files = {
  jpeg: { name: 'mozjpeg', encoder: 'mozjpeg_enc', decoder: 'mozjpeg_dec' },
  webp: { name: 'WebP', encoder: 'webp_enc_simd', decoder: 'webp_dec' },
  avif: { name: 'AVIF', encoder: 'avif_enc', decoder: 'avif_dec' },
  jxl: { name: 'JPEG XL', encoder: 'jxl_enc', decoder: 'jxl_dec' },
};

/** Keys of the peers, cheapest first. */
export const peerKeys = Object.keys(files);

function wasm(key, folder, name) {
  return new WebAssembly.Module(readFileSync(fromRoot('node_modules/@jsquash', key, 'codec', folder, `${name}.wasm`)));
}

/**
 * Prepares one peer. Without an explicit module these packages would `fetch` a file URL.
 *
 * @returns {key, name, version, encode(image, quality) → Uint8Array, decode(bytes) → image}
 */
export async function loadPeer(key, parts = { encoder: true, decoder: true }) {
  const { name, encoder, decoder } = files[key];
  const { version } = JSON.parse(readFileSync(fromRoot('node_modules/@jsquash', key, 'package.json'), 'utf8'));
  const peer = { key, name, version: `@jsquash/${key} ${version}` };
  if (parts.encoder) {
    const module = await import(`@jsquash/${key}/encode.js`);
    await module.init(wasm(key, 'enc', encoder));
    peer.encode = async (image, quality) => new Uint8Array(await module.default(image, { quality }));
  }
  if (parts.decoder) {
    const module = await import(`@jsquash/${key}/decode.js`);
    await module.init(wasm(key, 'dec', decoder));
    // A copy of exactly these bytes: the packages pass the whole buffer on.
    peer.decode = (bytes) => module.default(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
  }
  return peer;
}

/** Smallest whole quality from 1 to 100 whose `measure` is at least `wanted`, and what was measured there, by bisection. */
export async function qualityFor(wanted, measure) {
  let low = 1;
  let high = 100;
  const seen = new Map();
  const at = async (quality) => {
    if (!seen.has(quality)) seen.set(quality, await measure(quality));
    return seen.get(quality);
  };
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((await at(middle)).value >= wanted) high = middle;
    else low = middle + 1;
  }
  // The step below may be nearer.
  const upper = await at(low);
  const lower = low > 1 ? await at(low - 1) : upper;
  return Math.abs(lower.value - wanted) < Math.abs(upper.value - wanted)
    ? { quality: Math.max(1, low - 1), ...lower }
    : { quality: low, ...upper };
}
