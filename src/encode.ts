/**
 * Encoding, top to bottom as in DESIGN.md §1:
 *
 *     pixels ─► analysis ×M ─► quantise ─► per-patch J = D + λR ─► mode map ┐
 *                    └─ latents of the winners ───────► (refine, adapt) ──┴─► entropy coding ─► container
 */

import { type Adaptation, writeAdaptation } from './adaptation/section.js';
import { encodeAlpha } from './alpha/encode.js';
import { smoothInvisible } from './alpha/invisible.js';
import { adaptationTag, alphaTag, fileLength, formatVersion, writeFile, writeSection } from './container.js';
import { type Core, modeSetOf } from './core.js';
import { type Effort, efforts, encodeShares } from './effort.js';
import type { EngineBase } from './engine-base.js';
import { TesseraError } from './errors.js';
import type { SegmentEstimate } from './estimate.js';
import { gridCount, tileCount } from './geometry.js';
import { checkSize, resolveLimits } from './limits.js';
import { writeModeMap } from './mode-map.js';
import { loadPack, type Pack } from './models/load.js';
import type { ModeSet } from './models/pack.js';
import { Pacer } from './pacer.js';
import { checkPixels, flatten, isOpaque, toPicture, toRgba } from './pixels.js';
import { checkRate, lambdaOfRate, qualityOfRate, type Rate, rateOfQuality } from './quality.js';
import { noScales, writeScales } from './scales.js';
import { costOfModes, selectModes, sharesOf } from './select.js';
import { type AnalysedTile, analyseTiles, largestWindow } from './transforms/analyse.js';
import { createOrtAnalysis, largeAnalysis } from './transforms/ort.js';
import { wasmSynthesis } from './transforms/wasm.js';
import type { EncodeOptions, ModeCount, Picture, PixelSource } from './types.js';

/** What `encode` does when an option is left out. */
export const defaultOptions = { quality: 50, modes: 8, effort: 5, patch: 128, lanes: 1 } as const;

/** A file, and what the encoder knows about it. */
export interface EncodeResult {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Length that the rate estimate foretold, in bytes; NaN without one. */
  readonly estimatedBytes: number;
  /** Quality in the pack's table, or null for a rate that is not in it. */
  readonly quality: number | null;
  readonly lambda: number;
  /** J of the whole picture; NaN when the caller did without it and the encoder too. */
  readonly cost: number;
  /** Part of the patches that took each of the file's modes. */
  readonly modeShares: readonly number[];
  /** Length of the coded mode map in bytes. */
  readonly modeMapBytes: number;
  /** Length of the section that adapts the synthesis to the picture, in bytes; 0 without it. */
  readonly adaptationBytes: number;
  /** Time that the encoding took in milliseconds, the reconstruction not counted. */
  readonly ms: number;
  /** The encoder's own reconstruction, when it was asked for. */
  readonly reconstruction?: Picture;
}

interface Settings {
  /** How many modes the file may have. */
  readonly modes: ModeCount;
  readonly effort: Effort;
  readonly patch: 64 | 128 | 256;
  readonly lanes: 1 | 2 | 4 | 8;
}

/**
 * Encodes a picture and tells what came out.
 *
 * @param wanted - `reconstruction`: also compute the pixels that a decoder will give; `cost` false: tell J only if it was needed anyway;
 *   `estimate`: foretell the length too, by `estimateSegments`
 * @throws TesseraError
 */
