/**
 * Writes valid files from any latents and modes, through the bare WASM core: what the encoder never chooses, a decoder must
 * still read. Any kind of mode map, any int16, any section that may be skipped.
 */

import { instantiateSync } from '@assemblyscript/loader';
import { weightsOf } from '../../src/adaptation/apply.js';
import { type Adaptation, writeAdaptation } from '../../src/adaptation/section.js';
import { type AlphaTile, writeAlphaSection } from '../../src/alpha/section.js';
import { adaptationTag, alphaTag, type PictureSection, type SectionContents, writeFile } from '../../src/container.js';
import { codecWasm } from '../../src/generated/codec-wasm.js';
import { gridCount, gridSide, patchLayout, tileArea, tileCount } from '../../src/geometry.js';
import { writeModeMap } from '../../src/mode-map.js';
import type { DecoderPack, ModeSet } from '../../src/models/pack.js';
import { noScales, type Scales } from '../../src/scales.js';
import type { Header } from '../../src/types.js';
import type { Core as CoreExports } from '../kernels/core.js';

/** How the mode map of a file is written (FORMAT.md §3); `none` for files of one codec. */
export type MapKind = 'none' | 'fixed' | 'adaptive' | 'uniform';

/** Everything that decides the bytes of a file. */
export interface FileContents {
  readonly header: Omit<Header, 'sections' | 'alpha'>;
  /** Mode of every patch. */
  readonly modes: Uint8Array;
  readonly map: MapKind;
  /** Codec of every mode, where it is not the pack's choice. */
  readonly codecs?: readonly number[];
  /** Grids 0…6, each row after row. */
  readonly grids: readonly Int16Array[];
  readonly scales?: Scales;
  /** Alpha of every pixel, row after row; opaque without it. */
  readonly alpha?: Uint8Array;
  readonly adaptation?: Adaptation;
  /** Sections after the picture: ascending tags with bit 6 set. */
  readonly sections?: readonly { readonly tag: number; readonly payload: Uint8Array }[];
}

/** The core's exports with memory helpers, a pack and its own mistakes turned into exceptions. */
export class BareCore {
  readonly exports: CoreExports;
  /** Address of the priors of the open picture. */
  priors = 0;

  constructor(code = codecWasm()) {
    this.exports = instantiateSync<CoreExports>(code, {}).exports as unknown as CoreExports;
  }

  bytes(pointer: number, length: number): Uint8Array {
    return new Uint8Array(this.exports.memory.buffer, pointer >>> 0, length);
  }

  allocate(length: number): number {
    const pointer = this.exports.allocate(length) >>> 0;
    if (pointer === 0) throw new Error('the core has no memory');
    return pointer;
  }

  copyIn(bytes: Uint8Array): number {
    const pointer = this.allocate(bytes.length);
    this.bytes(pointer, bytes.length).set(bytes);
    return pointer;
  }

  plane(grid: number): Int16Array {
    const { exports } = this;
    return new Int16Array(exports.memory.buffer, exports.planePointer(0, grid) >>> 0, exports.gridWidth(grid) * exports.gridHeight(grid));
  }

  modes(): Uint8Array {
    return this.bytes(this.exports.modesPointer(), this.exports.patchCount());
  }

  /** Prepares for a picture; without `tables` those of the last call stay. */
  begin(
    pack: DecoderPack,
    header: Omit<Header, 'sections' | 'alpha'>,
    {
      tables = true,
      adaptation,
      scales = noScales,
      codecs,
    }: { tables?: boolean; adaptation?: Adaptation | undefined; scales?: Scales; codecs?: readonly number[] | undefined } = {},
  ): void {
    const { exports } = this;
    if (tables) must(exports.loadTables(this.copyIn(pack.classes), this.copyIn(pack.frequencies)), 'loadTables');
    const set = pack.modeSets.get(header.modes);
    if (set === undefined) throw new Error(`the pack has no ${header.modes} modes`);
    const handles = weightsOf(pack, codecs ?? set.subset, header, adaptation).map((bytes) => exports.createCodec(this.copyIn(bytes)));
    must(exports.beginPicture(header.width, header.height, Math.log2(header.patch), header.modes, 0), 'beginPicture');
    handles.forEach((handle, mode) => {
      exports.setCodec(mode, handle);
    });
    const step = pack.steps[header.step];
    exports.setStep(step.inverseGain, step.logScaleOffset);
    scales.forEach((scale, grid) => {
      exports.setScale(grid, scale);
    });
    this.priors = this.copyIn(priorBytes(set));
    exports.setPriors(this.priors);
  }

  /** Runs an encoding call that wants a buffer, with as large a one as it takes. */
  written(doing: string, encode: (out: number, capacity: number) => number): Uint8Array {
    for (let capacity = 1 << 12; capacity <= 1 << 26; capacity *= 8) {
      const mark = this.exports.mark();
      const out = this.allocate(capacity);
      const length = encode(out, capacity);
      const bytes = length >= 0 ? this.bytes(out, length).slice() : undefined;
      this.exports.release(mark);
      if (bytes !== undefined) return bytes;
      if (length < -1) throw new Error(`${doing}: ${length}`);
    }
    throw new Error(`${doing}: it does not fit`);
  }
}

