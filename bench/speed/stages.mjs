// Decoding stage by stage, each alone on the same latents, SIMD and scalar in turns, beside the machine's own peak.
import { interleaved, median, round } from '../lib/measure.mjs';

const turns = 400_000;
/** Multiply-accumulates of one turn of the peak loops (bench/assembly/index.ts). */
const floatsPerTurn = 32;
const dotsPerTurn = 64;

const hiddenUnits = 48;
/** Bytes of a decoder from w2 to its end (FORMAT.md §7.5). */
const fromMixing = 6 * hiddenUnits + 12 + 2 * 176;

/** Hidden units with a weight to any colour: the core leaves the others out. */
function unitsInUse(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset + bytes.length - fromMixing);
  const isUsed = (unit) => [0, 1, 2].some((colour) => view.getInt16(2 * (colour * hiddenUnits + unit), true) !== 0);
  return Array.from({ length: hiddenUnits }, (_, unit) => unit).filter(isUsed).length;
}

/**
 * @param inner - bench.js
 * @param core - BareCore
 * @param files - coded pictures
 * @returns per stage CPU ms per megapixel, multiply-accumulates per second, part of the peak, ratio of the scalar twin
 */
export function measureStages(inner, core, files, rounds) {
  const { exports } = core;
  const times = {};
  const add = (name, values) => {
    times[name] ??= [];
    times[name].push(values);
  };
  const peaks = { floats: [], dots: [] };
  const shares = [];
  for (const file of files) {
    const parse = interleaved({ parse: () => core.open(inner, file) }, rounds).parse;
    const picture = core.open(inner, file);
    const { width, height } = picture.header;
    const megapixels = (width * height) / 1e6;
    core.decodeLatents(picture);
    const patches = exports.patchCount();
    const room = core.allocate(16 * 256 * 256);
    const each = (stage) => () => {
      for (let patch = 0; patch < patches; patch++) stage(patch);
    };
    const stages = {
      modeMap: () => core.check(exports.decodeModeMap(picture.modeMap.pointer, picture.modeMap.length, picture.priors)),
      'context model + rANS': () => core.decodeLatents(picture),
      'context model': each((patch) => exports.contextPatch(patch, room)),
      'context windows': each((patch) => exports.contextWindows(patch)),
      'float windows': each((patch) => exports.windowPatch(patch)),
      'windows + upsampling': each((patch) => exports.upsamplePatch(patch)),
      '1×1 layers': each((patch) => exports.pointwisePatch(patch)),
      '3×3 layers': each((patch) => exports.residualPatch(patch, room, 1024)),
      synthesis: each((patch) => exports.synthesisePatch(patch, room, 1024)),
    };
    const tasks = {
      peakFloats: () => exports.peakFloats(turns),
      peakDots: () => exports.peakDots(turns),
    };
    for (const [name, stage] of Object.entries(stages)) {
      tasks[`${name} simd`] = stage;
      tasks[`${name} scalar`] = () => {
        exports.useSimd(0);
        stage();
        exports.useSimd(1);
      };
    }
    const measured = interleaved(tasks, rounds);
    peaks.floats.push(...measured.peakFloats.map((ms) => (turns * floatsPerTurn) / ms / 1e6));
    peaks.dots.push(...measured.peakDots.map((ms) => (turns * dotsPerTurn) / ms / 1e6));
    add(
      'parse + begin',
      parse.map((ms) => ms / megapixels),
    );
    for (const name of Object.keys(tasks).slice(2))
      add(
        name,
        measured[name].map((ms) => ms / megapixels),
      );
    const { codecs, anchor } = { codecs: core.pack.decoder.decoders, anchor: picture.header.anchor };
    shares.push({ ...inner.countMacs(codecs[0][anchor].shape, width, height), units: unitsInUse(codecs[0][anchor].bytes) });
  }
  return tabulate(times, { floats: median(peaks.floats), dots: median(peaks.dots) }, shares);
}

function tabulate(times, peak, shares) {
  const mean = (part) => shares.reduce((sum, share) => sum + share[part], 0) / shares.length;
  // No padding, no overlap of patches (DESIGN.md §2); of the hidden units those that are computed.
  const pointwise = 10 * mean('units');
  const residual = mean('synthesis') - 10 * hiddenUnits;
  const macs = {
    'context model': { dots: mean('context') },
    'windows + upsampling': { floats: mean('upsampling') },
    '1×1 layers': { dots: pointwise },
    '3×3 layers': { dots: residual },
    synthesis: { floats: mean('upsampling'), dots: pointwise + residual },
  };
  const middle = (name) => (times[name] === undefined ? undefined : median(times[name].map(median)));
  const names = [...new Set(Object.keys(times).map((name) => name.replace(/ (simd|scalar)$/, '')))];
  const stages = names.map((stage) => {
    const simd = middle(`${stage} simd`) ?? middle(stage);
    const scalar = middle(`${stage} scalar`);
    const counts = macs[stage];
    const count = counts && Object.values(counts).reduce((sum, part) => sum + part, 0);
    const msAtPeak = counts && Object.entries(counts).reduce((sum, [kind, part]) => sum + part / peak[kind], 0);
    return {
      stage,
      msPerMegapixel: round(simd),
      scalarMsPerMegapixel: round(scalar),
      scalarOverSimd: scalar === undefined ? undefined : round(scalar / simd),
      macsPerPixel: count === undefined ? undefined : round(count),
      gigaMacsPerSecond: count === undefined ? undefined : round(count / simd),
      msAtPeak: msAtPeak === undefined ? undefined : round(msAtPeak),
      partOfPeak: msAtPeak === undefined ? undefined : round(msAtPeak / simd),
    };
  });
  return { peakGigaMacsPerSecond: { f32: round(peak.floats), i16: round(peak.dots) }, stages };
}
