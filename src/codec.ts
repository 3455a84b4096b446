/** `createCodec` and the functions of the package, which use one codec behind the scenes. */

import { parseHeader, toBytes } from './container.js';
import { decodeFile } from './decode.js';
import { encodeDetailed } from './encode.js';
import { Engine } from './engine.js';
import { TesseraError } from './errors.js';
import type { ByteSource, DecodeOptions, EncodeOptions, Header, Picture, PixelSource } from './types.js';
import type { CoreSource } from './wasm.js';

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
  decode(bytes: ByteSource | Blob | Response, options?: DecodeOptions): Promise<Picture>;
  /** Gives the memory back. Later calls throw `disposed`. */
  dispose(): void;
}

/** Makes a codec of its own, for example per worker. */
export async function createCodec(options: CodecOptions = {}): Promise<Codec> {
  const engine = new Engine();
  await engine.init(options.core);
  const codec: Codec = {
    encode: (image, encodeOptions = {}) => encodeWith(engine, image, encodeOptions),
    decode: (bytes, decodeOptions = {}) => decodeWith(engine, bytes, decodeOptions),
    dispose: () => engine.dispose(),
  };
  // `using codec = await createCodec()` where the host has explicit resource management.
  const disposeSymbol: unknown = Reflect.get(Symbol, 'dispose');
  if (typeof disposeSymbol === 'symbol') Object.defineProperty(codec, disposeSymbol, { value: codec.dispose });
  return codec;
}

let sharedEngine: Engine | undefined;

/** The engine behind the functions of the package. */
export function engineOfPackage(): Engine {
  sharedEngine ??= new Engine();
  return sharedEngine;
}

/**
 * Compiles the WASM core ahead of the first call. Needed only where code cannot be compiled from bytes
 * (Workers on the edge): give the `WebAssembly.Module` of `tessera-codec/codec.wasm` there.
 */
export function init(source?: CoreSource): Promise<void> {
  return engineOfPackage().init(source);
}

/**
 * Encodes a picture.
 *
 * @param image - `ImageData`-shaped, 8 bits, sRGB, opaque unless `background` is given
 * @returns the bytes of a Tessera file
 * @throws TesseraError
 */
export function encode(image: PixelSource, options: EncodeOptions = {}): Promise<Uint8Array<ArrayBuffer>> {
  return encodeWith(engineOfPackage(), image, options);
}

/**
 * Decodes a Tessera file.
 *
 * @returns opaque RGBA pixels, an `ImageData` where the host has that class
 * @throws TesseraError
 */
export function decode(bytes: ByteSource | Blob | Response, options: DecodeOptions = {}): Promise<Picture> {
  return decodeWith(engineOfPackage(), bytes, options);
}

/**
 * Reads the header of a file: synchronous, without the WASM core, from the first 27 bytes.
 *
 * @throws TesseraError `notOurFormat`, `truncated`, `unsupportedVersion`, `corruptHeader`, `unsupportedFeature`
 */
export function probe(bytes: ByteSource): Header {
  return parseHeader(toBytes(bytes));
}

async function encodeWith(engine: Engine, image: PixelSource, options: EncodeOptions): Promise<Uint8Array<ArrayBuffer>> {
  return (await encodeDetailed(engine, image, checkOptions(options))).bytes;
}

async function decodeWith(engine: Engine, source: ByteSource | Blob | Response, options: DecodeOptions): Promise<Picture> {
  checkOptions(options);
  if (typeof Blob === 'function' && source instanceof Blob) return decodeFile(engine, new Uint8Array(await source.arrayBuffer()), options);
  if (typeof Response === 'function' && source instanceof Response)
    return decodeFile(engine, new Uint8Array(await source.arrayBuffer()), options);
  return decodeFile(engine, toBytes(source as ByteSource), options);
}

function checkOptions<Options>(options: Options): Options {
  if (typeof options !== 'object' || options === null) throw new TesseraError('invalidArgument', 'the options are not an object');
  return options;
}
