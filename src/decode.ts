/**
 * Decoding, top to bottom as in DESIGN.md §1:
 *
 *     container ─► mode map ─► latents (integer context model + rANS) ─► upsample + synthesis ─► pixels
 */

import { adaptationOf, bytesOf, decodersOf } from './adaptation/apply.js';
import { AlphaReader, ReducedAlpha } from './alpha/decode.js';
import { parseHeader, parsePictureSection, parseSections } from './container.js';
import type { EngineBase } from './engine-base.js';
import { TesseraError } from './errors.js';
import { type PatchRange, patchesOf, tilesOf } from './geometry.js';
import { checkSize, resolveLimits } from './limits.js';
import { parseModeMap } from './mode-map.js';
import { loadPack, type Pack } from './models/load.js';
import type { DecoderWeights } from './models/pack.js';
import { decodeShares, Pacer } from './pacer.js';
import { allocatePixels, toPicture } from './pixels.js';
import { checkRate } from './quality.js';
import { Salvage, soundSections } from './salvage.js';
import { StripSynthesis } from './transforms/wasm.js';
import type { CommonOptions, DecodeOptions, Header, PartialPicture, Picture, Region } from './types.js';

/** Decodes a file, or a region of it, to pixels. */
export function decodeFile(engine: EngineBase, bytes: Uint8Array, options: DecodeOptions): Promise<Picture> {
  return decodePicture(engine, bytes, options, undefined);
}

/** Decodes what is whole of a file that may be damaged. */
export async function decodePartially(engine: EngineBase, bytes: Uint8Array, options: DecodeOptions): Promise<PartialPicture> {
  const salvage = new Salvage();
  const picture = await decodePicture(engine, bytes, options, salvage);
  const { width, height } = parseHeader(bytes);
  return { picture, missing: salvage.missing(checkRegion(options.region, width, height), width), damage: salvage.damage };
}

/** @param salvage - takes damage that can be lived with; without it all damage is thrown */
async function decodePicture(
  engine: EngineBase,
  bytes: Uint8Array,
  options: DecodeOptions,
  salvage: Salvage | undefined,
): Promise<Picture> {
  const { transform = 'wasm', onRows } = options;
  if (transform !== 'wasm' && transform !== 'ort')
    throw new TesseraError('invalidArgument', `transform is ${String(transform)}; allowed are wasm, ort`);
  if (transform === 'ort' && (options.region !== undefined || onRows !== undefined))
    throw new TesseraError('invalidArgument', 'region and onRows need the transform wasm');
  const reduction = checkScale(options, salvage !== undefined);
  const pacer = new Pacer(options, decodeShares);

  // 1. Header and limits, before anything is allocated.
  const header = parseHeader(bytes);
  const { width, height, patch } = header;
  checkSize(width, height, transform === 'ort' ? 1 : 0, resolveLimits(options.limits));
  const area = checkRegion(options.region, width, height);

  // 2. The model pack that the file names.
  await pacer.step('model', 0, 1);
  const pack = await loadPack(options.models);
  checkPack(pack, header);
  await pacer.step('model', 1, 1);

  // 3. Sections.
  const { adaptation: section, picture, alpha } = salvage === undefined ? soundSections(header, bytes) : salvage.sections(header, bytes);
  const { codecs, payload: map } = parseModeMap(picture.modeMap, pack.decoder, header.modes);
  let decoders: readonly DecoderWeights[];
  try {
    decoders = decodersOf(pack.decoder, codecs, header, adaptationOf(pack.decoder, codecs, header, section));
  } catch (error) {
    if (salvage === undefined) throw error;
    salvage.loseSection(error);
    decoders = decodersOf(pack.decoder, codecs, header);
  }

  return engine.withCore(async (core) => {
    // onnxruntime computes the patches of one codec after the other, so it wants all latents at once.
    const storage = transform === 'ort' ? 'whole' : 'rows';
    core.begin(pack.decoder, { ...header, rate: header, storage, weights: bytesOf(decoders), scales: picture.scales });

    // 4. Mode map.
    if (header.modes > 1) core.decodeModeMap(map);

    // 5. Latents: the coarse grids of the whole picture, then the tiles that the pixels need, each just before its first use.
    const patches = patchesOf(area, patch);
    const segments = 1 + tilesOf(patches, patch, width, height).length;
    const decoded = new Set<number>();
    const decodeTiles = async (range: PatchRange): Promise<void> => {
      for (const tile of tilesOf(range, patch, width, height)) {
        if (decoded.has(tile)) continue;
        try {
          core.decodeSegment(1 + tile, picture.tiles[tile]);
        } catch (error) {
          if (salvage === undefined) throw error;
          salvage.loseTile(tile, error);
          core.clearTile(tile);
        }
        decoded.add(tile);
        await pacer.step('code', 1 + decoded.size, segments);
      }
    };
    core.decodeSegment(0, picture.coarse);
    await pacer.step('code', 1, segments);

    // 6. Upsampling and synthesis, patch by patch.
    const count = (patches.right - patches.left) * (patches.bottom - patches.top);
    const report = (done: number): Promise<void> => pacer.step('synthesise', done, count);
    const alphaParts = alpha && {
      core,
      pacer,
      tiles: alpha,
      width,
      height,
      area,
      lose: salvage && ((error: unknown) => salvage.loseSection(error)),
    };
    const shown = reduction === 1 ? area : { x: 0, y: 0, width: Math.ceil(width / reduction), height: Math.ceil(height / reduction) };
    const data = allocatePixels(shown.width, shown.height);
    const alphaReader = alphaParts && (reduction === 1 ? new AlphaReader(alphaParts) : new ReducedAlpha(alphaParts, reduction));
    if (transform === 'ort') {
      await decodeTiles(patches);
      const synthesis = await engine.otherSynthesis(pack, header, decoders);
      await synthesis.run({ core, width, height, patch }, data, report);
      await alphaReader?.fill({ y: 0, width, height, data });
      return toPicture(data, width, height);
    }
    const strips = new StripSynthesis({ core, width, height, patch }, shown, reduction);
    for (let row = patches.top; row < patches.bottom; row++) {
      await decodeTiles({ ...patches, top: row, bottom: row + 1 });
      const rows = await strips.run(row, data, report);
      await alphaReader?.fill(rows);
      onRows?.(rows);
    }
    return toPicture(data, shown.width, shown.height);
  });
}

