/**
 * `tessera-codec/canvas`: between pixels and what browsers draw. Apart from the codec, which never touches a canvas.
 *
 * Canvases keep colours multiplied by alpha: where a pixel is neither opaque nor fully transparent, its colour can change by
 * rounding on the way through any of these functions. Some browsers disturb what is read from a canvas, against fingerprinting.
 */

import { TesseraError } from './errors.js';
import type { Picture, PixelSource } from './types.js';

/** What pixels can be read from: a file in any format of the browser's, or anything that a canvas can draw. */
export type Drawable = Blob | ImageBitmapSource;

/** Options of `readPixels`. */
export interface ReadOptions {
  /** Larger pictures are reduced to this many pixels; default: none are. */
  readonly maxPixels?: number;
}

/**
 * Reads the pixels of a file, picture, canvas or video frame, as `encode` takes them. The browser applies the orientation of the EXIF
 * data and converts to sRGB.
 *
 * @throws TesseraError `invalidArgument` when the browser cannot read or draw it, `backendUnavailable` without `OffscreenCanvas`
 */
export async function readPixels(source: Drawable, { maxPixels = Number.POSITIVE_INFINITY }: ReadOptions = {}): Promise<ImageData> {
  let bitmap: ImageBitmap;
  try {
    bitmap = await createImageBitmap(source, { imageOrientation: 'from-image' });
  } catch (cause) {
    throw new TesseraError('invalidArgument', 'this browser cannot read the picture', { cause });
  }
  try {
    const scale = Math.min(1, Math.sqrt(maxPixels / (bitmap.width * bitmap.height)));
    const width = Math.max(1, Math.floor(bitmap.width * scale));
    const height = Math.max(1, Math.floor(bitmap.height * scale));
    const { context } = canvasOf(width, height);
    context.imageSmoothingQuality = 'high';
    context.drawImage(bitmap, 0, 0, width, height);
    return context.getImageData(0, 0, width, height);
  } finally {
    bitmap.close();
  }
}

/** Draws a decoded picture on a canvas of its size. */
export function toCanvas(picture: Picture | PixelSource): OffscreenCanvas {
  const { canvas, context } = canvasOf(picture.width, picture.height);
  context.putImageData(imageDataOf(picture), 0, 0);
  return canvas;
}

/** A decoded picture as a bitmap, for `drawImage`, WebGL, or `transferFromImageBitmap`. Close it after use. */
export function toBitmap(picture: Picture | PixelSource): Promise<ImageBitmap> {
  return createImageBitmap(imageDataOf(picture));
}

/**
 * A decoded picture as a file that browsers show: `img.src = URL.createObjectURL(await toBlob(picture))`.
 *
 * @param options - as for `convertToBlob`; default: PNG
 */
export function toBlob(picture: Picture | PixelSource, options: { readonly type?: string; readonly quality?: number } = {}): Promise<Blob> {
  return toCanvas(picture).convertToBlob(options);
}

function imageDataOf(picture: Picture | PixelSource): ImageData {
  if (picture instanceof ImageData) return picture;
  // A copy in plain memory of the clamped kind, which `ImageData` wants.
  return new ImageData(Uint8ClampedArray.from(picture.data), picture.width, picture.height);
}

function canvasOf(width: number, height: number): { canvas: OffscreenCanvas; context: OffscreenCanvasRenderingContext2D } {
  if (typeof OffscreenCanvas !== 'function') throw new TesseraError('backendUnavailable', 'this browser has no OffscreenCanvas');
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext('2d', { willReadFrequently: true });
  if (context === null) throw new TesseraError('backendUnavailable', 'this browser has no two-dimensional OffscreenCanvas');
  return { canvas, context };
}
