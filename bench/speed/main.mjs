// Speed beside the codecs that people would use instead, in one process and on the same pictures, at matched PSNR.
//
//   node bench/speed/main.mjs [--pictures N] [--rounds N] [--bpp 0.5] [--modes 8] [--effort 5] [--largest 24] [--out FOLDER]
//                             [--skip peers,cold,stages,scaling]
//
// Times are CPU time of the whole process (all threads) per megapixel. Encoding: default options, the quality that reaches the
// PSNR of Tessera's file; once per picture. Decoding: all codecs in turns, median over the rounds, then over the pictures.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { fromRoot } from '../../scripts/setup.mjs';
import { BareCore, benchCore, loadInner } from '../lib/core.mjs';
import { environment, resultPath, table, writeResult } from '../lib/environment.mjs';
import { cpuTime, median, round, timed, warmUp } from '../lib/measure.mjs';
import { loadPeer, peerKeys, qualityFor } from '../lib/peers.mjs';
import { mosaic, pictureFiles, pictureFolder, readPicture, scales } from '../lib/pictures.mjs';
import { measureStages } from './stages.mjs';

const { values: options } = parseArgs({
  options: {
    pictures: { type: 'string', default: '24' },
    rounds: { type: 'string', default: '7' },
    bpp: { type: 'string', default: '0.5' },
    modes: { type: 'string', default: '8' },
    effort: { type: 'string', default: '5' },
    largest: { type: 'string', default: '24' },
    out: { type: 'string' },
    skip: { type: 'string', default: '' },
  },
});
const rounds = Number(options.rounds);
const skipped = new Set(options.skip.split(','));
const settings = { modes: Number(options.modes), effort: Number(options.effort) };

const inner = await loadInner();
const pack = await inner.loadPack();
const engine = inner.engineOfPackage();
const info = environment();
const folder = pictureFolder();
const pictures = [];
for (const file of pictureFiles(folder.path, Number(options.pictures))) pictures.push(await readPicture(file));
const scratch = fromRoot('out/bench');
mkdirSync(scratch, { recursive: true });

/** Tessera's file of about the wanted rate. The rate is looked for with one codec, which is fast; then the real settings code. */
async function codeAtRate(picture) {
  const pixels = picture.width * picture.height;
  const { quality } = await qualityFor(Number(options.bpp), async (candidate) => {
    const { bytes } = await inner.encodeDetailed(engine, picture, { quality: candidate, modes: 1, effort: 3 }, { cost: false });
    return { value: (8 * bytes.length) / pixels };
  });
  const { value, cpu } = await timed(() => inner.encodeDetailed(engine, picture, { quality, ...settings }, { cost: false }));
  return { quality, bytes: value.bytes, encodeMs: cpu };
}

const coded = [];
for (const picture of pictures) {
  coded.push(await codeAtRate(picture));
  console.error(`${picture.name}: ${((8 * coded.at(-1).bytes.length) / (picture.width * picture.height)).toFixed(3)} bpp`);
}

// ── Beside the peers ────────────────────────────────────────────────────────────────────────────

async function measurePeers() {
  const peers = [];
  for (const key of peerKeys) peers.push(await loadPeer(key));
  const tessera = { key: 'tessera', name: 'Tessera', version: `pack ${pack.hash}`, decode: (bytes) => inner.decodeFile(engine, bytes, {}) };
  const all = [tessera, ...peers];
  const rows = [];
  for (const [index, picture] of pictures.entries()) {
    const megapixels = (picture.width * picture.height) / 1e6;
    const own = coded[index];
    const psnr = inner.psnr(picture, await tessera.decode(own.bytes));
    const files = { tessera: { ...own, psnr } };
    for (const peer of peers) {
      const found = await qualityFor(psnr, async (quality) => {
        const { value: bytes, cpu } = await timed(() => peer.encode(picture, quality));
        return { value: inner.psnr(picture, await peer.decode(bytes)), bytes, encodeMs: cpu };
      });
      files[peer.key] = { quality: found.quality, bytes: found.bytes, encodeMs: found.encodeMs, psnr: found.value };
    }
    if (index === 0) for (const { key, decode } of all) await warmUp(() => decode(files[key].bytes));
    const times = Object.fromEntries(all.map(({ key }) => [key, []]));
    for (let turn = -1; turn < rounds; turn++) {
      for (const { key, decode } of all) {
        const { cpu } = await timed(() => decode(files[key].bytes));
        if (turn >= 0) times[key].push(cpu / megapixels);
      }
    }
    for (const { key } of all) {
      const { quality, bytes, encodeMs, psnr: reached } = files[key];
      rows.push({
        image: picture.name,
        codec: key,
        quality,
        bpp: round((8 * bytes.length) / (megapixels * 1e6)),
        psnr: round(reached),
        encodeMsPerMegapixel: round(encodeMs / megapixels),
        decodeMsPerMegapixel: round(median(times[key])),
        decodeFastest: round(Math.min(...times[key])),
      });
      writeFileSync(`${scratch}/${picture.name}.${key}`, bytes);
    }
    console.error(`${picture.name}: measured`);
  }
  const middle = (key, column) => median(rows.filter(({ codec }) => codec === key).map((row) => row[column]));
  const summary = all.map(({ key, version }) => ({
    codec: key,
    version,
    bpp: round(middle(key, 'bpp')),
    psnr: round(middle(key, 'psnr')),
    decodeMsPerMegapixel: round(middle(key, 'decodeMsPerMegapixel')),
    tesseraDecodeRatio: round(middle('tessera', 'decodeMsPerMegapixel') / middle(key, 'decodeMsPerMegapixel')),
    encodeMsPerMegapixel: round(middle(key, 'encodeMsPerMegapixel')),
    tesseraEncodeRatio: round(middle('tessera', 'encodeMsPerMegapixel') / middle(key, 'encodeMsPerMegapixel')),
  }));
  console.log(table(Object.keys(summary[0]), summary));
  return { summary, rows };
}

