/** Decoding as every entry offers it: any form of bytes in, a picture out. */

import { parseHeader, toBytes } from './container.js';
import { decodeFile } from './decode.js';
import type { EngineBase } from './engine-base.js';
import { checkOptions } from './errors.js';
import type { ByteSource, DecodeOptions, Header, Picture } from './types.js';

/**
 * Reads the header of a file: synchronous, without the WASM core, from the first 27 bytes.
 *
 * @throws TesseraError `notOurFormat`, `truncated`, `unsupportedVersion`, `corruptHeader`, `unsupportedFeature`
 */
export function probe(bytes: ByteSource): Header {
  return parseHeader(toBytes(bytes));
}

/** Decodes the bytes of a file, wherever they are. */
export async function decodeBytes(engine: EngineBase, source: ByteSource | Blob | Response, options: DecodeOptions = {}): Promise<Picture> {
  checkOptions(options);
  if (typeof Blob === 'function' && source instanceof Blob) return decodeFile(engine, new Uint8Array(await source.arrayBuffer()), options);
  if (typeof Response === 'function' && source instanceof Response)
    return decodeFile(engine, new Uint8Array(await source.arrayBuffer()), options);
  return decodeFile(engine, toBytes(source as ByteSource), options);
}
