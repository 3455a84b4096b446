/** Decoding as every entry offers it: any form of bytes in, a picture out. */

import { parseHeader, readBody, toBytes } from './container.js';
import { decodeFile, decodePartially } from './decode.js';
import type { EngineBase } from './engine-base.js';
import { checkOptions, TesseraError } from './errors.js';
import type { ByteSource, Decode, DecodeOptions, Header, PartialDecodeOptions, PartialPicture, Picture } from './types.js';

/**
 * Reads the header of a file: synchronous, without the WASM core, from the first 27 bytes.
 *
 * @throws TesseraError `notOurFormat`, `truncated`, `unsupportedVersion`, `corruptHeader`, `unsupportedFeature`
 */
export function probe(bytes: ByteSource): Header {
  return parseHeader(toBytes(bytes));
}

/** The function `decode` of an entry. @param engine - called at each call */
export function decodeWith(engine: () => EngineBase): Decode {
  async function decode(source: ByteSource | Blob | Response, options: PartialDecodeOptions): Promise<PartialPicture>;
  async function decode(source: ByteSource | Blob | Response, options?: DecodeOptions & { readonly partial?: false }): Promise<Picture>;
  async function decode(
    source: ByteSource | Blob | Response,
    options: DecodeOptions & { readonly partial?: boolean } = {},
  ): Promise<Picture | PartialPicture> {
    checkOptions(options);
    const bytes = await bytesOf(source);
    if (options.partial !== undefined && typeof options.partial !== 'boolean')
      throw new TesseraError('invalidArgument', `partial is ${String(options.partial)}; allowed are true, false`);
    return options.partial === true ? decodePartially(engine(), bytes, options) : decodeFile(engine(), bytes, options);
  }
  return decode;
}

/** The bytes of a file, wherever they are. */
async function bytesOf(source: ByteSource | Blob | Response): Promise<Uint8Array> {
  // Bytes first: merely naming Response makes Node load its whole fetch, which takes longer than a small picture.
  if (source instanceof ArrayBuffer || ArrayBuffer.isView(source)) return toBytes(source);
  if (typeof Blob === 'function' && source instanceof Blob) return readBody(source);
  if (typeof Response === 'function' && source instanceof Response) return readBody(source);
  return toBytes(source as unknown as ByteSource);
}
