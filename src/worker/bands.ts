/**
 * One picture decoded by several workers: each decodes a band of its rows as a region, and what comes is put together. A region has the
 * bytes of that part of the whole picture, so the picture is the same however many workers there are.
 */

import { tileSide } from '../geometry.js';
import { estimateMemory, resolveLimits } from '../limits.js';
import { allocatePixels, toPicture } from '../pixels.js';
import type { DecodeOptions, Header, Picture, Progress, Region, Rows, Stage } from '../types.js';

/**
 * Cuts what is wanted of a picture into bands of about the same height; into as many as `limits.maxMemory` has room for.
 *
 * @param most - how many bands there may be
 * @returns fewer than two where one worker has to do it all, or has to refuse it
 * @throws TesseraError `invalidArgument` for limits that are none
 */
export function bandsOf(header: Header, options: DecodeOptions & { readonly partial?: boolean }, most: number): Region[] {
  const { width, height } = header;
  const { scale = 1, transform = 'wasm', partial = false, region: area = { x: 0, y: 0, width, height } } = options;
  const [end, right] = [area.y + area.height, area.x + area.width];
  if (scale !== 1 || transform !== 'wasm' || partial !== false) return [];
  if (![area.x, area.y, right, end].every((side) => Number.isInteger(side) && side >= 0) || right > width || end > height) return [];
  const { maxMemory } = resolveLimits(options.limits);
  let count = Math.min(most, Math.ceil(area.height / tileSide));
  while (count > 1 && memoryOf(header, area, count) > maxMemory) count--;
  return cut(area, count);
}

/** Estimated peak memory in bytes of all decoders together: each has the latents of its own; pixels are in a band and in the picture. */
function memoryOf({ width, height }: Header, area: Region, count: number): number {
  return count * (estimateMemory(width, height, 0) - width * height * 4) + 2 * area.width * area.height * 4;
}

/**
 * Both sides of a cut need the latents of the tiles that it runs through or along; so it runs through the middle of a row of tiles, and
 * only that one is decoded twice.
 */
function cut(area: Region, count: number): Region[] {
  const tops = [area.y];
  const end = area.y + area.height;
  for (let index = 1; index < count; index++) {
    const top = (Math.floor((area.y + (area.height * index) / count) / tileSide) + 0.5) * tileSide;
    if (top > tops[tops.length - 1] && top < end) tops.push(top);
  }
  return tops.map((top, index) => ({ ...area, y: top, height: (tops[index + 1] ?? end) - top }));
}

/** What has come of a band. */
interface Band {
  readonly region: Region;
  /** Rows that are in the picture but not handed on yet. */
  readonly rows: Rows[];
  readonly progress: Map<Stage, Progress>;
  fraction: number;
  complete: boolean;
}

/** Puts the rows of bands, which come in any order, into one picture; reports them and the progress as if it were one call. */
export class Assembly {
  readonly #bands: readonly Band[];
  readonly #options: DecodeOptions;
  readonly #data: Uint8ClampedArray<ArrayBuffer>;
  /** Bands of which all rows have been handed on. */
  #finished = 0;

  /**
   * @param regions - from top to bottom, each below the one before
   * @throws TesseraError `limitMemory`
   */
  constructor(regions: readonly Region[], options: DecodeOptions) {
    this.#bands = regions.map((region) => ({ region, rows: [], progress: new Map(), fraction: 0, complete: false }));
    this.#options = options;
    this.#data = allocatePixels(regions[0].width, this.#height);
  }

  get regions(): readonly Region[] {
    return this.#bands.map(({ region }) => region);
  }

  get #height(): number {
    return this.#bands.reduce((sum, { region }) => sum + region.height, 0);
  }

  /** Takes rows of a band; those of one band come from its top to its bottom. */
  take(index: number, { y, width, height, data }: Rows): void {
    const band = this.#bands[index];
    const top = band.region.y - this.#bands[0].region.y + y;
    const rows = this.#data.subarray(top * width * 4, (top + height) * width * 4);
    rows.set(data);
    band.rows.push({ y: top, width, height, data: rows });
    band.complete = y + height === band.region.height;
    for (; this.#finished < this.#bands.length; this.#finished++) {
      const next = this.#bands[this.#finished];
      for (const ready of next.rows.splice(0)) {
        // The caller may have aborted when it was given the rows before these.
        if (this.#options.signal?.aborted !== true) this.#options.onRows?.(ready);
      }
      if (!next.complete) return;
    }
  }

  /** Reports a band's progress as that of all: the sums of the stage's steps, and the mean of the fractions. */
  report(index: number, progress: Progress): void {
    const { stage, fraction } = progress;
    this.#bands[index].progress.set(stage, progress);
    this.#bands[index].fraction = fraction;
    let [loaded, total, fractions] = [0, 0, 0];
    for (const band of this.#bands) {
      loaded += band.progress.get(stage)?.loaded ?? 0;
      total += band.progress.get(stage)?.total ?? 0;
      fractions += band.fraction;
    }
    this.#options.onProgress?.({ stage, loaded, total, fraction: fractions / this.#bands.length });
  }

  picture(): Picture {
    return toPicture(this.#data, this.#bands[0].region.width, this.#height);
  }
}