function must(status: number, doing: string): void {
  if (status !== 0) throw new Error(`${doing}: status ${status}`);
}

function priorBytes({ prior, bonus, increment }: ModeSet): Uint8Array {
  return new Uint8Array(Uint16Array.from([...prior, ...bonus, increment]).buffer);
}

/** Grids of a picture, all zero. */
export function emptyGrids(width: number, height: number): Int16Array[] {
  return Array.from({ length: gridCount }, (_, grid) => new Int16Array(gridSide(width, grid) * gridSide(height, grid)));
}

const kinds = { fixed: 0, adaptive: 1, uniform: 2 } as const;

/** The parts of the picture section. */
export function pictureSection(pack: DecoderPack, contents: FileContents, core = new BareCore()): PictureSection {
  const { header, modes, map, grids, codecs, scales = noScales } = contents;
  const { exports } = core;
  core.begin(pack, header, { scales, codecs });
  core.modes().set(modes);
  grids.forEach((latents, grid) => {
    core.plane(grid).set(latents);
  });
  const payload =
    map === 'none'
      ? new Uint8Array(0)
      : core.written('the mode map', (out, capacity) => exports.encodeModeMap(kinds[map], core.priors, out, capacity));
  const modeMap = codecs === undefined ? payload : writeModeMap({ codecs, payload }, pack);
  const [coarse, ...tiles] = Array.from({ length: 1 + exports.tileCount() }, (_, segment) =>
    core.written(`segment ${segment}`, (out, capacity) => exports.encodeSegment(segment, out, capacity, header.lanes)),
  );
  return { scales, modeMap, coarse, tiles };
}

/** Joins byte arrays. */
export function join(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let position = 0;
  for (const part of parts) {
    bytes.set(part, position);
    position += part.length;
  }
  return bytes;
}

/** A whole file. */
export function writeContents(pack: DecoderPack, contents: FileContents): Uint8Array<ArrayBuffer> {
  const { header, adaptation, sections = [] } = contents;
  const adapted = adaptation === undefined ? [] : [{ tag: adaptationTag, payload: writeAdaptation(adaptation, header.modes) }];
  return writeFile(header, pictureSection(pack, contents), [...adapted, ...alphaSections(contents), ...sections]);
}

/** The alpha section, if the contents have alpha: each tile of the kind that its levels allow. */
function alphaSections({ header, alpha }: FileContents): SectionContents[] {
  if (alpha === undefined) return [];
  const core = new BareCore();
  const tiles = Array.from({ length: tileCount(header.width, header.height) }, (_, tile): AlphaTile => {
    const area = tileArea(tile, header.width, header.height);
    const samples = new Uint8Array(area.width * area.height);
    for (let y = 0; y < area.height; y++) {
      const start = (area.y + y) * header.width + area.x;
      samples.set(alpha.subarray(start, start + area.width), y * area.width);
    }
    const levels = [...new Set(samples)];
    if (levels.length === 1) return { kind: 'constant', level: levels[0] };
    const kind = levels.length === 2 ? 'mask' : 'levels';
    const encode = kind === 'mask' ? core.exports.encodeMask : core.exports.encodeLevels;
    const coded = kind === 'mask' ? samples.map((level) => levels.indexOf(level)) : samples;
    const stream = core.written('alpha', (out, capacity) => encode(core.copyIn(coded), area.width, area.height, out, capacity));
    return kind === 'mask' ? { kind, levels: [levels[0], levels[1]], stream } : { kind, stream };
  });
  return [{ tag: alphaTag, payload: writeAlphaSection(tiles) }];
}

/** Pixels of a file's contents, by the scalar kernels of the core. RGBA. */
export function pixelsOf(pack: DecoderPack, contents: FileContents): Uint8Array {
  const { header, modes, grids } = contents;
  const { width, height, patch } = header;
  const core = new BareCore();
  core.begin(pack, header, { adaptation: contents.adaptation, codecs: contents.codecs });
  core.exports.useSimd(0);
  core.modes().set(modes);
  grids.forEach((latents, grid) => {
    core.plane(grid).set(latents);
  });
  const out = core.allocate(width * height * 4);
  const { columns, count } = patchLayout(width, height, patch);
  for (let index = 0; index < count; index++) {
    const pixel = Math.floor(index / columns) * patch * width + (index % columns) * patch;
    must(core.exports.synthesisePatch(index, out + 4 * pixel, 4 * width), `patch ${index}`);
  }
  const pixels = core.bytes(out, width * height * 4).slice();
  contents.alpha?.forEach((level, index) => {
    pixels[4 * index + 3] = level;
  });
  return pixels;
}

/** The latents as conformance vectors hash them: i16 little endian, grid 0 first. */
export function latentBytes(grids: readonly Int16Array[]): Uint8Array {
  return join(
    ...grids.map((grid) => {
      const bytes = new Uint8Array(2 * grid.length);
      const view = new DataView(bytes.buffer);
      grid.forEach((value, index) => {
        view.setInt16(2 * index, value, true);
      });
      return bytes;
    }),
  );
}
