/** Pictures in: files of the user and samples, decoded by the browser. */

/** A picture to work on. */
export interface Chosen {
  readonly image: ImageData;
  readonly name: string;
  /** What was done to it, in words for the user; empty when nothing was. */
  readonly note: string;
}

/** Larger pictures are reduced, so that the page stays quick on phones. */
const mostPixels = 2 ** 21;

/** Decodes a picture: the browser applies the orientation and converts to sRGB; transparency goes onto white. */
export async function readBlob(blob: Blob, name: string): Promise<Chosen> {
  const bitmap = await createImageBitmap(blob);
  const scale = Math.min(1, Math.sqrt(mostPixels / (bitmap.width * bitmap.height)));
  const width = Math.max(1, Math.round(bitmap.width * scale));
  const height = Math.max(1, Math.round(bitmap.height * scale));
  const context = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true });
  if (context === null) throw new Error('this browser has no canvas');
  context.fillStyle = 'white';
  context.fillRect(0, 0, width, height);
  context.imageSmoothingQuality = 'high';
  context.drawImage(bitmap, 0, 0, width, height);
  const note = scale < 1 ? `Reduced from ${bitmap.width}×${bitmap.height} to ${width}×${height} for this page.` : '';
  bitmap.close();
  return { image: context.getImageData(0, 0, width, height), name, note };
}

/** Fetches a sample that lies beside the page. */
export async function readSample(name: string): Promise<Chosen> {
  const response = await fetch(`examples/${name}.png`);
  if (!response.ok) throw new Error(`the sample ${name} is not there (${response.status})`);
  return readBlob(await response.blob(), name);
}

/** A rectangle of a picture, in pixels. */
export interface Area {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** Copies a rectangle; what lies outside the picture is left out. */
export function crop(image: ImageData, { x, y, width, height }: Area): ImageData {
  const right = Math.min(x + width, image.width);
  const bottom = Math.min(y + height, image.height);
  const part = new ImageData(right - x, bottom - y);
  for (let row = y; row < bottom; row++) {
    part.data.set(image.data.subarray((row * image.width + x) * 4, (row * image.width + right) * 4), (row - y) * part.width * 4);
  }
  return part;
}

/** The first picture among dropped or pasted things. */
export function pictureOf(transfer: DataTransfer | null): File | undefined {
  return Array.from(transfer?.files ?? []).find((file) => file.type.startsWith('image/'));
}
