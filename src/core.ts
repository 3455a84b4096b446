/**
 * The WASM core behind a typed interface: the only file that calls its exports (`core-exports.ts`) and knows its memory.
 *
 * Read me first: the core has one bump arena and no imports. Its memory may grow in any call that allocates, and every JavaScript
 * view of it is detached then, so views are made afresh by `bytes`, `modes` and `plane` and must not be kept across such a
 * call. Pointers come back as signed 32-bit numbers and are made unsigned here.
 */

import type { CoreExports } from './core-exports.js';
import { checkStatus, TesseraError } from './errors.js';
import { gridSide, tileArea, tileSide } from './geometry.js';
import type { DecoderPack, ModeSet } from './models/pack.js';
import type { Rate } from './quality.js';
import { noScales, type Scales, scaleCount } from './scales.js';
import type { ModeCount } from './types.js';

/** What a core is being prepared for. */
export interface PictureSetup {
  readonly width: number;
  readonly height: number;
  /** Side of a patch in pixels. */
  readonly patch: number;
  readonly modes: ModeCount;
  readonly lanes: number;
  readonly rate: Rate;
  readonly storage: Storage;
  /** Bytes of the decoder of each mode, where they are not those of the pack. */
  readonly weights?: readonly Uint8Array[] | undefined;
  /** What is added to the classes of each grid; none without. */
  readonly scales?: Scales;
}

/** What the synthesis of a patch saw on the way to its pixels. Views, good while `observePatch` runs. */
export interface Observation {
  readonly width: number;
  readonly height: number;
  /** RGBA. */
  readonly pixels: Uint8Array;
  /** Squared error of the levels of red, green and blue, from the target. */
  squaredError(): number;
  /** Sums over one pixel in so many, for the layer that mixes hidden units to colours: its inputs are the units, its results what pixels lack. */
  gatherMixing(units: HiddenUnits, spacing: number): Gathered;
  /**
   * The same for the last layer; its inputs are the nine rings of FORMAT.md §1.2, and a 1.
   *
   * @param level - by how many levels an input of 1 changes a pixel
   */
  gatherLast(level: number, spacing: number): Gathered;
}

/** Normal equations of a layer (`assembly/select/gather.ts`). */
export interface Gathered {
  /** Four of each, to be added up: products of inputs, row after row up to the diagonal; with what red, green and blue lack; energy of that. */
  readonly sums: Float32Array;
  readonly samples: number;
}

/** Hidden units of the synthesis. */
export interface HiddenUnits {
  /** [unit][8]: bias and weights of the seven features. */
  readonly weights: Int16Array;
  /** By how many levels an output of 1 may change a pixel. */
  readonly scales: Float32Array;
}

/**
 * Which latents the core holds, by their numbers in its interface: those of the whole picture (`whole`); one set of them per mode, with
 * the bit costs of all symbols, for encoding (`sets`); for decoding from top to bottom in little memory, the coarse grids and two rows of
 * tiles (`rows`); for encoding in little memory, sets of which only the core can see the fine grids (`packed`); and after the competition
 * one set, those of the winners, with the bit costs (`winners`).
 */
const storages = { whole: 0, sets: 1, rows: 2, packed: 3, winners: 0 } as const;
export type Storage = keyof typeof storages;

/** The picture that an encoder's candidates are compared with, and which of its rows of patches is in the core. */
interface Target {
  readonly pixels: Uint8Array | Uint8ClampedArray;
  readonly pointer: number;
  held: number;
}

/**
 * Bytes that no stream of so many samples is longer than. A sample of alpha is at most 16 choices of at most 12 bits; a latent at most 63 bits,
 * and no segment has more than twice as many latents as its finest grid, apart from those of the coarser grids of a small picture.
 */
const streamBytes = (samples: number): number => 128 + 24 * samples;

/** Of the counts of `countResiduals`. */
const countBytes = 4 * 1024 * 81;

