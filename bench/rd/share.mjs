// A process of bench/rd/main.mjs: computes the cells that come as a message.
import { join } from 'node:path';
import { loadInner } from '../lib/core.mjs';
import { readPicture } from '../lib/pictures.mjs';
import { computeCells } from './cells.mjs';
import { loadCodecs } from './codecs.mjs';

process.once('message', async ({ cells, data, folder, versions }) => {
  const inner = await loadInner({ built: true });
  const codecs = await loadCodecs();
  await computeCells(cells, data, { inner, codecs, versions, read: (name) => readPicture(join(folder, `${name}.png`)) });
  process.disconnect();
});
