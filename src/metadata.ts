/**
 * `tessera-codec/metadata`: ICC profile and EXIF in a file, carried as they are (FORMAT.md §1). `encode` writes neither. They say nothing to
 * `decode`, whose pixels are sRGB and upright; what they mean is between those who write and those who read them.
 */

import { concatenate, mostSections, parseHeader, parseSections, toBytes, writeHeader, writeSection } from './container.js';
import { TesseraError } from './errors.js';
import type { ByteSource, Header } from './types.js';

export { type ErrorCode, TesseraError } from './errors.js';
export type { ByteSource } from './types.js';

/** What can be carried beside a picture. */
export interface Metadata {
  /** An ICC profile. */
  readonly icc?: Uint8Array;
  /** EXIF, from its byte order mark ("II" or "MM") on. */
  readonly exif?: Uint8Array;
}

const tags = { icc: 0x41, exif: 0x42 } as const;
const kinds = ['icc', 'exif'] as const;

/** Most bytes that are written of each: 16 MiB. */
const mostBytes = 2 ** 24;

/**
 * Reads what a file carries beside its picture. Nothing of the picture is decoded.
 *
 * @returns copies; a kind that the file does not have is left out
 * @throws TesseraError for a damaged file, as `decode` does
 */
export function readMetadata(source: ByteSource): Metadata {
  const bytes = toBytes(source);
  const found: { icc?: Uint8Array; exif?: Uint8Array } = {};
  for (const { tag, payload } of parseSections(parseHeader(bytes), bytes)) {
    const kind = kinds.find((name) => tags[name] === tag);
    if (kind !== undefined) found[kind] = payload.slice();
  }
  return found;
}

/**
 * Puts metadata into a file, in place of what it has of it; with nothing, takes all of it out. The rest stays byte for byte.
 *
 * @returns another file
 * @throws TesseraError for a damaged file, as `decode` does; `invalidArgument` for metadata that are not 1 byte to 16 MiB
 */
export function writeMetadata(source: ByteSource, metadata: Metadata): Uint8Array<ArrayBuffer> {
  const bytes = toBytes(source);
  const header = parseHeader(bytes);
  const own: readonly number[] = Object.values(tags);
  const kept = parseSections(header, bytes).filter(({ tag }) => !own.includes(tag));
  const added = kinds.flatMap((kind) => {
    const payload = metadata[kind];
    if (payload === undefined) return [];
    if (!(payload instanceof Uint8Array) || payload.length === 0 || payload.length > mostBytes)
      throw new TesseraError('invalidArgument', `${kind} is not a Uint8Array of 1 to ${mostBytes} bytes`);
    return [{ tag: tags[kind], payload }];
  });
  const sections = [...kept, ...added].sort((a, b) => a.tag - b.tag);
  if (sections.length > mostSections) throw new TesseraError('invalidArgument', 'the file has no room for another section');
  const counted: Header = { ...header, sections: sections.length };
  return concatenate([writeHeader(counted), ...sections.map(({ tag, payload }) => writeSection(tag, payload))]);
}