/** Kinds of mode map (FORMAT.md §3). */
export const modeMapKinds = { fixed: 0, adaptive: 1, uniform: 2 } as const;

/** A source of the core's code that `init` accepts. */
export type CoreSource = WebAssembly.Module | BufferSource | Response | URL | string;

/** Compiles the core from a source. */
export async function compileSource(source: CoreSource): Promise<WebAssembly.Module> {
  adoptModule(source);
  if (source instanceof WebAssembly.Module) return source;
  try {
    if (source instanceof URL || typeof source === 'string') return await WebAssembly.compile(await (await fetch(source)).arrayBuffer());
    if (source instanceof ArrayBuffer || ArrayBuffer.isView(source)) return await WebAssembly.compile(source);
    return await WebAssembly.compile(await source.arrayBuffer());
  } catch (cause) {
    throw new TesseraError('backendUnavailable', 'the WebAssembly core cannot be compiled', { cause });
  }
}

/** Makes a module of another realm (Next's edge sandbox) one of this realm, which the loader asks for. */
function adoptModule(source: unknown): void {
  if (Object.prototype.toString.call(source) !== '[object WebAssembly.Module]' || source instanceof WebAssembly.Module) return;
  Object.setPrototypeOf(source, WebAssembly.Module.prototype);
}

/** One instance of the core, for one picture at a time. */
export class Core {
  readonly #exports: CoreExports;
  readonly #start: number;
  #setup: PictureSetup | undefined;
  #priors = 0;
  #target: Target | undefined;

  private constructor(exports: CoreExports) {
    this.#exports = exports;
    this.#start = exports.mark();
  }

  static async create(module: WebAssembly.Module): Promise<Core> {
    try {
      const exports = (await WebAssembly.instantiate(module)).exports as unknown as CoreExports;
      return new Core(exports);
    } catch (cause) {
      throw new TesseraError('backendUnavailable', 'the WebAssembly core cannot be started', { cause });
    }
  }

  /** Bytes of memory that this core holds; it never shrinks. */
  get memoryBytes(): number {
    return this.#exports.memory.buffer.byteLength;
  }

  /** Frees everything that was allocated since `create`. */
  reset(): void {
    this.#exports.release(this.#start);
    this.#setup = undefined;
    this.#target = undefined;
  }

  /** Switches every kernel to its scalar twin and back. Both give the same results. */
  useSimd(enabled: boolean): void {
    this.#exports.useSimd(enabled ? 1 : 0);
  }

  /**
   * Prepares for a picture: tables, weights, planes. Frees what an earlier picture used.
   *
   * @param pack - checked by `parseDecoderPack`
   * @throws TesseraError `limitMemory`
   */
  begin(pack: DecoderPack, setup: PictureSetup): void {
    this.reset();
    const core = this.#exports;
    checkStatus(core.loadTables(this.copyIn(pack.classes), this.copyIn(pack.frequencies)), 'loading the tables');
    const storage = storages[setup.storage];
    // Whoever encodes counts bits.
    if (storage % 2 || setup.storage === 'winners') checkStatus(core.loadCosts(), 'loading the bit costs');
    const modeSet = modeSetOf(pack, setup.modes);
    const decoders = modeSet.subset.map((codec) => pack.decoders[codec][setup.rate.anchor].bytes);
    const handles = this.#createCodecs(setup.weights ?? decoders);
    checkStatus(core.beginPicture(setup.width, setup.height, Math.log2(setup.patch), setup.modes, storage), 'beginning the picture');
    handles.forEach((handle, mode) => {
      core.setCodec(mode, handle);
    });
    const step = pack.steps[setup.rate.step];
    core.setStep(step.inverseGain, step.logScaleOffset);
    this.setScales(setup.scales ?? noScales);
    this.#setPriors(modeSet);
    this.#setup = setup;
  }

