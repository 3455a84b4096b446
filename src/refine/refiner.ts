/**
 * The refinement module behind a typed interface: the only file that knows its exports and its memory.
 *
 * It is a WebAssembly module of its own (`assembly/refine/`), inside this lazily imported part of the package, so that neither decoders nor
 * encoders that do without carry it. Its memory may grow in any call that allocates; views are made afresh and not kept.
 */

import { TesseraError } from '../errors.js';
import { refineWasm } from '../generated/refine-wasm.js';
import type { Step } from '../models/pack.js';
import { noScales, type Scales } from '../scales.js';
import type { PatchedPicture, Region, Stretch } from './regions.js';

/** Exports of `assembly/refine/index.ts`. */
interface RefinerExports extends Record<string, unknown> {
  readonly memory: WebAssembly.Memory;
  allocate(bytes: number): number;
  mark(): number;
  release(mark: number): void;
  createWeights(block: number): number;
  setCodec(mode: number, handle: number): void;
  setStep(inverseGain: number, logScaleOffset: number): void;
  setScale(grid: number, classes: number): void;
  setTarget(pixels: number, stride: number, lambda: number): void;
  openPicture(width: number, height: number, log2: number, map: number): number;
  openRegion(left: number, top: number, right: number, bottom: number): number;
  planeAddress(plane: number, grid: number, x: number, y: number): number;
  useSimd(flag: number): void;
  roundSoftly(temperature: number, shape: number, settled: number, step: number): void;
  startGradients(): void;
  patchGradient(patch: number): void;
  moveLatents(rate: number, growth: number, first: number, second: number, firstScale: number, secondScale: number, epsilon: number): void;
  startSteps(): void;
  roundLatents(): void;
  setCurvature(grid: number, curvature: number): void;
  startTrades(first: number): void;
  patchTrades(patch: number): void;
  tradeLatents(margin: number): number;
}

/** Planes of a region, by their numbers in the module. */
const planes = { value: 0, symbol: 1, slope: 2, gradient: 3 } as const;

/** What stands for rounding in one step: soft rounding, noise, soft rounding. */
export interface Rounding {
  /** Towards 0 the soft rounding becomes rounding. */
  readonly temperature: number;
  /** Of the noise: uniform for 1, narrower above. */
  readonly shape: number;
  /** Eight neighbours nearer to 0 than this stay exactly 0. */
  readonly settled: number;
}

/** What Adam does in one step. */
export interface Move {
  /** For the finest grid, in steps of the quantiser. */
  readonly rate: number;
  /** How much more of `rate` each coarser grid gets. */
  readonly growth: number;
  /** Decay of the running means of the gradient and of its square. */
  readonly first: number;
  readonly second: number;
  /** Gradients, in bits per step of the quantiser, far below this one count less. */
  readonly epsilon: number;
  /** Steps before this one. */
  readonly done: number;
}

let compiled: Promise<WebAssembly.Module> | undefined;

/** The module, compiled once: an engine takes its time over fast code. */
function refineModule(): Promise<WebAssembly.Module> {
  if (compiled === undefined) {
    compiled = WebAssembly.compile(refineWasm());
    compiled.catch(() => {
      compiled = undefined;
    });
  }
  return compiled;
}

/** One instance of the module, for one picture. */
export class Refiner {
  readonly #exports: RefinerExports;
  readonly #start: number;
  #afterWeights = 0;
  #afterPicture = 0;

  private constructor(exports: RefinerExports) {
    this.#exports = exports;
    this.#start = exports.mark() >>> 0;
  }

  /**
   * Starts the module.
   *
   * @param step - the step of the rate
   * @param module - the compiled module; without it, it is compiled from the bytes inside this package
   * @throws TesseraError `backendUnavailable`
   */
  static async create(step: Step, module?: WebAssembly.Module): Promise<Refiner> {
    let exports: RefinerExports;
    try {
      exports = (await WebAssembly.instantiate(module ?? (await refineModule()))).exports as unknown as RefinerExports;
    } catch (cause) {
      throw new TesseraError('backendUnavailable', 'the refinement cannot be compiled', { cause });
    }
    exports.setStep(step.inverseGain, step.logScaleOffset);
    return new Refiner(exports);
  }

