/**
 * PNG, JPEG and WebP through sharp, an optional peer that only the command line uses.
 *
 * Reading applies the EXIF orientation, converts an embedded ICC profile to sRGB, reduces to 8 bits and takes the first frame. Whatever is
 * lost that way is said in a warning.
 */

import type { Sharp, SharpOptions } from 'sharp';
import { decode } from '../codec.js';
import { TesseraError } from '../errors.js';
import { checkSize, type Limits } from '../limits.js';
import { isOpaque } from '../pixels.js';
import type { CommonOptions, PixelSource } from '../types.js';
import { PictureError } from './exit.js';

const readable = ['png', 'jpeg', 'webp'];

/** A picture that was read, and what was lost on the way. */
export interface ReadPicture {
  readonly image: PixelSource;
  readonly warnings: readonly string[];
}

type SharpFactory = (input: Uint8Array, options?: SharpOptions) => Sharp;

async function loadSharp(): Promise<SharpFactory> {
  try {
    const { default: sharp } = await import('sharp');
    return sharp;
  } catch (cause) {
    throw new TesseraError(
      'backendUnavailable',
      'sharp cannot be loaded; the command line needs it to read and write pictures (npm install sharp)',
      { cause },
    );
  }
}

/**
 * Reads a picture.
 *
 * @param name - for messages
 * @throws PictureError when it is damaged or of another kind
 * @throws TesseraError of the 4x family when it is over the limits, before its pixels are decoded
 */
export async function readPicture(bytes: Uint8Array, name: string, limits: Limits): Promise<ReadPicture> {
  const sharp = await loadSharp();
  const warnings: string[] = [];
  try {
    const metadata = await sharp(bytes, { limitInputPixels: false }).metadata();
    if (!readable.includes(metadata.format)) throw new PictureError(`${name} is ${metadata.format}; PNG, JPEG and WebP can be read`);
    checkSize(metadata.width, metadata.pageHeight ?? metadata.height, 0, limits);
    if ((metadata.pages ?? 1) > 1) warnings.push(`only the first of ${metadata.pages} frames is kept`);
    if (metadata.depth !== 'uchar') warnings.push('the samples are reduced to 8 bits');
    const dropped = [metadata.exif && 'EXIF (orientation applied)', metadata.xmp && 'XMP', metadata.iptc && 'IPTC'].filter((kind) => kind);
    if (dropped.length > 0) warnings.push(`${dropped.join(', ')} metadata is dropped`);

    const { data, info } = await sharp(bytes, { limitInputPixels: limits.maxPixels, failOn: 'warning', pages: 1 })
      .autoOrient()
      .toColourspace('srgb')
      .ensureAlpha()
      .raw({ depth: 'uchar' })
      .toBuffer({ resolveWithObject: true });
    if (info.channels !== 4) throw new PictureError(`${name} has ${info.channels} channels after conversion`);
    return { image: { data, width: info.width, height: info.height }, warnings };
  } catch (cause) {
    if (cause instanceof TesseraError || cause instanceof PictureError) throw cause;
    throw new PictureError(
      `${name} cannot be read as a picture: ${cause instanceof Error ? cause.message.split('\n')[0] : String(cause)}`,
      { cause },
    );
  }
}

/** Reads a picture, or decodes it if it is a Tessera file. */
export async function readAny(bytes: Uint8Array, name: string, limits: Limits, options: CommonOptions): Promise<ReadPicture> {
  if (bytes[0] === 0x8b && bytes[1] === 0x54) return { image: await decode(bytes, { ...options, limits }), warnings: [] };
  return readPicture(bytes, name, limits);
}

/** Writes a PNG, with alpha unless it is opaque. */
export async function writePng({ data, width, height }: PixelSource): Promise<Uint8Array> {
  const sharp = await loadSharp();
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  const picture = sharp(bytes, { raw: { width, height, channels: 4 } });
  return (isOpaque(data) ? picture.removeAlpha() : picture).png().toBuffer();
}