/** The first call in a fresh process, with import and compilation, and the memory it takes. */
function measureCold() {
  const picture = pictures[0];
  const rows = ['tessera', ...peerKeys].map((key) => {
    const runs = Array.from({ length: Math.min(rounds, 5) }, () =>
      JSON.parse(
        execFileSync(process.execPath, [fromRoot('bench/speed/cold.mjs'), key, `${scratch}/${picture.name}.${key}`], { encoding: 'utf8' }),
      ),
    );
    const middle = (column) => round(median(runs.map((run) => run[column])));
    return { codec: key, image: picture.name, cpuMs: middle('cpu'), wallMs: middle('wall'), peakMiB: middle('peakMiB') };
  });
  console.log(table(Object.keys(rows[0]), rows));
  return rows;
}

// ── Ours ────────────────────────────────────────────────────────────────────────────────────────

function stagesOfOurs() {
  const core = new BareCore(benchCore(), pack);
  const result = measureStages(
    inner,
    core,
    coded.slice(0, 6).map(({ bytes }) => bytes),
    rounds,
  );
  console.log(`peak of this machine in this run, GMAC/s: f32 ${result.peakGigaMacsPerSecond.f32}, i16 ${result.peakGigaMacsPerSecond.i16}`);
  console.log(table(Object.keys(result.stages[1]), result.stages));
  return result;
}

/** One picture of about the median rate, repeated: what is coded must be alike at every size. */
async function measureScaling() {
  const rates = coded.map(({ bytes }, index) => bytes.length / (pictures[index].width * pictures[index].height));
  const middle = rates.indexOf([...rates].sort((a, b) => a - b)[rates.length >> 1]);
  const { quality } = coded[middle];
  const rows = [];
  for (const megapixels of scales.filter((scale) => scale <= Number(options.largest))) {
    const picture = mosaic([pictures[middle]], megapixels);
    const pixels = (picture.width * picture.height) / 1e6;
    const encode = () => timed(() => inner.encodeDetailed(engine, picture, { quality, ...settings }, { cost: false }));
    // The first pictures of a process carry its warm-up, which is a fifth of the time of a small one.
    if (pixels < 2) await encode();
    const { value, cpu } = await encode();
    const times = [];
    // Small pictures need more turns for the same certainty.
    const turns = Math.max(pixels > 4 ? 2 : 3, Math.round(rounds / Math.max(pixels, 0.25)));
    for (let turn = -1; turn < turns; turn++) {
      const start = cpuTime();
      await inner.decodeFile(engine, value.bytes, {});
      if (turn >= 0) times.push((cpuTime() - start) / pixels);
    }
    rows.push({
      megapixels: round(pixels),
      bpp: round((8 * value.bytes.length) / (pixels * 1e6)),
      encodeMsPerMegapixel: round(cpu / pixels),
      decodeMsPerMegapixel: round(median(times)),
    });
    console.error(`${megapixels} megapixels: measured`);
  }
  const flat = rows.filter((row) => row.megapixels > 0.3).map((row) => row.decodeMsPerMegapixel);
  const spread = round(Math.max(...flat) / Math.min(...flat) - 1);
  console.log(table(Object.keys(rows[0]), rows));
  console.log(`decoding from 0.4 megapixels on: dearest size ${(100 * spread).toFixed(1)} % above the cheapest`);
  return { rows, spread };
}

const result = { environment: info, data: folder.name, pictures: pictures.length, rounds, bpp: Number(options.bpp), settings };
// What is skipped stays as it is in the file, with the commit that it was measured at.
const earlier = resultPath('speed.json', options.out);
if (existsSync(earlier)) {
  const { peers, cold, stages, scaling, environment: before, commits } = JSON.parse(readFileSync(earlier, 'utf8'));
  const kept = Object.entries({ peers, cold, stages, scaling }).filter(([, value]) => value !== undefined);
  result.commits = { ...Object.fromEntries(kept.map(([name]) => [name, before.commit])), ...commits };
  Object.assign(result, Object.fromEntries(kept));
}
for (const name of ['peers', 'cold', 'stages', 'scaling']) if (!skipped.has(name)) delete result.commits?.[name];
if (!skipped.has('peers')) result.peers = await measurePeers();
if (!skipped.has('peers') && !skipped.has('cold')) result.cold = measureCold();
if (!skipped.has('stages')) result.stages = stagesOfOurs();
if (!skipped.has('scaling')) result.scaling = await measureScaling();
writeResult('speed.json', result, options.out);
