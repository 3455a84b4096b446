/** Line coverage of the entropy coder, the mode map and alpha inside the WASM core: at least 95 %, by vectors, damaged files and encodings. */

import { readdirSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { createEntropyCoder } from '../../src/entropy.js';
import { type Codec, createCodec } from '../../src/index.js';
import { loadPack } from '../../src/models/load.js';
import { conformanceModels as models, vectors } from '../conformance/files.js';
import { BareCore, pictureSection } from '../conformance/harness.js';
import { contentsOf, plans } from '../conformance/plans.js';
import { fromRoot, synthetic } from '../helpers.js';
import { compileAssembly } from '../kernels/compile.js';
import { coverSource, instrument } from './instrument.js';

interface CoverExports {
  readonly memory: WebAssembly.Memory;
  coverMarks(): number;
}

/** Sources of the coder with their marks, numbered through. */
function instrumented(): { path: string; first: number; text: string; lines: readonly number[] }[] {
  let first = 0;
  return ['entropy', 'modes', 'alpha'].flatMap((folder) =>
    readdirSync(fromRoot(`assembly/${folder}`)).map((name) => {
      const path = `${folder}/${name}`;
      const marked = { path, first, ...instrument(readFileSync(fromRoot(`assembly/${path}`), 'utf8'), first, '../cover') };
      first += marked.lines.length;
      return marked;
    }),
  );
}

const sources = instrumented();
/** Every instance of the marked core. */
const instances: CoverExports[] = [];
let code: Uint8Array<ArrayBuffer>;
let codec: Codec;

beforeAll(async () => {
  code = compileAssembly('index.ts', {
    'cover.ts': () => coverSource,
    'index.ts': (text) => `${text}\nexport { coverMarks } from "./cover";\n`,
    ...Object.fromEntries(sources.map(({ path, text }) => [path, () => text])),
  });
  // The library keeps its instances to itself; they are all made here.
  const { instantiate } = WebAssembly;
  vi.spyOn(WebAssembly, 'instantiate').mockImplementation((async (module: WebAssembly.Module, imports: WebAssembly.Imports) => {
    const made = (await instantiate(module, imports)) as WebAssembly.Instance | WebAssembly.WebAssemblyInstantiatedSource;
    const { exports } = 'instance' in made ? made.instance : made;
    if ('coverMarks' in exports) instances.push(exports as unknown as CoverExports);
    return made;
  }) as unknown as typeof WebAssembly.instantiate);
  codec = await createCodec({ core: code });
});
afterAll(() => {
  codec.dispose();
  vi.restoreAllMocks();
});

/** Lines that were reached, by file. */
function coverage(): { path: string; lines: number[]; missed: number[] }[] {
  const marks = instances.map((exports) => new Uint8Array(exports.memory.buffer, exports.coverMarks() >>> 0, 16_384));
  return sources.map(({ path, first, lines }) => {
    const reached = new Set(lines.filter((_, index) => marks.some((mark) => mark[first + index] === 1)));
    const all = [...new Set(lines)];
    return { path, lines: all, missed: all.filter((line) => !reached.has(line)) };
  });
}

test('vectors, damaged files, an encoding and the coder alone reach 95 % of the lines', async () => {
  const small = vectors.filter(({ bytes }) => bytes.length < 3000);
  for (const { bytes } of small) await codec.decode(bytes, { models });
  const damaged = fromRoot('tests/corrupt/files');
  for (const name of readdirSync(damaged).filter((file) => file.endsWith('.tsr'))) {
    await codec.decode(new Uint8Array(readFileSync(`${damaged}/${name}`)), { models }).catch(() => undefined);
  }
  await codec.encode(synthetic(200, 150), { patch: 64, effort: 5 });
  for (const levels of [2, 256]) {
    const image = synthetic(90, 40);
    for (let pixel = 3; pixel < image.data.length; pixel += 4) image.data[pixel] = ((pixel >> 2) * 7919) % levels;
    const { data } = await codec.decode(await codec.encode(image, { effort: 1 }));
    expect(data.filter((_, index) => index % 4 === 3)).toEqual(Uint8ClampedArray.from(image.data.filter((_, index) => index % 4 === 3)));
  }

  // The coder alone, on any number of lanes, with and without a rest after the last whole turn.
  const coder = await createEntropyCoder(undefined, code);
  const rows = Uint16Array.from({ length: 83 }, (_, index) => (index * 331) % 1024);
  const symbols = rows.map((row, index) => (index * 7) % coder.symbolCount(row));
  for (const lanes of [1, 2, 4, 8] as const) expect(coder.decode(coder.encode(symbols, rows, lanes), rows, lanes)).toEqual(symbols);

  // The writing side with every kind of map, scalar kernels, buffers that are too small and tables that are wrong.
  const { decoder } = await loadPack(models);
  for (const plan of plans.filter(({ name }) => /^(pixel|map|latents|patch-64)/.test(name))) {
    const core = new BareCore(code);
    instances.push(core.exports as unknown as CoverExports);
    core.exports.useSimd(0);
    const { modeMap, coarse } = pictureSection(decoder, contentsOf(plan, ''), core);
    if (plan.modes > 1) {
      expect(core.exports.decodeModeMap(core.copyIn(modeMap), modeMap.length, core.priors)).toBe(0);
      for (const kind of [0, 1, 2]) core.exports.encodeModeMap(kind, core.priors, core.allocate(16), 1);
    }
    expect(core.exports.decodeSegment(0, core.copyIn(coarse), coarse.length, plan.lanes)).toBe(0);
    expect(core.exports.encodeSegment(0, core.allocate(16), 3, plan.lanes)).toBe(-1);
    const frequencies = decoder.frequencies.slice();
    frequencies[0] ^= 1;
    expect(core.exports.loadTables(core.copyIn(decoder.classes), core.copyIn(frequencies))).toBe(53);
    expect(core.exports.loadTables(core.copyIn(new Uint8Array(128)), core.copyIn(frequencies))).toBe(53);
  }

  const found = coverage();
  const total = found.reduce((sum, { lines }) => sum + lines.length, 0);
  const missed = found.reduce((sum, file) => sum + file.missed.length, 0);
  const report = found.map((file) => `${file.path}: ${file.lines.length - file.missed.length}/${file.lines.length}, not ${file.missed}`);
  expect(total).toBeGreaterThan(200);
  expect(1 - missed / total, report.join('\n')).toBeGreaterThanOrEqual(0.95);
  console.log(`entropy coder, mode map and alpha: ${total - missed} of ${total} lines\n${report.join('\n')}`);
});

test('marks do not change what is written', async () => {
  const pack = await loadPack(models);
  for (const { name, bytes } of vectors.filter((vector) => /^(pixel|map|latents)/.test(vector.name))) {
    const plan = plans.find((other) => other.name === name);
    if (plan === undefined) continue;
    const parts = pictureSection(pack.decoder, contentsOf(plan, pack.hash), new BareCore(code));
    const whole = Buffer.from(bytes);
    for (const part of [parts.modeMap, parts.coarse, ...parts.tiles]) expect(whole.includes(Buffer.from(part)), name).toBe(true);
  }
});