export async function encodeDetailed(
  engine: EngineBase,
  source: PixelSource,
  options: EncodeOptions,
  wanted: { readonly reconstruction?: boolean; readonly cost?: boolean; readonly estimate?: SegmentEstimate } = {},
): Promise<EncodeResult> {
  // 1. Check the call; bring the pixels to RGBA.
  const start = performance.now();
  const settings = checkSettings(options);
  const pacer = new Pacer(options, encodeShares(settings.effort));
  checkPixels(source);
  const { small: wantsSmall, search, refinement } = settings.effort;
  checkSize(source.width, source.height, search ? settings.modes : 1, resolveLimits(options.limits), refinement);
  const pixels = options.background === undefined ? toRgba(source) : flatten(toRgba(source), options.background);
  const withAlpha = !isOpaque(pixels.data);
  const image = withAlpha && options.invisible !== 'keep' ? smoothInvisible(pixels) : pixels;
  const { width, height } = image;

  // 2. Load the model pack and find the rate.
  await pacer.step('model', 0, 1);
  const pack = await loadPack(options.models);
  const small = wantsSmall ? pack.manifest.quick : undefined;
  const scale = small ? pack.manifest.quickQuality : pack.manifest.quality;
  const rate = options.rate ?? rateOfQuality(scale, options.quality ?? defaultOptions.quality);
  checkRate(pack, rate, 'invalidArgument');
  const lambda = lambdaOfRate(pack, rate);
  const most = Math.min(settings.modes, pack.decoder.modes) as ModeCount;
  const modes = search === undefined ? 1 : most;
  if (options.modes !== undefined && options.modes > pack.decoder.modes)
    throw new TesseraError('invalidArgument', `${options.modes} codecs; the model pack has ${pack.decoder.modes}`);
  const modeSet = modeSetOf(pack.decoder, modes);
  // What comes out of a small analysis is one codec's alone.
  const planes = small ? [0] : modeSet.subset;
  const analysis = await createOrtAnalysis(pack, small ?? (await largeAnalysis(pack)), rate, 1 + Math.max(...planes));
  await pacer.step('model', 1, 1);

  return engine.withCore(async (core) => {
    const setup = { width, height, patch: settings.patch, modes, lanes: settings.lanes, rate, storage: 'packed' } as const;
    core.begin(pack.decoder, setup);

    // 3. Analyse, and quantise the latents of every competing codec.
    const scratch = core.allocate(largestWindow * 4);
    for await (const tile of analyseTiles(image, analysis)) {
      quantiseTile(core, scratch, pack, modeSet, planes, rate, tile);
      await pacer.step('analyse', tile.index + 1, tile.count);
    }

    // 4. Let the codecs compete for every patch.
    core.setTarget(image.data, lambda);
    const generalist = modeSet.subset.indexOf(modeSetOf(pack.decoder, 1).subset[0]);
    const selection = await selectModes(core, { ...settings, modes, generalist, lambda, search, picture: image }, pacer);

    // 5. Refine the winners' latents and fit synthesis and scales to the picture, in a part of the package of its own.
    let { subset: codecs } = modeSetOf(pack.decoder, selection.single ? 1 : modes);
    let { cost } = selection;
    let adaptation: Adaptation | undefined;
    let scales = noScales;
    if (refinement !== undefined) {
      const { keepWinners, refine } = await import('./refine/refine.js');
      keepWinners(core, pack.decoder, { ...setup, modes: most });
      core.setTarget(image.data, lambda);
      const coded = { core, image, patch: settings.patch, pack, modes: most, codecs: modeSet.subset, rate, lambda };
      ({ codecs, adaptation, scales } = await refine(coded, refinement, engine.parts.refineModule, pacer));
      cost = undefined;
    }
    const written = codecs.length as ModeCount;
    const changes = adaptation && writeAdaptation(adaptation, written);
    const adaptationBytes = changes === undefined ? 0 : writeSection(adaptationTag, changes).length;
    const scalesLength = writeScales(scales).length;
    cost ??=
      wanted.cost === false
        ? Number.NaN
        : (await costOfModes(core, written === 1, () => pacer.turn())) + 8 * lambda * (adaptationBytes + scalesLength);

    // 6. Code the mode map and the latents of the winners.
    const modeMap = written === 1 ? new Uint8Array(0) : writeModeMap({ codecs, payload: core.encodeModeMap() }, pack.decoder);
    const expected = await wanted.estimate?.(core, { width, height, ...settings }, pacer);
    const count = 1 + tileCount(width, height);
    const segments: Uint8Array[] = [];
    for (let segment = 0; segment < count; segment++) {
      segments.push(core.encodeSegment(segment, expected?.[segment]));
      await pacer.step('code', segment + 1, count);
    }

    // 7. Code the alpha.
    const others = withAlpha ? [{ tag: alphaTag, payload: await encodeAlpha(core, pixels, pacer) }] : [];
    if (changes !== undefined) others.push({ tag: adaptationTag, payload: changes });

    // 8. Write the file.
    const header = {
      version: formatVersion,
      width,
      height,
      modes: written,
      patch: settings.patch,
      lanes: settings.lanes,
      packId: pack.decoder.id,
      packHash: pack.hash,
      ...rate,
    };
    const [coarse, ...tiles] = segments;
    const bytes = writeFile(header, { scales, modeMap, coarse, tiles }, others);
    return {
      bytes,
      estimatedBytes: expected ? fileLength([scalesLength, modeMap.length, ...expected].map(Math.round), others) : Number.NaN,
      quality: qualityOfRate(pack.manifest, rate),
      lambda,
      cost,
      modeShares: sharesOf(core.modes(), written),
      modeMapBytes: modeMap.length,
      adaptationBytes,
      ms: performance.now() - start,
      ...(wanted.reconstruction ? { reconstruction: await reconstruct(core, width, height, settings.patch) } : {}),
    };
  });
}

