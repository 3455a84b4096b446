// The package's inner functions and the bare WASM core, for measurements below the facade.
//
// Built afresh at every run, into build/: bench.js (src/ with what the package keeps to itself) and bench.wasm (the core with its
// stages exposed, bench/assembly/index.ts). `TESSERA_CORE` names another .wasm of the same exports, to compare two versions.
import { readFileSync } from 'node:fs';
import { instantiateSync } from '@assemblyscript/loader';
import { build } from 'esbuild';
import { ensureBuilt, fromRoot, runOrExit } from '../../scripts/setup.mjs';

const inner = `
  export * from './src/research.js';
  export { parseHeader, parsePictureSection, parseSections } from './src/container.js';
  export { gridSide, symbolCount } from './src/geometry.js';
  export { createCodec, init } from './src/codec.js';
  export { defaultOptions } from './src/encode.js';
  export { modeSetOf } from './src/wasm.js';
`;
const flags = ['-O3', '--noAssert', '--runtime', 'stub', '--enable', 'simd', '--use', 'abort='];

/** Builds what is missing and imports the inner functions. @param built - another process has just built them */
export async function loadInner({ built = false } = {}) {
  if (built) return import('../../build/bench.js');
  ensureBuilt();
  await build({
    stdin: { contents: inner, resolveDir: fromRoot(), loader: 'ts' },
    outfile: fromRoot('build/bench.js'),
    bundle: true,
    format: 'esm',
    platform: 'neutral',
    mainFields: ['module', 'main'],
    conditions: ['import'],
    target: 'es2022',
    external: ['onnxruntime-web', 'onnxruntime-web/wasm', 'sharp', 'node:*'],
    logLevel: 'warning',
  });
  return import('../../build/bench.js');
}

/** Compiles the core with its stages exposed. @returns its bytes */
export function benchCore() {
  if (process.env.TESSERA_CORE !== undefined) return readFileSync(process.env.TESSERA_CORE);
  runOrExit(process.execPath, [
    fromRoot('node_modules/assemblyscript/bin/asc.js'),
    'bench/assembly/index.ts',
    ...flags,
    '-o',
    'build/bench.wasm',
  ]);
  return readFileSync(fromRoot('build/bench.wasm'));
}

/** One instance of the bare core with the tables of a pack. */
export class BareCore {
  constructor(code, pack) {
    this.pack = pack;
    this.exports = instantiateSync(code, {}).exports;
    this.check(this.exports.loadTables(this.copyIn(pack.decoder.classes), this.copyIn(pack.decoder.frequencies)));
    this.exports.loadCosts();
    this.start = this.exports.mark();
  }

  check(status) {
    if (status !== 0) throw new Error(`the core says ${status}`);
  }

  bytes(pointer, length) {
    return new Uint8Array(this.exports.memory.buffer, pointer >>> 0, length);
  }

  allocate(length) {
    const pointer = this.exports.allocate(length) >>> 0;
    if (pointer === 0) throw new Error(`the core has no memory for ${length} bytes`);
    return pointer;
  }

  copyIn(bytes) {
    const pointer = this.allocate(bytes.length);
    this.bytes(pointer, bytes.length).set(bytes);
    return pointer;
  }

  copyIn16(values) {
    return this.copyIn(new Uint8Array(Uint16Array.from(values).buffer));
  }

  /** Opens the picture of a file. @returns the payloads in the core's memory: mode map, then segments */
  open(inner, file) {
    const { exports, pack } = this;
    exports.release(this.start);
    const header = inner.parseHeader(file);
    const section = inner.parsePictureSection(header, inner.parseSections(header, file));
    const set = inner.modeSetOf(pack.decoder, header.modes);
    const handles = set.subset.map((codec) => exports.createCodec(this.copyIn(pack.decoder.decoders[codec][header.anchor].bytes)));
    this.check(exports.beginPicture(header.width, header.height, Math.log2(header.patch), header.modes, false));
    handles.forEach((handle, mode) => {
      exports.setCodec(mode, handle);
    });
    const step = pack.decoder.steps[header.step];
    exports.setStep(step.inverseGain, step.logScaleOffset);
    section.scales.forEach((scale, grid) => {
      exports.setScale(grid, scale);
    });
    const priors = this.copyIn16([...set.prior, ...set.bonus, set.increment]);
    exports.setPriors(priors);
    const place = (payload) => ({ pointer: this.copyIn(payload), length: payload.length });
    const modeMap = place(section.modeMap);
    const segments = [section.coarse, ...section.tiles].map(place);
    return { header, priors, modeMap, segments, handles };
  }

  /** Decodes the mode map and all latents of an opened picture. */
  decodeLatents({ header, priors, modeMap, segments }) {
    this.check(this.exports.decodeModeMap(modeMap.pointer, modeMap.length, priors));
    segments.forEach(({ pointer, length }, segment) => {
      this.check(this.exports.decodeSegment(segment, pointer, length, header.lanes));
    });
  }
}
