/** After the competition only the winners' latents are needed, where refinement can read and write them. */

import type { Core, PictureSetup } from '../core.js';
import { gridCount, gridSide, patchLayout } from '../geometry.js';
import type { DecoderPack } from '../models/pack.js';

/**
 * Begins the picture anew with one set of latents: those of the modes in the mode map, which stays. Frees what was allocated, the target too.
 *
 * @param setup - what the picture was begun with, and how many modes it may come to have
 * @throws TesseraError `limitMemory`
 */
export function keepWinners(core: Core, pack: DecoderPack, setup: PictureSetup): void {
  const { width, height, patch } = setup;
  const map = core.modes().slice();
  const { columns } = patchLayout(width, height, patch);
  const planes = Array.from({ length: gridCount }, (_, grid) => new Int16Array(gridSide(width, grid) * gridSide(height, grid)));
  const scratch = core.allocate(2 * patch ** 2);
  for (let index = 0; index < map.length; index++) {
    for (const [grid, latents] of planes.entries()) {
      const side = patch / 2 ** grid;
      const [x, y] = [(index % columns) * side, Math.floor(index / columns) * side];
      const stride = gridSide(width, grid);
      const length = Math.min(side, stride - x);
      const lines = Math.min(side, gridSide(height, grid) - y);
      core.copyLatents(index, grid, scratch);
      const bytes = core.bytes(scratch, 2 * length * lines);
      const copy = new Int16Array(bytes.buffer, bytes.byteOffset, length * lines);
      for (let line = 0; line < lines; line++) latents.set(copy.subarray(line * length, (line + 1) * length), (y + line) * stride + x);
    }
  }
  core.begin(pack, { ...setup, storage: 'winners' });
  core.modes().set(map);
  for (const [grid, latents] of planes.entries()) core.plane(0, grid).set(latents);
}
