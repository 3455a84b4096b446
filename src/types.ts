/** Types of the public interface. */

import type { ErrorCode } from './errors.js';
import type { Limits } from './limits.js';
import type { ModelSource } from './models/source.js';

/**
 * Pixels in: the shape of the browser's `ImageData`.
 * `data` holds red, green, blue, alpha per pixel, 8 bits each, sRGB, row after row from the top left; or as many channels as
 * `channels` says. Alpha is not premultiplied.
 */
export interface PixelSource {
  readonly data: Uint8Array | Uint8ClampedArray;
  readonly width: number;
  readonly height: number;
  readonly colorSpace?: string;
  /** 4, the default: as above; 3: red, green, blue; 2: grey, alpha; 1: grey. */
  readonly channels?: 1 | 2 | 3 | 4;
}

/** Pixels out: a real `ImageData` where that class exists, else an object of the same shape. Alpha is 255 where the file has none. */
export interface Picture {
  readonly data: Uint8ClampedArray<ArrayBuffer>;
  readonly width: number;
  readonly height: number;
  readonly colorSpace: 'srgb';
}

/** Bytes of a file, in any common form. `Blob` and `Response` are read asynchronously, so `probe` does not take them. */
export type ByteSource = ArrayBuffer | ArrayBufferView;

/** What is going on, in this order when encoding: model, analyse, select, refine (efforts 2 to 9), code; when decoding: model, code, synthesise. */
export type Stage = 'model' | 'analyse' | 'select' | 'refine' | 'code' | 'synthesise';

/** One progress report: `loaded` of `total` steps of a stage are done. */
export interface Progress {
  readonly stage: Stage;
  readonly loaded: number;
  readonly total: number;
  /** Part of the whole call that is done, from 0 to 1: never falls, and is 1 in the last report. */
  readonly fraction: number;
}

/** Options of every call. */
export interface CommonOptions {
  /**
   * Aborts the call, which then throws `aborted`: decoding and the choice of codecs between patches and tiles (some 50 ms), the
   * analysis at the end of its running tile (under a second).
   */
  readonly signal?: AbortSignal;
  /** Called after each step. */
  readonly onProgress?: (progress: Progress) => void;
  /** Limits on the picture; see `limits.ts` for the defaults. */
  readonly limits?: Partial<Limits>;
  /** Where the model pack is; default: the one in this package. */
  readonly models?: ModelSource;
}

/** How many codecs compete. */
export type ModeCount = 1 | 2 | 4 | 8;

/** Options of `encode`. */
export interface EncodeOptions extends CommonOptions {
  /** 0 (smallest file) to 100 (best picture); fractions are allowed and take the nearest entry of the pack's table. */
  readonly quality?: number;
  /**
   * How many modes patches may have. From effort 6 on so many codecs compete for each patch; from effort 2 on one codec may have several modes, each
   * adapted to a part of the picture in its own way.
   */
  readonly modes?: ModeCount;
  /**
   * 1 (fastest) to 9: how hard the encoder tries. 1 to 5 take one codec, 1 with a small analysis; from 6 on codecs compete. From 2 on
   * the synthesis is fitted to the picture, from 3 on latents are refined too, at 8 and 9 for five and twenty seconds per megapixel.
   */
  readonly effort?: number;
  /** Side of a patch in pixels. */
  readonly patch?: 64 | 128 | 256;
  /** Number of interleaved rANS lanes. */
  readonly lanes?: 1 | 2 | 4 | 8;
  /** Colour (red, green, blue; 0–255) to flatten the picture onto. Without it alpha is kept, exactly. */
  readonly background?: readonly [number, number, number];
  /**
   * What becomes of the colours of pixels with alpha 0: `smooth` (the default) continues the visible ones, which saves bits; `keep`
   * codes what is there.
   */
  readonly invisible?: 'smooth' | 'keep';
  /** Research: rate anchor and row of the step table, instead of `quality`. */
  readonly rate?: { readonly anchor: number; readonly step: number };
}

