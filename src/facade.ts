/** The functions of an entry of the package, on top of one engine behind the scenes. */

import { whileHeld } from './container.js';
import type { CoreSource } from './core.js';
import { decodeWith } from './decoding.js';
import { encodeDetailed } from './encode.js';
import { EngineBase, type EngineParts } from './engine-base.js';
import { checkOptions } from './errors.js';
import type { ModelSource } from './models/source.js';
import type { Decode, EncodeOptions, PixelSource } from './types.js';

/** Options of `createCodec`. */
export interface CodecOptions {
  /** The WASM core; default: the one inside this package. */
  readonly core?: CoreSource;
}

/** An encoder and decoder with its own memory, which `dispose` gives back. */
export interface Codec {
  /** Like the function `encode`. */
  encode(image: PixelSource, options?: EncodeOptions): Promise<Uint8Array<ArrayBuffer>>;
  /** Like the function `decode`. */
  readonly decode: Decode;
  /** Gives the memory back. Later calls throw `disposed`. */
  dispose(): void;
}

/** The functions of an entry. */
export interface Facade {
  /** Makes a codec of its own, for example per worker. */
  createCodec(options?: CodecOptions): Promise<Codec>;
  /**
   * Compiles the WASM core ahead of the first call. Needed only where code cannot be compiled from bytes and the entry
   * `./edge` is not used: give the `WebAssembly.Module` of `tessera-codec/codec.wasm` there.
   */
  init(source?: CoreSource): Promise<void>;
  /**
   * Encodes a picture.
   *
   * @param image - `ImageData`-shaped, 8 bits, sRGB; alpha is kept exactly
   * @returns the bytes of a Tessera file
   * @throws TesseraError
   */
  encode(image: PixelSource, options?: EncodeOptions): Promise<Uint8Array<ArrayBuffer>>;
  /** Decodes a Tessera file. */
  readonly decode: Decode;
}

/** What the functions of an entry share; each of them is made alone, so that bundlers can leave out those that nobody calls. */
export interface Entry {
  readonly parts: EngineParts;
  /** The engine behind the functions. */
  readonly engine: () => EngineBase;
}

/** Begins an entry. Does nothing before the first call of one of its functions. */
export function beginEntry(parts: EngineParts): Entry {
  let shared: EngineBase | undefined;
  const engine = (): EngineBase => {
    shared ??= new EngineBase(parts);
    return shared;
  };
  return { parts, engine };
}

/** The function `init` of an entry. */
export function initOf({ engine }: Entry): Facade['init'] {
  return (source) => engine().init(source);
}

/**
 * The function `encode` of an entry.
 *
 * @param models - the pack when the caller names none; default: the one in this package's folder
 */
export function encodeOf({ engine }: Entry, models?: ModelSource): Facade['encode'] {
  return (image, options) => encodeWith(engine(), image, options, models);
}

/** The function `decode` of an entry. */
export function decodeOf({ engine }: Entry): Facade['decode'] {
  return decodeWith(engine);
}

/** The function `createCodec` of an entry; `models` as for `encodeOf`. */
export function createCodecOf({ parts }: Entry, models?: ModelSource): Facade['createCodec'] {
  return async (options = {}) => {
    const engine = new EngineBase(parts);
    await engine.init(options.core);
    const codec: Codec = {
      encode: (image, encodeOptions) => encodeWith(engine, image, encodeOptions, models),
      decode: decodeWith(() => engine),
      dispose: () => engine.dispose(),
    };
    // `using codec = await createCodec()` where the host has explicit resource management.
    const disposeSymbol: unknown = Reflect.get(Symbol, 'dispose');
    if (typeof disposeSymbol === 'symbol') Object.defineProperty(codec, disposeSymbol, { value: codec.dispose });
    return codec;
  };
}

async function encodeWith(
  engine: EngineBase,
  image: PixelSource,
  options: EncodeOptions = {},
  models?: ModelSource,
): Promise<Uint8Array<ArrayBuffer>> {
  const checked = checkOptions(options);
  const complete = models === undefined || checked.models !== undefined ? checked : { ...checked, models };
  const { bytes } = await whileHeld(Object(image).data, checked, () => encodeDetailed(engine, image, complete, { cost: false }));
  return bytes;
}
