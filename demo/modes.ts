/** The mode map: overlay, legend and the words about one patch. */

import { modeColours } from '../src/cli/mode-map.js';
import { contextOf } from './elements.js';
import type { Area } from './pictures.js';

/** How a file's patches are decoded. */
export interface ModeMap {
  /** Mode of every patch. */
  readonly modes: Uint8Array;
  /** Codec of every mode. */
  readonly codecs: readonly number[];
  readonly columns: number;
  readonly rows: number;
  /** Side of a patch in pixels. */
  readonly patch: number;
  /** What else there is to say about one patch. */
  details(area: Area): string;
}

/** Draws one pixel per patch; the page magnifies it. */
export function drawMap(canvas: HTMLCanvasElement, { modes, columns, rows }: Pick<ModeMap, 'modes' | 'columns' | 'rows'>): void {
  canvas.width = columns;
  canvas.height = rows;
  const image = new ImageData(columns, rows);
  modes.forEach((mode, index) => {
    image.data.set([...modeColours[mode], 255], index * 4);
  });
  contextOf(canvas).putImageData(image, 0, 0);
}

/** Lists the modes that patches have, most first. */
export function drawLegend(list: HTMLElement, map: ModeMap): void {
  const { modes } = map;
  const items = modeColours
    .map((_, mode) => ({ mode, patches: modes.filter((own) => own === mode).length }))
    .filter(({ patches }) => patches > 0)
    .sort((a, b) => b.patches - a.patches)
    .map(({ mode, patches }) => {
      const swatch = document.createElement('canvas');
      drawMap(swatch, { modes: Uint8Array.of(mode), columns: 1, rows: 1 });
      const item = document.createElement('li');
      item.append(swatch, `${nameOf(map, mode)}: ${patches} of ${modes.length} patches (${Math.round((100 * patches) / modes.length)} %)`);
      return item;
    });
  list.replaceChildren(...items);
}

/** Modes of one codec differ by how it is adapted to the picture. */
const nameOf = ({ codecs }: ModeMap, mode: number): string => `mode ${mode + 1} (codec ${codecs[mode]})`;

/** What there is to say about the patch at a pixel. */
export function describePatch(map: ModeMap, x: number, y: number): string {
  const { modes, columns, rows, patch, details } = map;
  const column = Math.min(columns - 1, Math.floor(x / patch));
  const row = Math.min(rows - 1, Math.floor(y / patch));
  const index = row * columns + column;
  return `${nameOf(map, modes[index])}\npatch ${index}: column ${column + 1} of ${columns}, row ${row + 1} of ${rows}\n${details({ x: column * patch, y: row * patch, width: patch, height: patch })}`;
}
