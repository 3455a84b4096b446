/** Decoding as every entry offers it: any form of bytes in, a picture out. */

import { parseHeader, readBody, toBytes, whileHeld } from './container.js';
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
    const call = options.partial === true ? decodePartially : decodeFile;
    return whileHeld<Picture | PartialPicture>(bytes, options, () => call(engine(), bytes, options));
  }
  return decode;
}

/** The bytes of a file, wherever they are. */
async function bytesOf(source: ByteSource | Blob | Response): Promise<Uint8Array> {
  // Not `instanceof`: merely naming Response makes Node load its whole fetch, which takes longer than a small picture.
  return source !== null && typeof source === 'object' && 'arrayBuffer' in source ? readBody(source) : toBytes(source);
}
