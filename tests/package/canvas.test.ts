/** `tessera-codec/canvas` in Chromium: canvases, bitmaps and blobs. */

import { existsSync } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sameBytes, synthetic } from '../helpers.js';
import { type Server, serveRepository } from './server.js';

const executablePath = '/usr/bin/chromium';
const present = existsSync(executablePath);
if (!present) console.warn(`${executablePath} is not there (apt-get install chromium); the tests of canvases are skipped`);

const picture = synthetic(60, 40);
const raw = { raw: { width: 60, height: 40, channels: 4 } } as const;

describe.skipIf(!present)('Chromium', () => {
  let server: Server;
  const browsers: Browser[] = [];

  beforeAll(async () => {
    server = await serveRepository({
      'index.html': '<!doctype html>',
      'picture.png': await sharp(picture.data, raw).png().toBuffer(),
      // Lies on its side: browsers turn it by the EXIF data.
      'turned.png': await sharp(picture.data, raw).rotate(-90).withMetadata({ orientation: 6 }).png().toBuffer(),
      'source.rgba': Uint8Array.from(picture.data),
    });
  });
  afterAll(async () => {
    for (const browser of browsers) await browser.close();
    server.close();
  });

  /** Runs the body of a function in a page of its own. */
  async function run<Result>(body: string): Promise<Result> {
    const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
    browsers.push(browser);
    const page = await browser.newPage();
    await page.goto(`${server.origin}index.html`);
    return page.evaluate(`(async () => { ${body} })()`) as Promise<Result>;
  }

  const numbers = (list: number[]): Uint8ClampedArray => Uint8ClampedArray.from(list);

  test('pixels of a blob, a bitmap and a canvas, turned as the file says', async () => {
    const all = await run<{ data: number[]; width: number; height: number }[]>(`
      const { readPixels, toCanvas } = await import('/build/canvas.js');
      const blob = await (await fetch('/picture.png')).blob();
      const sources = [blob, await (await fetch('/turned.png')).blob(), await createImageBitmap(blob), toCanvas(await readPixels(blob))];
      const all = [];
      for (const source of sources) {
        const { data, width, height } = await readPixels(source);
        all.push({ data: [...data], width, height });
      }
      return all;`);
    for (const { data, width, height } of all) {
      expect([width, height]).toEqual([60, 40]);
      expect(sameBytes(numbers(data), picture.data)).toBe(true);
    }
  });

  test('a decoded picture as canvas, bitmap and blob, in a worker as in a page', async () => {
    const result = await run<{ sizes: number[][]; type: string; data: number[] }>(`
      const { readPixels, toBitmap, toBlob, toCanvas } = await import('/build/canvas.js');
      const data = new Uint8ClampedArray(await (await fetch('/source.rgba')).arrayBuffer());
      const plain = { data, width: 60, height: 40, colorSpace: 'srgb' };
      const canvas = toCanvas(plain);
      const bitmap = await toBitmap(plain);
      const blob = await toBlob(new ImageData(data, 60));
      const back = await readPixels(blob);
      return { sizes: [[canvas.width, canvas.height], [bitmap.width, bitmap.height]], type: blob.type, data: [...back.data] };`);
    expect(result).toMatchObject({
      sizes: [
        [60, 40],
        [60, 40],
      ],
      type: 'image/png',
    });
    expect(sameBytes(numbers(result.data), picture.data)).toBe(true);
  });

  test('maxPixels reduces in proportion; what is no picture is refused', async () => {
    const result = await run<{ size: number[]; code: string }>(`
      const { readPixels } = await import('/build/canvas.js');
      const { width, height } = await readPixels(await (await fetch('/picture.png')).blob(), { maxPixels: 600 });
      const code = await readPixels(new Blob(['no picture'])).catch((error) => error.code);
      return { size: [width, height], code };`);
    expect(result).toEqual({ size: [30, 20], code: 'invalidArgument' });
  });
});
