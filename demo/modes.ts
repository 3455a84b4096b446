/** The mode map: overlay, legend and the words about one patch. */

import { codecColours } from '../src/cli/mode-map.js';
import { contextOf } from './elements.js';
import type { Area } from './pictures.js';

/** The codecs of a file's patches. */
export interface ModeMap {
  readonly codecs: Uint8Array;
  readonly columns: number;
  readonly rows: number;
  /** Side of a patch in pixels. */
  readonly patch: number;
  /** What else there is to say about one patch. */
  details(area: Area): string;
}

/** Draws one pixel per patch; the page magnifies it. */
export function drawMap(canvas: HTMLCanvasElement, { codecs, columns, rows }: Pick<ModeMap, 'codecs' | 'columns' | 'rows'>): void {
  canvas.width = columns;
  canvas.height = rows;
  const image = new ImageData(columns, rows);
  codecs.forEach((codec, index) => {
    image.data.set([...codecColours[codec], 255], index * 4);
  });
  contextOf(canvas).putImageData(image, 0, 0);
}

/** Lists the codecs that won patches, most first. */
export function drawLegend(list: HTMLElement, { codecs }: ModeMap): void {
  const wins = codecColours.map((_, codec) => ({ codec, patches: codecs.filter((winner) => winner === codec).length }));
  const items = wins
    .filter(({ patches }) => patches > 0)
    .sort((a, b) => b.patches - a.patches)
    .map(({ codec, patches }) => {
      const swatch = document.createElement('canvas');
      drawMap(swatch, { codecs: Uint8Array.of(codec), columns: 1, rows: 1 });
      const item = document.createElement('li');
      item.append(swatch, `codec ${codec}: ${patches} of ${codecs.length} patches (${Math.round((100 * patches) / codecs.length)} %)`);
      return item;
    });
  list.replaceChildren(...items);
}

/** What there is to say about the patch at a pixel. */
export function describePatch({ codecs, columns, rows, patch, details }: ModeMap, x: number, y: number): string {
  const column = Math.min(columns - 1, Math.floor(x / patch));
  const row = Math.min(rows - 1, Math.floor(y / patch));
  const codec = codecs[row * columns + column];
  return `codec ${codec}\npatch ${row * columns + column}: column ${column + 1} of ${columns}, row ${row + 1} of ${rows}\n${details({ x: column * patch, y: row * patch, width: patch, height: patch })}`;
}
