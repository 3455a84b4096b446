/** A file through the library's own steps, with all that comes of them: mode map and latents too. No module of Node is used. */

import { adaptationOf, weightsOf } from '../../src/adaptation/apply.js';
import { adaptationSection } from '../../src/adaptation/section.js';
import { AlphaReader } from '../../src/alpha/decode.js';
import { alphaOf } from '../../src/alpha/section.js';
import { parseHeader, parsePictureSection, parseSections } from '../../src/container.js';
import type { Core } from '../../src/core.js';
import { parseModeMap } from '../../src/mode-map.js';
import type { DecoderPack } from '../../src/models/pack.js';
import { Pacer } from '../../src/pacer.js';
import { wasmSynthesis } from '../../src/transforms/wasm.js';

/** What a file says. */
export interface Contents {
  /** Mode of every patch. */
  readonly modeMap: Uint8Array;
  /** Grids 0…6, row after row. */
  readonly latents: readonly Int16Array[];
  /** RGBA. */
  readonly pixels: Uint8ClampedArray;
}

/**
 * Decodes a file.
 *
 * @param core - may be used again afterwards
 * @param simd - false for the scalar kernels
 */
export async function decodeContents(core: Core, pack: DecoderPack, bytes: Uint8Array, simd: boolean): Promise<Contents> {
  const header = parseHeader(bytes);
  const sections = parseSections(header, bytes);
  const picture = parsePictureSection(header, sections);
  const { codecs, payload } = parseModeMap(picture.modeMap, pack, header.modes);
  const adaptation = adaptationOf(pack, codecs, header, adaptationSection(sections));
  core.useSimd(simd);
  core.begin(pack, {
    ...header,
    rate: header,
    storage: 'whole',
    weights: weightsOf(pack, codecs, header, adaptation),
    scales: picture.scales,
  });
  if (header.modes > 1) core.decodeModeMap(payload);
  [picture.coarse, ...picture.tiles].forEach((segment, index) => {
    core.decodeSegment(index, segment);
  });
  const modeMap = core.modes().slice();
  const latents = [0, 1, 2, 3, 4, 5, 6].map((grid) => core.plane(0, grid).slice());
  const pixels = new Uint8ClampedArray(header.width * header.height * 4);
  await wasmSynthesis.run({ core, width: header.width, height: header.height, patch: header.patch }, pixels, async () => {});
  if (header.alpha) {
    const { width, height } = header;
    const tiles = alphaOf(header, sections) ?? [];
    const reader = new AlphaReader({ core, pacer: new Pacer({}, {}), tiles, width, height, area: { x: 0, y: 0, width, height } });
    await reader.fill({ y: 0, width, height, data: pixels });
  }
  core.reset();
  core.useSimd(true);
  return { modeMap, latents, pixels };
}
