// One cell = one codec, picture, quality (and modes, effort): encode, decode, check, measure. Cells that are known are not computed again:
// rows are kept in out/bench/rd, under the pack and the code that made them, so a run can be stopped and taken up.
import { createHash } from 'node:crypto';
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { ssim } from 'ssim.js';
import { fromRoot } from '../../scripts/setup.mjs';
import { timed } from '../lib/measure.mjs';

export const columns = [
  ...['codec', 'image', 'quality', 'modes', 'effort', 'width', 'height', 'bytes', 'bpp', 'psnr', 'msssim', 'ssim', 'sse'],
  ...['lambda', 'cost', 'modeMapBits', 'modesWritten', 'encodeMs', 'decodeMs'],
];

const hash = (...parts) =>
  parts
    .reduce((sum, part) => sum.update(part), createHash('sha256'))
    .digest('hex')
    .slice(0, 16);

/** What Tessera's rows depend on. */
export function identity(pack) {
  const inFolder = (folder) => readdirSync(fromRoot(folder)).map((name) => `${folder}/${name}`);
  const refinement = ['src/adaptation', 'src/refine'].flatMap(inFolder);
  const sources = [
    'src/encode.ts',
    'src/effort.ts',
    'src/select.ts',
    'src/seams.ts',
    'src/quality.ts',
    'src/transforms/analyse.ts',
    ...refinement.sort(),
  ];
  return hash(pack.hash, ...['build/codec.wasm', 'build/refine.wasm', ...sources].map((path) => readFileSync(fromRoot(path))));
}

const keyOf = ({ codec, image, quality, modes = '', effort = '' }, versions) =>
  [codec, versions[codec], image, quality, modes, effort].join(' ');

function store(data) {
  mkdirSync(fromRoot('out/bench/rd'), { recursive: true });
  return fromRoot(`out/bench/rd/${data}.jsonl`);
}

/** @returns key → row of all cells known so far */
export function knownCells(data) {
  if (!existsSync(store(data))) return new Map();
  const lines = readFileSync(store(data), 'utf8').split('\n').filter(Boolean);
  return new Map(lines.map((line) => JSON.parse(line)).map(({ key, row }) => [key, row]));
}

/** Rows of the wanted cells, in their order, those that are known; and the cells that are not. */
export function split(cells, data, versions) {
  const known = knownCells(data);
  const rows = cells.map((cell) => known.get(keyOf(cell, versions)));
  return { rows: rows.filter((row) => row !== undefined), missing: cells.filter((_, index) => rows[index] === undefined) };
}

function measures(inner, image, picture, bytes) {
  const { width, height } = image;
  return {
    ...{ width, height, bytes, bpp: ((8 * bytes) / (width * height)).toFixed(6), sse: inner.squaredError(image, picture) },
    psnr: inner.psnr(image, picture).toFixed(5),
    msssim: inner.msSsim(image, picture).toFixed(6),
    ssim: ssim(image, picture).mssim.toFixed(6),
  };
}

async function tesseraCell(inner, image, { quality, modes, effort }) {
  const engine = inner.engineOfPackage();
  const settings = { quality, modes, effort };
  const { value: result, cpu: encodeMs } = await timed(() =>
    inner.encodeDetailed(engine, image, settings, { cost: false, reconstruction: true }),
  );
  const { value: picture, cpu: decodeMs } = await timed(() => inner.decodeFile(engine, result.bytes, {}));
  if (!Buffer.from(picture.data.buffer).equals(Buffer.from(result.reconstruction.data.buffer)))
    throw new Error(`${image.name} at quality ${quality}: the decoder's pixels differ from the encoder's reconstruction`);
  return {
    ...measures(inner, image, picture, result.bytes.length),
    ...{ lambda: result.lambda, modeMapBits: 8 * result.modeMapBytes, modesWritten: 2 ** (result.bytes[5] & 3) },
    // The reconstruction is inside the time; decoding takes as long.
    ...{ encodeMs: (encodeMs - decodeMs).toFixed(1), decodeMs: decodeMs.toFixed(1) },
  };
}

async function peerCell(inner, image, codec, { quality }) {
  const { value: bytes, cpu: encodeMs } = await timed(() => codec.encode(image, quality));
  const { value: picture, cpu: decodeMs } = await timed(() => codec.decode(bytes));
  return { ...measures(inner, image, picture, bytes.length), encodeMs: encodeMs.toFixed(1), decodeMs: decodeMs.toFixed(1) };
}

/** Computes cells one after the other and keeps each row. */
export async function computeCells(cells, data, { inner, codecs, versions, read }) {
  let image;
  // What a process does for the first time, it loads and compiles: models by quality, kernels by effort. The long efforts need no more than these.
  const warmUps = new Map(cells.filter(({ effort }) => effort < 8).map((cell) => [`${cell.effort} ${cell.quality}`, cell]));
  for (const cell of warmUps.values()) await tesseraCell(inner, await read(cell.image), cell);
  for (const cell of cells) {
    if (image?.name !== cell.image) image = await read(cell.image);
    const codec = codecs.find(({ key }) => key === cell.codec);
    const measured = cell.codec === 'tessera' ? await tesseraCell(inner, image, cell) : await peerCell(inner, image, codec, cell);
    appendFileSync(store(data), `${JSON.stringify({ key: keyOf(cell, versions), row: { ...cell, ...measured } })}\n`);
  }
}

/** @returns the text of a table */
export function tableOf(remarks, rows) {
  const lines = rows.map((row) => columns.map((column) => row[column] ?? '').join('\t'));
  return `${[...remarks.map((remark) => `# ${remark}`), columns.join('\t'), ...lines].join('\n')}\n`;
}
