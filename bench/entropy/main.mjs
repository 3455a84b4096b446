// The entropy coder and what feeds it, alone: symbols per second, bits per symbol against the tables' cross-entropy.
//
//   node bench/entropy/main.mjs [--symbols 1000000] [--rounds 7] [--lanes 1,2,4,8] [--out FOLDER]
//
// rANS in WebAssembly with the SIMD and with the scalar search, in plain TypeScript, and in C where gcc is installed: the same
// algorithm, tables and symbols, in turns. Every turn decodes what it encoded and compares; all four must write the same bytes. Two range
// coders from npm stand beside them.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';
import { fromRoot } from '../../scripts/setup.mjs';
import { BareCore, benchCore, loadInner } from '../lib/core.mjs';
import { environment, table, writeResult } from '../lib/environment.mjs';
import { median, round, timedNow } from '../lib/measure.mjs';
import { measureContext, measureModeMap } from './models.mjs';
import { packageCoders } from './packages.mjs';
import { pictureSource, sources } from './sources.mjs';

const { values: options } = parseArgs({
  options: {
    symbols: { type: 'string', default: '1000000' },
    rounds: { type: 'string', default: '7' },
    lanes: { type: 'string', default: '1,2,4,8' },
    out: { type: 'string' },
  },
});
const count = Number(options.symbols);
const rounds = Number(options.rounds);
const laneCounts = options.lanes.split(',').map(Number);

const inner = await loadInner();
const pack = await inner.loadPack();
const info = environment();
const scratch = fromRoot('out/bench');
mkdirSync(scratch, { recursive: true });
await build({
  entryPoints: [fromRoot('bench/entropy/rans.ts')],
  outfile: fromRoot('build/bench-rans.js'),
  format: 'esm',
  target: 'es2022',
});
const typescript = await import('../../build/bench-rans.js');
const code = new WebAssembly.Module(benchCore());

/** Compiles the C twin. @returns its path, or undefined without gcc */
function nativeTwin() {
  const path = `${scratch}/rans`;
  const { status } = spawnSync('gcc', ['-O3', '-o', path, fromRoot('bench/entropy/rans.c')], { stdio: 'ignore' });
  return status === 0 ? path : undefined;
}

function fnv(bytes) {
  let hash = 2166136261;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 16777619);
  return hash >>> 0;
}

function check(condition, text) {
  if (!condition) throw new Error(text);
}

/** A turn of a coder: three runs in a row, as the C twin does, in ns per symbol. */
function thrice(run) {
  return () => {
    const runs = [run(), run(), run()];
    const perSymbol = (key) => runs.map((times) => (times[key] * 1e6) / count);
    return { encode: perSymbol('encode'), decode: perSymbol('decode'), stream: runs[2].stream };
  };
}

/** Coders of one source with so many lanes: each turn gives encoding and decoding in ns per symbol, and the stream. */
function codersOf({ name, block, tables, rows, symbols }, lanes, native) {
  const core = new BareCore(code, { decoder: block });
  const { exports } = core;
  const rowPointer = core.copyIn16(rows);
  const symbolPointer = core.copyIn16(symbols);
  const room = 64 + 4 * count;
  const out = core.allocate(room);
  const decoded = core.allocate(2 * count);
  const expected = Buffer.from(symbols.buffer);

  const wasm = (simd) =>
    thrice(() => {
      exports.useSimd(simd);
      const encoding = timedNow(() => exports.ransEncode(symbolPointer, rowPointer, count, lanes, out, room));
      const length = encoding.value;
      check(length > 0, `${name}: the core cannot encode`);
      core.bytes(decoded, 2 * count).fill(255);
      const decoding = timedNow(() => exports.ransDecode(out, length, rowPointer, count, lanes, decoded));
      check(decoding.value === 0 && expected.equals(core.bytes(decoded, 2 * count)), `${name}: the core's round trip fails`);
      return { encode: encoding.cpu, decode: decoding.cpu, stream: () => core.bytes(out, length) };
    });
  const plain = thrice(() => {
    const buffer = new Uint8Array(room);
    const result = new Uint16Array(count);
    const encoding = timedNow(() => typescript.encode(tables, rows, symbols, lanes, buffer));
    const decoding = timedNow(() => typescript.decode(tables, rows, result, lanes, encoding.value));
    check(decoding.value && expected.equals(Buffer.from(result.buffer)), `${name}: the round trip in TypeScript fails`);
    return { encode: encoding.cpu, decode: decoding.cpu, stream: () => encoding.value };
  });
  const coders = { 'wasm simd': wasm(1), 'wasm scalar': wasm(0), typescript: plain };
  if (native !== undefined) {
    const input = `${scratch}/rans.input`;
    writeFileSync(input, Buffer.concat([Uint32Array.of(count), tables, rows, symbols].map((part) => Buffer.from(part.buffer))));
    coders['C gcc -O3'] = () => JSON.parse(execFileSync(native, [input, String(lanes), '3'], { encoding: 'utf8' }));
  }
  return coders;
}