  #createCodecs(weights: readonly Uint8Array[]): number[] {
    return weights.map((bytes) => {
      const handle = this.#exports.createCodec(this.copyIn(bytes)) >>> 0;
      if (handle === 0) throw noMemory('the weights');
      return handle;
    });
  }

  /** Gives the open picture's codecs other weights, bytes of the decoder of each mode; the memory of the old ones is lost until the next `begin`. */
  adapt(weights: readonly Uint8Array[]): void {
    this.#createCodecs(weights).forEach((handle, mode) => {
      this.#exports.setCodec(mode, handle);
    });
  }

  /** Says anew how many modes the open picture has, all of whose latents are in one set. */
  setModes(pack: DecoderPack, modes: ModeCount): void {
    this.#setup = { ...this.#begun(), modes };
    checkStatus(this.#exports.setModes(modes), 'changing the number of modes');
    this.#setPriors(modeSetOf(pack, modes));
  }

  #setPriors(modeSet: ModeSet): void {
    this.#priors = this.copyIn(priorBytes(modeSet));
    this.#exports.setPriors(this.#priors);
  }

  /** Adds to the classes of the open picture's grids (FORMAT.md §1.1). */
  setScales(scales: Scales): void {
    scales.forEach((scale, grid) => {
      this.#exports.setScale(grid, scale);
    });
  }

  /** Marks the arena's end for `release`. */
  mark(): number {
    return this.#exports.mark() >>> 0;
  }

  /** Frees what was allocated since the mark. */
  release(mark: number): void {
    this.#exports.release(mark);
  }

  /** Allocates in the core's arena, aligned to 16 bytes. Lasts until `reset` or the next `begin`. */
  allocate(length: number): number {
    const pointer = this.#exports.allocate(length) >>> 0;
    if (pointer === 0) throw noMemory(`${length} bytes`);
    return pointer;
  }

  /** Allocates and copies. */
  copyIn(bytes: Uint8Array | Uint8ClampedArray): number {
    const pointer = this.allocate(bytes.length);
    this.bytes(pointer, bytes.length).set(bytes);
    return pointer;
  }

  /**
   * Runs a decoding call on a stream that it gets a copy of, and frees what the call allocates.
   *
   * What is longer than any stream of its symbols is damaged, and found to be so when the core has only as much of it: a file cannot make
   * the core hold more than its header claims.
   *
   * @param samples - how many the stream codes; of a segment those of its finest grid
   */
  #decodeStream(stream: Uint8Array, samples: number, doing: string, decode: (pointer: number, length: number) => number): void {
    const bytes = stream.subarray(0, streamBytes(samples));
    const mark = this.mark();
    const status = decode(this.copyIn(bytes), bytes.length);
    this.release(mark);
    checkStatus(status, doing);
  }

  /** A view of the core's memory, good until the next call that allocates. */
  bytes(pointer: number, length: number): Uint8Array {
    return new Uint8Array(this.#exports.memory.buffer, pointer, length);
  }

  /** Like `bytes`, of 32-bit floats. */
  floats(pointer: number, length: number): Float32Array {
    return new Float32Array(this.#exports.memory.buffer, pointer, length);
  }

  /** The mode of every patch. A view. */
  modes(): Uint8Array {
    const { width, height, patch } = this.#begun();
    const count = Math.ceil(width / patch) * Math.ceil(height / patch);
    return this.bytes(this.#exports.modesPointer() >>> 0, count);
  }

  /** The latents of a grid, row after row. A view. Not with the storages `rows` and `packed`; with `winners` any set is theirs. */
  plane(set: number, grid: number): Int16Array {
    const { width, height, storage } = this.#begun();
    if (storages[storage] > 1) throw new TesseraError('internal', 'only rows of latents are held');
    const pointer = this.#exports.planePointer(storage === 'winners' ? 0 : set, grid) >>> 0;
    return new Int16Array(this.#exports.memory.buffer, pointer, gridSide(width, grid) * gridSide(height, grid));
  }

  // ── Decoding ──────────────────────────────────────────────────────────────────────────────────

  /** Decodes the mode map (FORMAT.md §3). */
  decodeModeMap(payload: Uint8Array): void {
    this.#decodeStream(payload, this.modes().length, 'decoding the mode map', (pointer, length) =>
      this.#exports.decodeModeMap(pointer, length, this.#priors),
    );
  }

  /**
   * Decodes one segment into the planes.
   *
   * @param segment - 0 is the coarse one, 1 + t that of tile t
   */
  decodeSegment(segment: number, payload: Uint8Array): void {
    const { width, height, lanes } = this.#begun();
    const [samples, doing] =
      segment === 0
        ? [gridSide(width, 3) * gridSide(height, 3), 'decoding the coarse grids']
        : [Math.min(width, tileSide) * Math.min(height, tileSide), `decoding tile ${segment - 1}`];
    this.#decodeStream(payload, samples, doing, (pointer, length) => this.#exports.decodeSegment(segment, pointer, length, lanes));
  }

  /**
   * Decodes the stream of a tile of alpha (FORMAT.md §9): `mask` to samples 0 and 1, `levels` to levels.
   *
   * @returns a copy, row after row
   */
  decodeAlpha(kind: 'mask' | 'levels', stream: Uint8Array, width: number, height: number): Uint8Array {
    const mark = this.mark();
    const out = this.allocate(width * height);
    const decode = kind === 'mask' ? this.#exports.decodeMask : this.#exports.decodeLevels;
    this.#decodeStream(stream, width * height, 'decoding alpha', (pointer, length) => decode(pointer, length, width, height, out));
    const samples = this.bytes(out, width * height).slice();
    this.release(mark);
    return samples;
  }

  /** Sets the latents of a tile, which are those of grids 2, 1 and 0 in its area, to 0. */
  clearTile(tile: number): void {
    const { width, height, storage } = this.#begun();
    const area = tileArea(tile, width, height);
    // With the storage `rows`, tile rows of equal parity share their place.
    const top = storage === 'rows' ? area.y % (2 * tileSide) : area.y;
    for (const grid of [2, 1, 0]) {
      const rowLength = gridSide(width, grid);
      const start = (top * rowLength + area.x) / 2 ** grid;
      const rows = gridSide(area.height, grid);
      const pointer = this.#exports.planePointer(0, grid) >>> 0;
      const latents = new Int16Array(this.#exports.memory.buffer, pointer + 2 * start, rows * rowLength - area.x / 2 ** grid);
      for (let y = 0; y < rows; y++) latents.fill(0, y * rowLength, y * rowLength + gridSide(area.width, grid));
    }
  }

  /**
   * Computes the pixels of one patch from the current planes and modes.
   *
   * @param pointer - where the patch's top left pixel goes, RGBA
   * @param stride - bytes from one row of pixels to the next
   * @param level - 1, 2 or 3 for means of squares of 2^level pixels instead
   */
  synthesisePatch(patch: number, pointer: number, stride: number, level = 0): void {
    const { synthesisePatch, reducePatch } = this.#exports;
    checkStatus(level ? reducePatch(patch, level, pointer, stride) : synthesisePatch(patch, pointer, stride), `computing patch ${patch}`);
  }

  /** Runs `look` on what the synthesis of a patch sees. */
  observePatch(patch: number, look: (seen: Observation) => void): void {
    const { width: pictureWidth, height: pictureHeight, patch: side } = this.#begun();
    const columns = Math.ceil(pictureWidth / side);
    const width = Math.min(side, pictureWidth - (patch % columns) * side);
    const height = Math.min(side, pictureHeight - Math.floor(patch / columns) * side);
    const sizes = { features: height * 64 * Math.ceil((width + 4) / 4), third: (height + 2) * (width + 2) * 8 };
    const mark = this.mark();
    const out = this.allocate(width * height * 4);
    const features = this.allocate(sizes.features);
    const third = this.allocate(sizes.third);
    checkStatus(this.#exports.observePatch(patch, out, features, third), `computing patch ${patch}`);
    const core = this.#exports;
    const gather = (inputs: number, run: (sums: number) => number): Gathered => {
      const length = 4 * ((inputs * (inputs + 1)) / 2 + 3 * inputs + 1);
      const sums = this.copyIn(new Uint8Array(4 * length));
      this.#bringTarget(patch);
      const samples = 4 * run(sums);
      return { sums: this.floats(sums, length).slice(), samples };
    };
    look({
      width,
      height,
      pixels: this.bytes(out, width * height * 4),
      squaredError: () => {
        this.#bringTarget(patch);
        return core.observedError(patch, out);
      },
      gatherMixing: ({ weights, scales }, spacing) => {
        const [first, second] = [weights, scales].map(({ buffer, byteOffset, byteLength }) =>
          this.copyIn(new Uint8Array(buffer, byteOffset, byteLength)),
        );
        return gather(scales.length, (sums) => core.gatherMixing(patch, features, out, spacing, first, second, scales.length, sums));
      },
      gatherLast: (level, spacing) => gather(10, (sums) => core.gatherLast(patch, third, out, spacing, level, sums)),
    });
    this.release(mark);
  }

  // ── Encoding ──────────────────────────────────────────────────────────────────────────────────

  /**
   * Rounds `source · gain` into a rectangle of a grid, in samples from `x`, `y`.
   *
   * @param source - a pointer; rows are `sourceStride` samples apart
   */
  quantise(...call: Parameters<CoreExports['quantise']>): void {
    checkStatus(this.#exports.quantise(...call), 'quantising');
  }

  /**
   * Gives the core the picture to compare with and the price of a bit: J = squared error on [0, 1], mean of the channels + λ · bits.
   * The core holds one row of patches of it; others come when a patch of theirs is looked at.
   */
  setTarget(pixels: Uint8Array | Uint8ClampedArray, lambda: number): void {
    const { width, patch } = this.#begun();
    this.#target = { pixels, pointer: this.allocate(patch * width * 4), held: -1 };
    this.#exports.setSource(this.#target.pointer, width * 4, patch);
    this.#exports.setLambda(lambda);
  }

  /**
   * Tells what the symbols of a grid cost with other scales: bits with each scale from −8 on, for the patches that `look` is called with.
   */
  async scaleBits(grid: number, visit: (look: (patch: number) => void) => Promise<void>): Promise<Float64Array> {
    const mark = this.mark();
    const counts = this.allocate(countBytes);
    const bits = this.allocate(8 * scaleCount);
    this.bytes(counts, countBytes).fill(0);
    await visit((patch) => checkStatus(this.#exports.countResiduals(patch, grid, counts), `counting patch ${patch}`));
    this.#exports.scaleBits(counts, bits);
    const found = new Float64Array(this.#exports.memory.buffer, bits, scaleCount).slice();
    this.release(mark);
    return found;
  }

  /** Copies the latents of a patch in one grid, those of its mode, to 16-bit numbers at `pointer`, row after row. */
  copyLatents(patch: number, grid: number, pointer: number): void {
    this.#exports.copyLatents(patch, grid, pointer);
  }

  /** Copies the pixels of a patch, and of those in its row, into the core, unless they are there. */
  #bringTarget(index: number): void {
    const { width, patch } = this.#begun();
    const target = this.#target;
    if (target === undefined) throw new TesseraError('internal', 'no target is set');
    const row = Math.floor(index / Math.ceil(width / patch));
    if (target.held === row) return;
    const source = target.pixels.subarray(row * patch * width * 4, (row + 1) * patch * width * 4);
    this.bytes(target.pointer, source.length).set(source);
    target.held = row;
  }

  /** J of a patch if it had this mode and all others theirs of the mode map. */
  evaluatePatch(patch: number, mode: number): number {
    this.#bringTarget(patch);
    return this.#exports.evaluatePatch(patch, mode);
  }

  /** J of a patch with the current mode map. That of the picture is the sum over its patches, and `mapCost`. */
  patchCost(patch: number): number {
    this.#bringTarget(patch);
    return this.#exports.patchCost(patch);
  }

  /** J of the mode map itself. */
  mapCost(): number {
    return this.#exports.mapCost();
  }

  /** Bits of the symbols of a patch if it had this mode. */
  patchRate(patch: number, mode: number): number {
    return this.#exports.patchRate(patch, mode);
  }

  /** Writes the mode map in its shortest kind. */
  encodeModeMap(): Uint8Array {
    // Fixed bits are the longest kind that is ever the shortest; the adaptive one may be cut off at that.
    const capacity = 64 + this.modes().length;
    let shortest: Uint8Array | undefined;
    for (const kind of Object.values(modeMapKinds)) {
      const mark = this.mark();
      const pointer = this.allocate(capacity);
      const length = this.#exports.encodeModeMap(kind, this.#priors, pointer, capacity);
      if (length >= 0 && (shortest === undefined || length < shortest.length)) shortest = this.bytes(pointer, length).slice();
      this.release(mark);
    }
    if (shortest === undefined) throw new TesseraError('internal', 'the mode map cannot be written');
    return shortest;
  }

  /**
   * Writes one segment.
   *
   * @param expected - expected length in bytes; 12 bits for each pixel of a tile unless given
   */
  encodeSegment(segment: number, expected = 1.5 * tileSide ** 2): Uint8Array {
    const { width, height, lanes } = this.#begun();
    // An escape costs at most 34 bits beside its symbol, so this many bytes hold anything.
    const most = 64 + 16 * width * height;
    for (let capacity = Math.min(most, 1024 + Math.ceil(expected * 1.25)); ; capacity = Math.min(most, capacity * 4)) {
      const mark = this.mark();
      const pointer = this.allocate(capacity);
      const length = this.#exports.encodeSegment(segment, pointer, capacity, lanes);
      const bytes = length >= 0 ? this.bytes(pointer, length).slice() : undefined;
      this.release(mark);
      if (bytes !== undefined) return bytes;
      if (capacity === most) throw new TesseraError('internal', `segment ${segment} cannot be written`);
    }
  }

  /** Writes the stream of a tile of alpha: `mask` from samples 0 and 1, `levels` from any. */
  encodeAlpha(kind: 'mask' | 'levels', samples: Uint8Array, width: number, height: number): Uint8Array {
    const encode = kind === 'mask' ? this.#exports.encodeMask : this.#exports.encodeLevels;
    const capacity = streamBytes(samples.length);
    const mark = this.mark();
    const pointer = this.allocate(capacity);
    const length = encode(this.copyIn(samples), width, height, pointer, capacity);
    const bytes = this.bytes(pointer, Math.max(0, length)).slice();
    this.release(mark);
    if (length < 0) throw noMemory('the alpha');
    return bytes;
  }

  #begun(): PictureSetup {
    if (this.#setup === undefined) throw new TesseraError('internal', 'no picture has begun');
    return this.#setup;
  }
}

function noMemory(what: string): TesseraError {
  return new TesseraError('limitMemory', `the core has no memory for ${what}`);
}

/** The subset and priors for a number of modes. */
export function modeSetOf(pack: DecoderPack, modes: ModeCount): ModeSet {
  const set = pack.modeSets.get(modes);
  if (set === undefined) throw new TesseraError('unsupportedFeature', `${modes} codecs; the model pack has ${pack.modes}`);
  return set;
}

/** Priors in the layout of the core: u16 each, prior per mode, four bonuses, increment. */
function priorBytes({ prior, bonus, increment }: ModeSet): Uint8Array {
  const values = [...prior, ...bonus, increment];
  const bytes = new Uint8Array(2 * values.length);
  const view = new DataView(bytes.buffer);
  values.forEach((value, index) => {
    view.setUint16(2 * index, value, true);
  });
  return bytes;
}