/** A rectangle of a picture, in pixels from the top left. */
export interface Region {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** Finished rows of the picture being decoded. */
export interface Rows {
  /** First of the rows, counted from the top of the region (of the picture without one). */
  readonly y: number;
  readonly width: number;
  /** Number of rows. */
  readonly height: number;
  /** RGBA. A view of the picture that `decode` will return: copy what is to be changed. */
  readonly data: Uint8ClampedArray<ArrayBuffer>;
}

/** Options of `decode`. */
export interface DecodeOptions extends CommonOptions {
  /** Decodes this part alone: the same bytes as that part of the whole picture, for about its part of the time. Not with `ort`. */
  readonly region?: Region;
  /**
   * Decodes a picture of 1/2, 1/4 or 1/8 of the width and height (rounded up), for thumbnails: the means of the full picture's pixels, rounded.
   * It needs the memory of the small picture, but about the time of the full one: half of what an eighth of the size shows is in the finest
   * grids. Not with `region`, `partial` or `ort`.
   */
  readonly scale?: 1 | 0.5 | 0.25 | 0.125;
  /** Called with rows as soon as they are final, from top to bottom. Not with `ort`. */
  readonly onRows?: (rows: Rows) => void;
  /**
   * Who computes the pixels: `wasm`, the reference, the same bytes on every machine; or `ort` (onnxruntime-web),
   * which may differ from it by at most one level.
   */
  readonly transform?: 'wasm' | 'ort';
}

/** Options of `decode` for a file that may be damaged. */
export interface PartialDecodeOptions extends DecodeOptions {
  /**
   * Shows what is whole of a damaged file, and says what is not. Without it damage is an error. Damage to the header, the mode map
   * or the coarse grids, which every pixel needs, is an error all the same.
   */
  readonly partial: true;
}

/** Something that is wrong with a file: the error that strict decoding would have failed with. */
export interface Damage {
  readonly code: ErrorCode;
  readonly message: string;
  /** Byte offset in the file, where one is known. */
  readonly offset?: number;
}

/** What is left of a file. */
export interface PartialPicture {
  /** All pixels that were asked for; the missing ones are blurred, from the coarse grids alone. */
  readonly picture: Picture;
  /**
   * Rectangles of `picture`, in pixels, that may overlap; empty if nothing is missing. Every pixel outside them is that of the sound
   * file, as far as the streams show: they end as they must, which damage passes less than once in 2^25 times.
   */
  readonly missing: readonly Region[];
  /** What is wrong with the file. Empty for a sound one. */
  readonly damage: readonly Damage[];
}

/** The function `decode`. */
export interface Decode {
  /**
   * Decodes what is whole of a damaged file.
   *
   * @throws TesseraError when nothing is
   */
  (bytes: ByteSource | Blob | Response, options: PartialDecodeOptions): Promise<PartialPicture>;
  /**
   * Decodes a Tessera file.
   *
   * @returns RGBA pixels, an `ImageData` where the host has that class
   * @throws TesseraError
   */
  (bytes: ByteSource | Blob | Response, options?: DecodeOptions & { readonly partial?: false }): Promise<Picture>;
}

/** What the first 27 bytes of a file say (FORMAT.md §1). */
export interface Header {
  readonly version: number;
  readonly width: number;
  readonly height: number;
  /** Number of modes that patches may have. */
  readonly modes: ModeCount;
  /** Side of a patch in pixels. */
  readonly patch: 64 | 128 | 256;
  readonly lanes: 1 | 2 | 4 | 8;
  /** Whether some pixels may be transparent: there is an alpha section. */
  readonly alpha: boolean;
  /** Id of the model pack. */
  readonly packId: number;
  /** First 8 bytes of the SHA-256 of the pack's decoder.bin, in hexadecimal. */
  readonly packHash: string;
  /** Rate anchor. */
  readonly anchor: number;
  /** Row of the pack's step table. */
  readonly step: number;
  /** Number of sections in the file, 1 to 32. */
  readonly sections: number;
}