  /**
   * Gives the competing codecs their weights; frees those before, and the picture.
   *
   * @param decoders - bytes of each mode's decoder, checked by `parseDecoderPack`
   * @param scales - what is added to the classes of each grid; none without
   * @throws TesseraError `limitMemory`
   */
  setDecoders(decoders: readonly Uint8Array[], scales: Scales = noScales): void {
    const core = this.#exports;
    scales.forEach((scale, grid) => {
      core.setScale(grid, scale);
    });
    core.release(this.#start);
    for (const [mode, bytes] of decoders.entries()) {
      const weights = core.createWeights(this.#copyIn(bytes)) >>> 0;
      if (weights === 0) throw noMemory();
      core.setCodec(mode, weights);
    }
    this.#afterWeights = core.mark() >>> 0;
  }

  /** Switches every kernel to its scalar twin and back. Both give the same results. */
  useSimd(enabled: boolean): void {
    this.#exports.useSimd(enabled ? 1 : 0);
  }

  /**
   * Begins a picture; frees the one before.
   *
   * @throws TesseraError `limitMemory`
   */
  openPicture({ width, height, patch, modes }: PatchedPicture): void {
    const core = this.#exports;
    core.release(this.#afterWeights);
    if (core.openPicture(width, height, Math.log2(patch), this.#copyIn(modes)) === 0) throw noMemory();
    this.#afterPicture = core.mark() >>> 0;
  }

  /**
   * Opens a region of the picture, with all symbols 0, and frees the one before.
   *
   * @param pixels - RGBA of the region
   * @param stride - bytes from one row of pixels to the next
   * @param lambda - price of a bit in mean squared error on [0, 1]
   * @throws TesseraError `limitMemory`
   */
  openRegion({ left, top, right, bottom }: Region, pixels: Uint8Array, stride: number, lambda: number): void {
    const core = this.#exports;
    core.release(this.#afterPicture);
    // Kernels read whole vectors of pixels.
    const target = this.#copyIn(pixels, 32);
    if (core.openRegion(left, top, right, bottom) === 0) throw noMemory();
    core.setTarget(target, stride, lambda);
  }

  /** A stretch of a plane, in the region or at most 8 samples away. A view, good until the next `openRegion`. */
  row(plane: keyof typeof planes, { grid, x, y, length }: Pick<Stretch, 'grid' | 'x' | 'y' | 'length'>): Float32Array {
    const address = this.#exports.planeAddress(planes[plane], grid, x, y) >>> 0;
    return new Float32Array(this.#exports.memory.buffer, address, length);
  }

  /** Replaces rounding: sets the symbols of the region, and their slopes, from its values. */
  roundSoftly({ temperature, shape, settled }: Rounding, step: number): void {
    this.#exports.roundSoftly(temperature, shape, settled, step);
  }

  /** Sets all gradients to 0. */
  startGradients(): void {
    this.#exports.startGradients();
  }

  /** Adds the gradient of a patch's J / λ by the symbols. */
  patchGradient(patch: number): void {
    this.#exports.patchGradient(patch);
  }

  /** Moves the values of the region against the gradient. */
  moveLatents({ rate, growth, first, second, epsilon, done }: Move): void {
    this.#exports.moveLatents(rate, growth, first, second, 1 / (1 - first ** (done + 1)), 1 / (1 - second ** (done + 1)), epsilon);
  }

  /** Forgets the steps before, and what trades have left in their place. */
  startSteps(): void {
    this.#exports.startSteps();
  }

  /** Sets the symbols of the region to the whole numbers nearest to its values. */
  roundLatents(): void {
    this.#exports.roundLatents();
  }

  /** Second derivatives of J / λ by a latent of each grid, for `tradeLatents`: means over pictures. */
  setCurvatures(curvatures: readonly number[]): void {
    for (const [grid, curvature] of curvatures.entries()) this.#exports.setCurvature(grid, curvature);
  }

  /** Forgets what has been foretold for trades. @param first - in a region; later rounds keep what hardly changes */
  startTrades(first: boolean): void {
    this.#exports.startTrades(first ? 1 : 0);
  }

  /** Foretells what trades of the symbols that a patch depends on do to its J. */
  patchTrades(patch: number): void {
    this.#exports.patchTrades(patch);
  }

  /**
   * Makes the symbols of the region that should lower J their neighbours, the best ones first and none beside another.
   *
   * @param margin - how much a trade must be worth, in parts of what the curvature takes from it
   * @returns how many have changed
   */
  tradeLatents(margin: number): number {
    return this.#exports.tradeLatents(margin);
  }

  #copyIn(bytes: Uint8Array, slack = 0): number {
    const pointer = this.#exports.allocate(bytes.length + slack) >>> 0;
    if (pointer === 0) throw noMemory();
    new Uint8Array(this.#exports.memory.buffer, pointer, bytes.length).set(bytes);
    return pointer;
  }
}

function noMemory(): TesseraError {
  return new TesseraError('limitMemory', 'no memory for the refinement');
}
