/** The demo page in Chromium: it works, by keyboard too, and nothing leaves it. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fromRoot } from '../helpers.js';

const executablePath = '/usr/bin/chromium';
const present = existsSync(executablePath);
if (!present) console.warn(`${executablePath} is not there (apt-get install chromium); the test of the demo page is skipped`);

describe.skipIf(!present)('the demo page', () => {
  let server: ChildProcess;
  let browser: Browser;
  let page: Page;
  let origin: string;
  const foreign: string[] = [];
  const failures: string[] = [];

  beforeAll(async () => {
    server = spawn(process.execPath, [fromRoot('scripts/demo.mjs'), '--port', '0'], { stdio: ['ignore', 'pipe', 'inherit'] });
    if (server.stdout === null) throw new Error('the server has no output');
    const [address] = (await once(server.stdout, 'data')) as [Buffer];
    origin = address.toString().trim();
    browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
    page = await browser.newPage({ viewport: { width: 390, height: 844 } });
    page.on('request', (request) => {
      if (!request.url().startsWith(origin) && !request.url().startsWith('blob:')) foreign.push(request.url());
    });
    page.on('pageerror', (error) => failures.push(error.message));
    await page.goto(origin);
  });
  afterAll(async () => {
    await browser?.close();
    server?.kill();
  });

  const done = (): Promise<void> => page.locator('#status', { hasText: /^Done/ }).waitFor({ timeout: 110_000 });
  const cellsOf = (codec: string): Promise<string[]> => page.locator('#figures tr', { hasText: codec }).locator('td').allTextContents();
  const numberOf = (text: string): number => Number(text.replaceAll(',', ''));

  test('codes its sample and brings the other codecs to as many bytes', async () => {
    await done();
    const [bytes, bpp, psnr] = (await cellsOf('Tessera')).map(numberOf);
    expect(bpp).toBeCloseTo((8 * bytes) / (600 * 400), 3);
    expect(psnr).toBeGreaterThan(15);
    for (const rival of ['JPEG', 'WebP', 'AVIF']) {
      const [rivalBytes, , rivalPsnr] = (await cellsOf(rival)).map(numberOf);
      expect(rivalBytes, rival).toBeLessThanOrEqual(bytes);
      expect(rivalBytes, rival).toBeGreaterThan(bytes * 0.8);
      expect(rivalPsnr, rival).toBeGreaterThan(15);
    }
  });

  test('fits the width of a phone', async () => {
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(390);
  });

  test('the keyboard moves quality, divider and zoom', async () => {
    const before = numberOf((await cellsOf('Tessera'))[0]);
    await page.locator('#quality').focus();
    for (let step = 0; step < 20; step++) await page.keyboard.press('ArrowRight');
    await done();
    expect(await page.locator('#quality-value').textContent()).toBe('70');
    expect(numberOf((await cellsOf('Tessera'))[0])).toBeGreaterThan(before);
    await page.locator('#stage').focus();
    const zoomOf = async (): Promise<number> => Number.parseInt((await page.locator('#zoom-value').textContent()) ?? '', 10);
    const fitted = await zoomOf();
    await page.keyboard.press('+');
    expect(await zoomOf()).toBeGreaterThan(fitted);
    await page.keyboard.press('0');
    expect(await zoomOf()).toBe(fitted);
    await page.locator('#split').focus();
    await page.keyboard.press('Home');
    expect(await page.evaluate("document.getElementById('divider').style.left")).toBe('-1px');
  });

  test('the mode map and its legend', async () => {
    await page.locator('#show-map').focus();
    await page.keyboard.press('Space');
    const items = await page.locator('#legend li').allTextContents();
    const patches = items.map((item) => Number(/: (\d+) of 20 patches/.exec(item)?.[1]));
    expect(patches.reduce((sum, count) => sum + count, 0)).toBe(20);
    await page.hover('#stage');
    expect(await page.locator('#tip').textContent()).toMatch(
      /^mode [1-8] \(codec [0-7]\)\npatch \d+: column \d of 5, row \d of 4\nTessera: \d+\.\d dB\nJPEG: \d+\.\d dB$/,
    );
  });

  test('nothing of the picture before stays beside another', async () => {
    const atStart = await page.evaluate(`new Promise((resolve) => {
      const status = document.getElementById('status');
      new MutationObserver((_, observer) => {
        if (!/^Encoding/.test(status.textContent)) return;
        observer.disconnect();
        resolve([document.querySelectorAll('#figures tr').length, document.getElementById('download').hidden, document.getElementById('rival').value]);
      }).observe(status, { childList: true });
      document.querySelector('[data-sample="screen"]').click();
    })`);
    expect(atStart).toEqual([0, true, 'the original']);
    await done();
    expect(await page.locator('#status').textContent()).toMatch(/^Done: 640×480, /);
    expect(await page.locator('#figures tr').count()).toBeGreaterThan(1);
  });

  test('nothing leaves the page, and nothing fails in it', () => {
    expect(foreign).toEqual([]);
    expect(failures).toEqual([]);
  });
});
