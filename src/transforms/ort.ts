/**
 * The neural transforms through onnxruntime-web: the analysis of the encoder, and the synthesis on request.
 *
 * The runtime is an optional peer and is loaded at the first call. One session cannot run twice at once, so calls queue.
 */

import type * as OrtModule from 'onnxruntime-web/wasm';
import { TesseraError } from '../errors.js';
import { gridCount, patchLayout } from '../geometry.js';
import type { Pack } from '../models/load.js';
import { type DecoderWeights, readSynthesisWeights } from '../models/pack.js';
import { lambdaOfRate, type Rate } from '../quality.js';
import { createSession, loadOrt, prefersGpu } from './ort-runtime.js';
import type { Analysis, DecodedLatents, Synthesis } from './transform.js';
import { fillWindow, windowSide } from './windows.js';

type Feeds = Record<string, { readonly data: Float32Array; readonly dims: readonly number[] }>;

/** A session whose runs queue. */
interface Runner {
  readonly inputs: readonly string[];
  run(feeds: Feeds): Promise<Record<string, Float32Array>>;
}

const runners = new WeakMap<Uint8Array, Promise<Runner>>();

/** The session of a model, created once per model bytes. */
function runnerOf(model: Uint8Array): Promise<Runner> {
  let runner = runners.get(model);
  if (runner === undefined) {
    runner = createRunner(model);
    runners.set(model, runner);
    runner.catch(() => runners.delete(model));
  }
  return runner;
}

async function createRunner(model: Uint8Array): Promise<Runner> {
  const ort = await loadOrt();
  let session: OrtModule.InferenceSession;
  try {
    session = await createSession(ort, model);
  } catch (cause) {
    throw new TesseraError('backendUnavailable', 'onnxruntime-web failed to load the model', { cause });
  }
  let last: Promise<unknown> = Promise.resolve();
  const runOnce = async (feeds: Feeds): Promise<Record<string, Float32Array>> => {
    const inputs: Record<string, OrtModule.Tensor> = {};
    for (const [name, { data, dims }] of Object.entries(feeds)) inputs[name] = new ort.Tensor('float32', data, dims);
    let outputs: Record<string, OrtModule.Tensor>;
    try {
      outputs = await session.run(inputs);
    } catch (cause) {
      throw new TesseraError('backendUnavailable', 'onnxruntime-web failed to run the model', { cause });
    }
    const result: Record<string, Float32Array> = {};
    for (const [name, tensor] of Object.entries(outputs)) result[name] = tensor.data as Float32Array;
    return result;
  };
  return {
    inputs: session.inputNames,
    run(feeds) {
      const result = last.then(() => runOnce(feeds));
      last = result.catch(() => undefined);
      return result;
    },
  };
}

/** λ at which the input `rate` of an analysis is 0 (training/tessera/codec.py, `rate`). */
const referenceLambda = 0.002;

/** Names of the large analysis of each anchor, as who computes it wants it: in floats on a GPU. */
export async function largeAnalysis({ manifest }: Pack): Promise<readonly string[]> {
  return (await prefersGpu()) ? manifest.floatAnalysis : manifest.analysis;
}

/**
 * The analysis of a pack at one rate, for all its codecs in one run.
 *
 * @param names - the model of each anchor
 * @param codecs - how many codecs' values the model must give at least
 */
export async function createOrtAnalysis(pack: Pack, names: readonly string[], rate: Rate, codecs: number): Promise<Analysis> {
  const runner = await runnerOf(await pack.file(names[rate.anchor]));
  // An analysis that knows the resolution of the quantiser can aim at its levels; packs whose analysis does not have no such input.
  const data = Float32Array.of(0.5 * Math.log(referenceLambda / lambdaOfRate(pack, rate)));
  // And those that can leave codecs out do.
  const numbers = { rate: data, codecs: Float32Array.of(codecs) };
  const feeds: Feeds = Object.fromEntries(
    Object.entries(numbers).flatMap(([name, values]) => (runner.inputs.includes(name) ? [[name, { data: values, dims: [1] }]] : [])),
  );
  return {
    async run(image, width, height) {
      const outputs = await runner.run({ ...feeds, image: { data: image, dims: [1, 3, height, width] } });
      return Array.from({ length: gridCount }, (_, grid) => {
        const values = outputs[`grid${grid}`];
        if (!(values?.length >= (codecs * width * height) / 4 ** grid))
          throw new TesseraError('corruptModel', `${names[rate.anchor]} does not give grid ${grid} of ${codecs} codecs`);
        return values;
      });
    },
  };
}

