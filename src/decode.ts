/**
 * Decoding, top to bottom as in DESIGN.md §1:
 *
 *     container ─► mode map ─► latents (integer context model + rANS) ─► upsample + synthesis ─► pixels
 */

import { parseHeader, parsePictureSection, parseSections } from './container.js';
import type { Engine } from './engine.js';
import { TesseraError } from './errors.js';
import { patchLayout } from './geometry.js';
import { checkSize, resolveLimits } from './limits.js';
import { loadPack, type Pack } from './models/load.js';
import { Pacer } from './pacer.js';
import { toPicture } from './pixels.js';
import { checkRate } from './quality.js';
import { createOrtSynthesis } from './transforms/ort.js';
import type { Synthesis } from './transforms/transform.js';
import { wasmSynthesis } from './transforms/wasm.js';
import type { CommonOptions, DecodeOptions, Header, Picture } from './types.js';
import { type Core, modeSetOf } from './wasm.js';

/** Decodes a file to pixels. */
export async function decodeFile(engine: Engine, bytes: Uint8Array, options: DecodeOptions): Promise<Picture> {
  const { transform = 'wasm' } = options;
  if (transform !== 'wasm' && transform !== 'ort')
    throw new TesseraError('invalidArgument', `transform is ${String(transform)}; allowed are wasm, ort`);
  return withLatents(engine, bytes, options, async ({ core, header, pack, pacer }) => {
    const { width, height, patch } = header;

    // 6. Upsampling and synthesis, patch by patch.
    const synthesis = transform === 'wasm' ? wasmSynthesis : await ortSynthesis(pack, header);
    const patches = patchLayout(width, height, patch).count;
    const data = new Uint8ClampedArray(width * height * 4);
    await synthesis.run({ core, width, height, patch }, data, (done) => pacer.step('synthesise', done, patches));
    return toPicture(data, width, height);
  });
}

/** The decoder's state after the entropy decoding. */
interface Decoded {
  readonly core: Core;
  readonly header: Header;
  readonly pack: Pack;
  readonly pacer: Pacer;
}

/** Decodes a file up to its latents and hands the core that holds them to `use`. */
async function withLatents<Result>(
  engine: Engine,
  bytes: Uint8Array,
  options: CommonOptions,
  use: (decoded: Decoded) => Promise<Result>,
): Promise<Result> {
  const pacer = new Pacer(options);

  // 1. Header and limits, before anything is allocated.
  const header = parseHeader(bytes);
  checkSize(header.width, header.height, 1, resolveLimits(options.limits));

  // 2. The model pack that the file names.
  await pacer.step('model', 0, 1);
  const pack = await loadPack(options.models);
  checkPack(pack, header);
  await pacer.step('model', 1, 1);

  // 3. Sections.
  const picture = parsePictureSection(header, parseSections(bytes)[0]);

  return engine.withCore(async (core) => {
    core.begin(pack.decoder, { ...header, rate: header, encoding: false });

    // 4. Mode map.
    if (header.modes > 1) core.decodeModeMap(picture.modeMap);

    // 5. Latents: the coarse grids of the whole picture, then tile after tile.
    const segments = [picture.coarse, ...picture.tiles];
    for (let segment = 0; segment < segments.length; segment++) {
      core.decodeSegment(segment, segments[segment]);
      await pacer.step('code', segment + 1, segments.length);
    }
    return use({ core, header, pack, pacer });
  });
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
    throw new TesseraError('unsupportedFeature', `the file uses ${header.modes} codecs; the model pack has ${pack.decoder.modes}`, {
      offset: 5,
    });
}

/** The codec of every patch of a file, without decoding its latents. */
export async function decodeCodecs(engine: Engine, bytes: Uint8Array, options: CommonOptions): Promise<Uint8Array> {
  const header = parseHeader(bytes);
  checkSize(header.width, header.height, 1, resolveLimits(options.limits));
  const pack = await loadPack(options.models);
  checkPack(pack, header);
  const picture = parsePictureSection(header, parseSections(bytes)[0]);
  return engine.withCore(async (core) => {
    core.begin(pack.decoder, { ...header, rate: header, encoding: false });
    if (header.modes > 1) core.decodeModeMap(picture.modeMap);
    else core.modes().fill(0);
    const { subset } = modeSetOf(pack.decoder, header.modes);
    return core.modes().map((mode) => subset[mode]);
  });
}

function ortSynthesis(pack: Pack, header: Header): Promise<Synthesis> {
  const { subset } = modeSetOf(pack.decoder, header.modes);
  const decoders = subset.map((codec) => pack.decoder.decoders[codec][header.anchor]);
  return createOrtSynthesis(pack, decoders, pack.decoder.steps[header.step].inverseGain);
}
