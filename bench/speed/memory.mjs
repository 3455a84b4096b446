// Peak memory of encoding and decoding a large picture, each in a process of its own.
//
//   node bench/speed/memory.mjs [--megapixels 24] [--quality 50] [--modes 8] [--effort 5] [--out FOLDER] [--file FILE.tsr]
//
// Decoding: the WASM memory (which never shrinks, so its size at the end is its peak) and the output, which is what the
// caller must have room for; and the largest resident set of the process. Encoding: the largest resident set.
// `--file` keeps the encoded picture there, and takes it from there when it exists.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { fromRoot } from '../../scripts/setup.mjs';
import { loadInner } from '../lib/core.mjs';
import { environment, table, writeResult } from '../lib/environment.mjs';
import { mosaic, pictureFiles, pictureFolder, readPicture } from '../lib/pictures.mjs';

const { values: options } = parseArgs({
  options: {
    megapixels: { type: 'string', default: '24' },
    quality: { type: 'string', default: '50' },
    modes: { type: 'string', default: '8' },
    effort: { type: 'string', default: '5' },
    out: { type: 'string' },
    file: { type: 'string' },
    role: { type: 'string' },
  },
});
const MiB = 2 ** 20;
const scratch = fromRoot('out/bench');
const pixelsFile = `${scratch}/memory.rgba`;
const file = options.file ?? `${scratch}/memory.tsr`;

/** The largest resident set of this process so far, in bytes; what V8 has collected since counts. */
const peakResident = () => process.resourceUsage().maxRSS * 1024;

/** Makes every WebAssembly instance of this process known, to read the sizes of their memories. */
function watchMemories() {
  const memories = new Set();
  const { instantiate } = WebAssembly;
  WebAssembly.instantiate = async (...values) => {
    const result = await instantiate(...values);
    for (const value of Object.values((result.instance ?? result).exports)) if (value instanceof WebAssembly.Memory) memories.add(value);
    return result;
  };
  return () => [...memories].reduce((sum, memory) => sum + memory.buffer.byteLength, 0);
}

async function encodeHere() {
  const { encode } = await import('../../build/index.js');
  const [width, height] = JSON.parse(readFileSync(`${pixelsFile}.json`, 'utf8'));
  const raw = readFileSync(pixelsFile);
  const picture = { width, height, data: new Uint8ClampedArray(raw.buffer, raw.byteOffset, raw.length) };
  const start = performance.now();
  const bytes = await encode(picture, { quality: Number(options.quality), modes: Number(options.modes), effort: Number(options.effort) });
  const seconds = (performance.now() - start) / 1000;
  writeFileSync(file, bytes);
  return { bytes: bytes.length, seconds, resident: peakResident() };
}

async function decodeHere() {
  const wasmBytes = watchMemories();
  const { decode } = await import('../../build/decode.js');
  const bytes = readFileSync(file);
  const before = peakResident();
  const start = performance.now();
  const { data } = await decode(bytes);
  const seconds = (performance.now() - start) / 1000;
  return { output: data.length, wasm: wasmBytes(), seconds, before, resident: peakResident() };
}

/** Runs this script again for one of the two roles and reads what it found. */
function inProcess(role) {
  const words = ['megapixels', 'quality', 'modes', 'effort'].flatMap((name) => [`--${name}`, options[name]]);
  const child = spawnSync(process.execPath, [process.argv[1], '--role', role, '--file', file, ...words], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (child.status !== 0) throw new Error(`${role} failed`);
  return JSON.parse(child.stdout);
}

if (options.role !== undefined) {
  console.log(JSON.stringify(await (options.role === 'encode' ? encodeHere() : decodeHere())));
} else {
  mkdirSync(scratch, { recursive: true });
  await loadInner();
  let encoding;
  if (options.file === undefined || !existsSync(options.file)) {
    const pictures = [];
    for (const path of pictureFiles(pictureFolder().path)) pictures.push(await readPicture(path));
    const { width, height, data } = mosaic(pictures, Number(options.megapixels));
    writeFileSync(pixelsFile, data);
    writeFileSync(`${pixelsFile}.json`, JSON.stringify([width, height]));
    encoding = inProcess('encode');
  }
  const decoding = inProcess('decode');
  const limit = 1.25 * decoding.output + 16 * MiB;
  const rows = [
    ...(encoding === undefined ? [] : [{ what: 'encode: largest resident set', MiB: encoding.resident / MiB, limit: 1e9 / MiB }]),
    { what: 'decode: output', MiB: decoding.output / MiB },
    { what: 'decode: WASM', MiB: decoding.wasm / MiB },
    { what: 'decode: WASM and output', MiB: (decoding.wasm + decoding.output) / MiB, limit: limit / MiB },
    {
      what: 'decode: largest resident set, above that before the call',
      MiB: (decoding.resident - decoding.before) / MiB,
      limit: limit / MiB,
    },
  ].map(({ what, MiB: size, limit: most }) => ({ what, MiB: size.toFixed(1), ...(most === undefined ? {} : { limit: most.toFixed(1) }) }));
  console.log(table(['what', 'MiB', 'limit'], rows));
  writeResult('speed/memory.json', { environment: environment(), options, encoding, decoding, rows }, options.out);
}
