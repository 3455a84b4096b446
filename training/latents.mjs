// Latents as the encoder ships them, for `tessera.settle`: training pictures coded at the default effort, trades included.
//
//   npm run build; node training/latents.mjs CACHE PACK OUT [PICTURES [CODEC [SPLIT]]]
//
// Codes pictures spread over a split, mostly photographs, at every anchor with one codec, at steps of the rate that go round. Writes OUT.bin, the
// grids of every file as 16-bit numbers, and OUT.json: {codec, files: [{name, width, height, anchor, offsets, at, bytes, cost}]}.
import { closeSync, openSync, writeFileSync, writeSync } from 'node:fs';
import { encodeDetailed, engineOfPackage, latentsOfFile, loadPack } from '../build/research.js';
import { packWithFirst, readPackFiles } from './pack-files.mjs';
import { entriesOf, readPictures } from './validation.mjs';

/** Parts of the pictures by kind: photographs, illustrations, screens. */
const kinds = { p: 0.86, i: 0.07, s: 0.07 };
/** Steps that every anchor's files go through, coprime to the length of the table. */
const [stepOfPicture, stepOfAnchor] = [67, 29];

const [cache, folder, out, count = 84, codec = 0, split = 'train'] = process.argv.slice(2);
const models = { files: packWithFirst(readPackFiles(folder), Number(codec)) };
const { decoder, manifest } = await loadPack(models);
const engine = engineOfPackage();
const pictures = entriesOf(cache, split);
const chosen = Object.entries(kinds).flatMap(([kind, part]) => {
  const all = pictures.filter((entry) => entry.kind === kind);
  const wanted = Math.min(all.length, Math.ceil(part * Number(count)));
  return Array.from({ length: wanted }, (_, index) => all[Math.floor((index * all.length) / wanted)]);
});

const planes = openSync(`${out}.bin`, 'w');
const files = [];
let at = 0;
for (const [index, { name, width, height, rgb }] of [...readPictures(cache, chosen)].entries()) {
  for (let anchor = 0; anchor < manifest.anchors; anchor++) {
    const step = (index * stepOfPicture + anchor * stepOfAnchor) % decoder.steps.length;
    const picture = { data: rgb, width, height, channels: 3 };
    const { bytes, cost } = await encodeDetailed(engine, picture, { rate: { anchor, step }, modes: 1, models });
    const { latents, scales } = await latentsOfFile(engine, bytes, { models });
    // A class is an eighth of a nat, offsets are in Q8.
    const offsets = scales.map((scale) => decoder.steps[step].logScaleOffset + 32 * scale);
    files.push({ name, width, height, anchor, offsets, at, bytes: bytes.length, cost });
    for (const plane of latents) at += writeSync(planes, plane);
  }
}
closeSync(planes);
writeFileSync(`${out}.json`, JSON.stringify({ codec: Number(codec), files }));
console.log(`${files.length} files, ${at} bytes of latents`);
