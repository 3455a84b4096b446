/** Random trials of kernels and coders, inside a WASM module of their own (`assembly/trials`). */

import { readFileSync } from 'node:fs';
import { instantiateSync } from '@assemblyscript/loader';
import { parseDecoderPack } from '../../src/models/pack.js';
import { conformanceDecoder } from '../conformance/pack.js';
import { fromRoot } from '../helpers.js';
import { compileAssembly } from './compile.js';
import { hiddenUnits, rearranged } from './core.js';

interface TrialExports extends Record<string, unknown> {
  readonly memory: WebAssembly.Memory;
  createCodec(block: number): number;
  loadTables(classes: number, frequencies: number): number;
  allocate(bytes: number): number;
  openCoding(): number;
  openTrials(): number;
  seedRandom(seed: number): void;
  tryFilters(kind: number, codec: number, count: number): number;
  tryLayers(kind: number, codec: number, count: number): number;
  tryMeans(count: number): number;
  tryPredict(codec: number, count: number): number;
  tryLargest(count: number): number;
  trySearch(count: number): number;
  tryRowError(count: number): number;
  openGather(): number;
  tryGather(kind: number, count: number): number;
  createWeights(block: number): number;
  openCases(): number;
  tryHalving(kind: number, weights: number, count: number): number;
  tryRefineLayers(kind: number, weights: number, count: number): number;
  tryPointwiseBack(weights: number, count: number): number;
  tryDense(kind: number, weights: number, count: number): number;
  tryLastLayer(weights: number, count: number): number;
  tryBends(count: number): number;
  trySlopes(weights: number, count: number): number;
  tryAddTaps(count: number): number;
  tryNoisyRound(count: number): number;
  tryAdam(count: number): number;
  tryStreams(count: number): number;
  tryMaps(count: number): number;
  openAlpha(): number;
  tryAlpha(levels: number, count: number): number;
}

/** Compiles the trials; `changes` as in `compileAssembly`. */
export function compileTrials(changes: Parameters<typeof compileAssembly>[1] = {}): Uint8Array<ArrayBuffer> {
  return compileAssembly('trials/index.ts', changes);
}

/** One trial. */
export interface Trial {
  readonly name: string;
  /** How many cases one `count` stands for: symbols, modes or samples for coders. */
  readonly unit: 'cases' | 'symbols' | 'modes' | 'samples';
  /** Runs about `count` cases. @returns how many differ */
  run(seed: number, count: number): number;
}

/** Cases between two changes of the codec, whose weights a trial uses. */
const casesPerCodec = 1000;

/**
 * All trials: the SIMD kernels against their scalar twins, then the coders there and back.
 *
 * @param code - from `compileTrials`
 */
export function openTrials(code: Uint8Array<ArrayBuffer>): Trial[] {
  const core = instantiateSync<TrialExports>(code, {}).exports as unknown as TrialExports;
  const copyIn = (bytes: Uint8Array): number => {
    const pointer = core.allocate(bytes.length) >>> 0;
    new Uint8Array(core.memory.buffer, pointer, bytes.length).set(bytes);
    return pointer;
  };
  const pack = parseDecoderPack(conformanceDecoder());
  const trained = parseDecoderPack(new Uint8Array(readFileSync(fromRoot('models/tessera-1/decoder.bin'))));
  if (core.loadTables(copyIn(pack.classes), copyIn(pack.frequencies)) !== 0) throw new Error('loadTables');
  const whole = [...pack.decoders, ...trained.decoders].flat().map(({ bytes }) => bytes);
  // Every other block with some of its hidden units out of use.
  const thinned = (bytes: Uint8Array, index: number): Uint8Array =>
    rearranged(
      bytes,
      Array.from({ length: hiddenUnits }, (_, unit) => ((unit * 29 + index) % hiddenUnits < index % 49 ? unit : -1)),
    );
  const blocks = whole.map((bytes, index) => copyIn(index % 2 === 0 ? bytes : thinned(bytes, index)));
  const codecs = blocks.map((block) => core.createCodec(block));
  const weights = blocks.map((block) => core.createWeights(block));
  if (!core.openTrials() || !core.openCoding() || !core.openAlpha() || !core.openGather() || !core.openCases())
    throw new Error('no memory');

  const kernel = (name: string, run: (count: number) => number): Trial => ({
    name,
    unit: 'cases',
    run: (seed, count) => {
      core.seedRandom(seed);
      return run(count);
    },
  });
  const withEach = (handles: readonly number[], name: string, run: (handle: number, count: number) => number): Trial =>
    kernel(name, (count) => {
      let differences = 0;
      for (let done = 0; done < count; done += casesPerCodec) {
        differences += run(handles[(done / casesPerCodec) % handles.length], Math.min(casesPerCodec, count - done));
      }
      return differences;
    });
  const withCodecs = (name: string, run: (codec: number, count: number) => number): Trial => withEach(codecs, name, run);
  // The kernels of the module that refines latents share the sources of the core, so they fit this module too.
  const refine = (name: string, run: (weights: number, count: number) => number): Trial => withEach(weights, `refine/${name}`, run);
  return [
    kernel('findSymbol', core.trySearch),
    kernel('largestOf', core.tryLargest),
    withCodecs('predict', core.tryPredict),
    ...['doubleAlongX', 'doubleAlongY', 'filterAlongX', 'filterAlongY', 'dequantise', 'doublePair'].map((name, kind) =>
      withCodecs(name, (codec, count) => core.tryFilters(kind, codec, count)),
    ),
    ...['packFeatures', 'pointwise', 'residualRelu', 'residualPixels'].map((name, kind) =>
      withCodecs(name, (codec, count) => core.tryLayers(kind, codec, count)),
    ),
    kernel('meanOfRow', core.tryMeans),
    kernel('rowError', core.tryRowError),
    ...['hiddenUnits', 'rings', 'addSamples'].map((name, kind) => kernel(name, (count) => core.tryGather(kind, count))),
    ...['halveAlongX', 'halveAlongY'].map((name, kind) => refine(name, (handle, count) => core.tryHalving(kind, handle, count))),
    ...['pointwise', 'residualRelu', 'residualError', 'residualGated', 'residualPlain'].map((name, kind) =>
      refine(name, (handle, count) => core.tryRefineLayers(kind, handle, count)),
    ),
    refine('pointwiseBack', core.tryPointwiseBack),
    ...['dense RELU', 'dense GATED', 'dense PLAIN'].map((name, kind) =>
      refine(name, (handle, count) => core.tryDense(kind, handle, count)),
    ),
    refine('lastLayer', core.tryLastLayer),
    kernel('refine/bendOfBits', core.tryBends),
    refine('colourSlopes', core.trySlopes),
    kernel('refine/addTaps', core.tryAddTaps),
    kernel('refine/noisyRound', core.tryNoisyRound),
    kernel('refine/adam', core.tryAdam),
    { ...kernel('rANS, alphabets of 2 to 256', core.tryStreams), unit: 'symbols' },
    { ...kernel('mode maps of 2, 4 and 8 modes', core.tryMaps), unit: 'modes' },
    { ...kernel('alpha of two levels', (count) => core.tryAlpha(2, count)), unit: 'samples' },
    { ...kernel('alpha of any levels', (count) => core.tryAlpha(256, count)), unit: 'samples' },
  ];
}
