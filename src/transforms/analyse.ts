/** Runs the analysis over a picture of any size: padding to multiples of 64, and overlapping tiles where the picture is large. */

import { discard } from '../discard.js';
import type { PixelSource } from '../types.js';
import type { Analysis } from './transform.js';

const alignment = 64;
/** Pictures up to this side are analysed in one piece. */
const largestWhole = 768;
/** With its overlap 768 a side: a run that takes less than a second and little of onnxruntime's memory. */
const tileCore = 640;
/**
 * Measured with the pack of c18 on 1536×1152 pixels: 64 costs 0.00 % of J at qualities 10 and 50 and 0.07 % at 90 against one piece, 128 nothing.
 * An analysis that sees further needs a new look (training/PLAN.md).
 */
const tileOverlap = 64;
/** Most pixels that are analysed in one run. */
export const largestWindow = largestWhole ** 2;

/** A stretch of one axis: the samples [start, end) are kept, [windowStart, windowEnd) are analysed. All multiples of 64. */
export interface Span {
  readonly start: number;
  readonly end: number;
  readonly windowStart: number;
  readonly windowEnd: number;
}

/** Cuts one axis of the padded picture into spans. */
export function analysisSpans(pixels: number): Span[] {
  const padded = Math.ceil(pixels / alignment) * alignment;
  if (padded <= largestWhole) return [{ start: 0, end: padded, windowStart: 0, windowEnd: padded }];
  const spans: Span[] = [];
  for (let start = 0; start < padded; start += tileCore) {
    const end = Math.min(start + tileCore, padded);
    spans.push({ start, end, windowStart: Math.max(0, start - tileOverlap), windowEnd: Math.min(padded, end + tileOverlap) });
  }
  return spans;
}

/** One analysed tile. `grids[i]` is [codecs][windowHeight / 2^i][windowWidth / 2^i]. */
export interface AnalysedTile {
  readonly x: Span;
  readonly y: Span;
  readonly grids: readonly Float32Array[];
  readonly index: number;
  readonly count: number;
}

/** Analyses tile after tile. Memory is bounded by one tile: the grids of one are gone when the next is asked for. */
export async function* analyseTiles(image: PixelSource, analysis: Analysis): AsyncGenerator<AnalysedTile> {
  const columns = analysisSpans(image.width);
  const rows = analysisSpans(image.height);
  let index = 0;
  for (const y of rows) {
    for (const x of columns) {
      const width = x.windowEnd - x.windowStart;
      const height = y.windowEnd - y.windowStart;
      const window = readWindow(image, x, y);
      const grids = await analysis.run(window, width, height);
      yield { x, y, grids, index: index++, count: rows.length * columns.length };
      discard([window, ...grids]);
    }
  }
}

/** Pixels of a window as [3][height][width], level/255 − 0.5, replicated beyond the right and lower edge. */
function readWindow({ data, width, height }: PixelSource, x: Span, y: Span): Float32Array {
  const windowWidth = x.windowEnd - x.windowStart;
  const windowHeight = y.windowEnd - y.windowStart;
  const plane = windowWidth * windowHeight;
  const window = new Float32Array(3 * plane);
  for (let row = 0; row < windowHeight; row++) {
    const sourceRow = Math.min(y.windowStart + row, height - 1) * width;
    for (let column = 0; column < windowWidth; column++) {
      const source = (sourceRow + Math.min(x.windowStart + column, width - 1)) * 4;
      const target = row * windowWidth + column;
      window[target] = data[source] / 255 - 0.5;
      window[plane + target] = data[source + 1] / 255 - 0.5;
      window[2 * plane + target] = data[source + 2] / 255 - 0.5;
    }
  }
  return window;
}