function checkSettings(options: EncodeOptions): Settings {
  const {
    modes = defaultOptions.modes,
    effort = defaultOptions.effort,
    patch = defaultOptions.patch,
    lanes = defaultOptions.lanes,
  } = options;
  const refuse = (name: string, value: unknown, allowed: string): never => {
    throw new TesseraError('invalidArgument', `${name} is ${String(value)}; allowed are ${allowed}`);
  };
  if (![1, 2, 4, 8].includes(modes)) refuse('modes', modes, '1, 2, 4, 8');
  if (!Number.isInteger(effort) || efforts[effort] === undefined) refuse('effort', effort, 'whole numbers from 1 to 9');
  if (![64, 128, 256].includes(patch)) refuse('patch', patch, '64, 128, 256');
  if (![1, 2, 4, 8].includes(lanes)) refuse('lanes', lanes, '1, 2, 4, 8');
  const { invisible = 'smooth' } = options;
  if (invisible !== 'smooth' && invisible !== 'keep') refuse('invisible', invisible, 'smooth, keep');
  return { modes, effort: efforts[effort], patch, lanes };
}

/**
 * latent = round(analysis · gain of codec, anchor and grid · gain of the step), for the kept part of one analysed tile.
 *
 * @param scratch - in the core, for the values of one grid of one codec
 * @param planes - where in the analysis each competing codec's values are
 */
function quantiseTile(
  core: Core,
  scratch: number,
  pack: Pack,
  { subset }: ModeSet,
  planes: readonly number[],
  rate: Rate,
  tile: AnalysedTile,
): void {
  const stepGain = pack.decoder.steps[rate.step].gain / 16_384;
  for (let grid = 0; grid < gridCount; grid++) {
    const scale = 2 ** grid;
    const stride = (tile.x.windowEnd - tile.x.windowStart) / scale;
    const rows = (tile.y.windowEnd - tile.y.windowStart) / scale;
    const x = tile.x.start / scale;
    const y = tile.y.start / scale;
    // The core leaves out what lies beyond the grid.
    const columns = tile.x.end / scale - x;
    const lines = tile.y.end / scale - y;
    const skipped = ((tile.y.start - tile.y.windowStart) / scale) * stride + (tile.x.start - tile.x.windowStart) / scale;
    subset.forEach((codec, set) => {
      const start = planes[set] * stride * rows;
      core.floats(scratch, stride * rows).set(tile.grids[grid].subarray(start, start + stride * rows));
      const gain = pack.manifest.gains[codec][rate.anchor][grid] * stepGain;
      core.quantise(set, grid, scratch + skipped * 4, stride, x, y, columns, lines, gain);
    });
  }
}

async function reconstruct(core: Core, width: number, height: number, patch: number): Promise<Picture> {
  const data = new Uint8ClampedArray(width * height * 4);
  await wasmSynthesis.run({ core, width, height, patch }, data, async () => {});
  return toPicture(data, width, height);
}