/** Patches computed in one run; keeps the runtime's memory near 100 MB for patches of 128. */
const batchPixels = 8 * 128 * 128;

/**
 * The synthesis of a pack, patch by patch in batches of one mode.
 *
 * @param decoders - weights of each mode at the file's anchor
 * @param inverseGain - Q14, of the file's step
 */
export async function createOrtSynthesis(pack: Pack, decoders: readonly DecoderWeights[], inverseGain: number): Promise<Synthesis> {
  const runner = await runnerOf(await pack.file('synthesis.onnx'));
  const scale = Math.fround(inverseGain / 16_384);
  return {
    async run(latents, target, report) {
      const { core, width, height, patch } = latents;
      const { count } = patchLayout(width, height, patch);
      const batchSize = Math.max(1, Math.floor(batchPixels / patch ** 2));
      let done = 0;
      for (let mode = 0; mode < decoders.length; mode++) {
        const patches = Array.from({ length: count }, (_, index) => index).filter((index) => core.modes()[index] === mode);
        const weights = weightFeeds(decoders[mode]);
        for (let start = 0; start < patches.length; start += batchSize) {
          const batch = patches.slice(start, start + batchSize);
          const { colour } = await runner.run({ ...windowFeeds(latents, batch, scale), ...weights });
          batch.forEach((index, position) => {
            storePatch(latents, index, colour.subarray(position * 3 * patch ** 2, (position + 1) * 3 * patch ** 2), target);
          });
          done += batch.length;
          await report(done);
        }
      }
    },
  };
}

/** The synthesis for the modes of a file whose pack has been checked. */
export function ortSynthesis(pack: Pack, rate: Rate, decoders: readonly DecoderWeights[]): Promise<Synthesis> {
  return createOrtSynthesis(pack, decoders, pack.decoder.steps[rate.step].inverseGain);
}

function weightFeeds(decoder: DecoderWeights): Feeds {
  const { kernels, scales, layers } = readSynthesisWeights(decoder);
  const { steps, doubling, smoothing } = decoder.shape.upsampling;
  const feeds: Feeds = {
    kernels: { data: kernels, dims: [steps, doubling + smoothing] },
    scales: { data: scales, dims: [1, gridCount, 1, 1] },
  };
  decoder.shape.synthesis.forEach(({ outputs, inputs, kernel }, index) => {
    feeds[`w${index + 1}`] = { data: layers[index].weights, dims: [outputs, inputs, kernel, kernel] };
    feeds[`b${index + 1}`] = { data: layers[index].biases, dims: [outputs] };
  });
  return feeds;
}

function windowFeeds(latents: DecodedLatents, batch: readonly number[], scale: number): Feeds {
  const feeds: Feeds = {};
  for (let grid = 0; grid < gridCount; grid++) {
    const side = windowSide(latents.patch, grid);
    const data = new Float32Array(batch.length * side * side);
    batch.forEach((index, position) => {
      fillWindow(latents, index, grid, scale, data.subarray(position * side * side, (position + 1) * side * side));
    });
    feeds[`grid${grid}`] = { data, dims: [batch.length, 1, side, side] };
  }
  return feeds;
}

/** Rounds one patch to levels and stores the part of it that lies in the picture. `colour` is [3][patch][patch]. */
function storePatch({ width, height, patch }: DecodedLatents, index: number, colour: Float32Array, target: Uint8ClampedArray): void {
  const columns = Math.ceil(width / patch);
  const left = (index % columns) * patch;
  const top = Math.floor(index / columns) * patch;
  const right = Math.min(left + patch, width);
  const bottom = Math.min(top + patch, height);
  for (let y = top; y < bottom; y++) {
    for (let x = left; x < right; x++) {
      const pixel = (y * width + x) * 4;
      for (let c = 0; c < 3; c++) {
        const value = colour[(c * patch + (y - top)) * patch + (x - left)];
        // The clamped array clamps; its own rounding is to even, hence the floor (FORMAT.md §6, `level`).
        target[pixel + c] = Math.floor(Math.fround(Math.fround(value * 255) + 0.5));
      }
      target[pixel + 3] = 255;
    }
  }
}
