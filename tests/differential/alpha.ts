/** FORMAT.md §9: alpha. */

import { clamp, demand, list, Reader } from './bytes.js';
import type { FileParts } from './container.js';
import { Stream } from './latents.js';

/** §9.1 */
class AdaptiveBits {
  readonly #stream: Stream;
  readonly #contexts = new Map<number, { p: number; n: number }>();

  constructor(bytes: Uint8Array) {
    this.#stream = new Stream(bytes, 1);
  }

  next(context: number): number {
    const { p, n } = this.#contexts.get(context) ?? { p: 2 ** 21, n: 0 };
    const zero = clamp(Math.floor(p / 128), 8, 32_760);
    const bit = this.#stream.symbol(0, [zero, 32_768 - zero]);
    const t = bit === 0 ? 2 ** 22 - 1 : 0;
    this.#contexts.set(context, { p: p + Math.trunc((2 * (t - p)) / (2 * n + 3)), n: Math.min(n + 1, 62) });
    return bit;
  }

  end(): void {
    this.#stream.end();
  }
}

/** §9.2 */
const maskTaps = [
  ...[-1, 0, 1].map((dx) => [-2, dx] as const),
  ...[-2, -1, 0, 1, 2].map((dx) => [-1, dx] as const),
  ...[-2, -1].map((dx) => [0, dx] as const),
];

function readMask(bits: AdaptiveBits, width: number, height: number): number[] {
  const samples: number[] = [];
  const at = (x: number, y: number): number => (x < 0 || x >= width || y < 0 ? 0 : samples[y * width + x]);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      samples.push(bits.next(maskTaps.reduce((context, [dy, dx]) => 2 * context + at(x + dx, y + dy), 0)));
    }
  }
  return samples;
}

/** §9.3 */
function readLevels(bits: AdaptiveBits, width: number, height: number): number[] {
  const samples: number[] = [];
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const known = (dx: number, dy: number): number | undefined =>
        x + dx < 0 || x + dx >= width || y + dy < 0 ? undefined : samples[(y + dy) * width + x + dx];
      const L = known(-1, 0) ?? known(0, -1) ?? 255;
      const A = known(0, -1) ?? L;
      const C = y === 0 ? L : (known(-1, -1) ?? A);
      const R = y === 0 ? L : (known(1, -1) ?? A);
      const prediction = C >= Math.max(L, A) ? Math.min(L, A) : C <= Math.min(L, A) ? Math.max(L, A) : L + A - C;
      const q = Math.min(Math.floor(Math.log2(Math.abs(L - C) + Math.abs(C - A) + Math.abs(A - R) + 1)), 7);
      const s = 3 * q + (prediction === 0 ? 1 : prediction === 255 ? 2 : 0);
      if (bits.next(s) === 0) {
        samples.push(prediction);
        continue;
      }
      const sign = bits.next(24 + s) === 1 ? -1 : 1;
      let k = 0;
      while (k < 7 && bits.next(48 + 7 * q + k) === 1) k++;
      let magnitude = 1;
      for (let j = k - 1; j >= 0; j--) magnitude = 2 * magnitude + bits.next(104 + 8 * k + j);
      samples.push((((prediction + sign * magnitude) % 256) + 256) % 256);
    }
  }
  return samples;
}

/** The alpha of every pixel. */
export function readAlpha({ width, height, sections }: FileParts): number[] {
  const payload = sections.get(2);
  const alpha = list(width * height, () => 255);
  if (payload === undefined) return alpha;
  const reader = new Reader(payload, 'corruptSection');
  const columns = Math.ceil(width / 512);
  const lengths = list(columns * Math.ceil(height / 512), () => reader.leb128());
  lengths.forEach((length, tile) => {
    const [left, top] = [(tile % columns) * 512, Math.floor(tile / columns) * 512];
    const [w, h] = [Math.min(512, width - left), Math.min(512, height - top)];
    readTile(reader.take(length), w, h).forEach((level, index) => {
      alpha[(top + Math.floor(index / w)) * width + left + (index % w)] = level;
    });
  });
  demand(reader.at === payload.length, 'corruptSection');
  return alpha;
}

function readTile(bytes: Uint8Array, width: number, height: number): number[] {
  const all = (level: number): number[] => list(width * height, () => level);
  if (bytes.length === 0) return all(255);
  const [kind, zero, one] = bytes;
  demand(kind < 3 && (kind !== 0 || bytes.length === 2) && (kind !== 1 || (bytes.length > 2 && zero !== one)), 'corruptSection');
  if (kind === 0) return all(zero);
  const bits = new AdaptiveBits(bytes.subarray(kind === 1 ? 3 : 1));
  const samples = kind === 1 ? readMask(bits, width, height).map((bit) => (bit === 0 ? zero : one)) : readLevels(bits, width, height);
  bits.end();
  return samples;
}