/** By how much the picture is reduced, per side. */
function checkScale({ scale = 1, region, transform = 'wasm' }: DecodeOptions, partial: boolean): number {
  if (![1, 1 / 2, 1 / 4, 1 / 8].includes(scale))
    throw new TesseraError('invalidArgument', `scale is ${String(scale)}; allowed are 1, 1/2, 1/4, 1/8`);
  if (scale !== 1 && (region !== undefined || transform !== 'wasm' || partial))
    throw new TesseraError('invalidArgument', 'a scale goes with neither region nor partial nor the transform ort');
  return 1 / scale;
}

/** The rectangle to decode, the whole picture by default. */
function checkRegion(region: Region | undefined, width: number, height: number): Region {
  if (region === undefined) return { x: 0, y: 0, width, height };
  const { x, y } = region;
  const whole = [x, y, region.width, region.height].every((value) => Number.isInteger(value) && value >= 0);
  if (!whole || region.width < 1 || region.height < 1 || x + region.width > width || y + region.height > height) {
    throw new TesseraError(
      'invalidArgument',
      `the region ${region.width}×${region.height} at ${x}, ${y} is outside the picture of ${width}×${height}`,
    );
  }
  return { x, y, width: region.width, height: region.height };
}

/** Refuses a pack that is not the one the file names, and a rate that the pack does not have. */
export function checkPack(pack: Pack, header: Header): void {
  if (pack.decoder.id !== header.packId || pack.hash !== header.packHash) {
    throw new TesseraError(
      'unknownModel',
      `the file needs model pack ${header.packId} (${header.packHash}); the one at hand is ${pack.decoder.id} (${pack.hash})`,
      { offset: 10 },
    );
  }
  checkRate(pack, header, 'corruptHeader');
  if (header.modes > pack.decoder.modes)
    throw new TesseraError('unsupportedFeature', `${header.modes} codecs; the model pack has ${pack.decoder.modes}`, {
      offset: 5,
    });
}

/** How the patches of a file are decoded. */
export interface PatchModes {
  /** Mode of every patch. */
  readonly modes: Uint8Array;
  /** Codec of every mode. */
  readonly codecs: readonly number[];
}

/** The mode map of a file, without decoding its latents. */
export async function decodeModes(engine: EngineBase, bytes: Uint8Array, options: CommonOptions): Promise<PatchModes> {
  const header = parseHeader(bytes);
  checkSize(header.width, header.height, 0, resolveLimits(options.limits));
  const pack = await loadPack(options.models);
  checkPack(pack, header);
  const picture = parsePictureSection(header, parseSections(header, bytes));
  const { codecs, payload } = parseModeMap(picture.modeMap, pack.decoder, header.modes);
  return engine.withCore(async (core) => {
    core.begin(pack.decoder, { ...header, rate: header, storage: 'rows' });
    if (header.modes > 1) core.decodeModeMap(payload);
    return { modes: core.modes().slice(), codecs };
  });
}