function measureSource(source, lanes, native) {
  const coders = codersOf(source, lanes, native);
  const times = Object.fromEntries(Object.keys(coders).map((name) => [name, { encode: [], decode: [] }]));
  const streams = new Set();
  let length = 0;
  // The first turns let the engine compile for good.
  for (let turn = -3; turn < rounds; turn++) {
    for (const [name, work] of Object.entries(coders)) {
      const { encode, decode, stream, hash } = work();
      if (turn < 0) {
        const identity = hash ?? fnv(stream());
        length = stream?.().length ?? length;
        streams.add(identity);
        continue;
      }
      // The fastest run of a turn: the first one finds cold caches.
      times[name].encode.push(Math.min(...encode));
      times[name].decode.push(Math.min(...decode));
    }
  }
  check(streams.size === 1, `${source.name}: the coders write different bytes`);
  const others = lanes === laneCounts[0] ? measurePackages(source) : [];
  const excess = length - source.bits / 8;
  check(excess <= 0.001 * (source.bits / 8) + 4 * lanes, `${source.name}: ${excess} bytes over the cross-entropy`);
  return Object.entries(times)
    .map(([coder, { encode, decode }]) => ({
      source: source.name,
      lanes,
      coder,
      bitsPerSymbol: round((8 * length) / count),
      crossEntropy: round(source.bits / count),
      excessBytes: Math.round(excess),
      encodeMsymbols: round(1000 / median(encode)),
      decodeMsymbols: round(1000 / median(decode)),
      decodeMBperSecond: round((1000 * length) / count / median(decode)),
    }))
    .concat(others);
}

/** The coders from npm: whole streams of their own, which need not be as short. */
function measurePackages(source) {
  return Object.entries(packageCoders(source)).map(([coder, { encode, decode }]) => {
    const times = { encode: [], decode: [] };
    const row = { source: source.name, lanes: '', coder };
    let length = 0;
    for (let turn = -1; turn < 3; turn++) {
      const encoding = timedNow(encode);
      const bytes = encoding.value.slice();
      const decoding = timedNow(() => decode(bytes));
      // A package may fail on a stream; that is its result then, and no figure stands beside it.
      if (source.symbols.some((symbol, index) => decoding.value[index] !== symbol)) return { ...row, bitsPerSymbol: 'round trip fails' };
      length = bytes.length;
      if (turn < 0) continue;
      times.encode.push((encoding.cpu * 1e6) / source.symbols.length);
      times.decode.push((decoding.cpu * 1e6) / source.symbols.length);
    }
    const count = source.symbols.length;
    return {
      ...row,
      bitsPerSymbol: round((8 * length) / count),
      crossEntropy: round(source.bits / count),
      excessBytes: Math.round(length - source.bits / 8),
      encodeMsymbols: round(1000 / median(times.encode)),
      decodeMsymbols: round(1000 / median(times.decode)),
      decodeMBperSecond: round((1000 * length) / count / median(times.decode)),
    };
  });
}

const native = nativeTwin();
if (native === undefined) console.error('gcc is not installed: no comparison with C');
const rans = [];
for (const source of [await pictureSource(inner, code, pack, count), ...sources(pack, count)]) {
  // All lane counts where it matters, the default of one for the other shapes.
  for (const lanes of /^(picture|pack)/.test(source.name) ? laneCounts : [1]) rans.push(...measureSource(source, lanes, native));
  console.error(`${source.name}: measured`);
}
console.log(table(Object.keys(rans[0]), rans));

const ratios = rans
  .filter(({ coder }) => coder === 'wasm simd')
  .map((row) => {
    const twin = rans.find(({ source, lanes, coder }) => source === row.source && lanes === row.lanes && coder === 'C gcc -O3');
    const part = (column) => (twin === undefined ? undefined : round(row[column] / twin[column]));
    return { source: row.source, lanes: row.lanes, encodeOverNative: part('encodeMsymbols'), decodeOverNative: part('decodeMsymbols') };
  });
console.log(table(Object.keys(ratios[0]), ratios));

const context = measureContext(code, pack, rounds);
console.log(table(Object.keys(context[0]), context));
const modeMap = measureModeMap(code, pack, inner, rounds);
console.log(table(Object.keys(modeMap[0]), modeMap));
writeResult('entropy.json', { environment: info, symbols: count, rounds, rans, ratios, context, modeMap }, options.out);
