// Takes the pictures of the demo page in docs/: desktop and phone, light and dark. Needs Chromium in /usr/bin.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { chromium } from 'playwright-core';
import { ensureBuilt, ensureInstalled, fromRoot } from './setup.mjs';

// Here and not in the server, whose first words are read as its address.
ensureInstalled();
ensureBuilt();

const server = spawn(process.execPath, [fromRoot('scripts/demo.mjs'), '--port', '0'], { stdio: ['ignore', 'pipe', 'inherit'] });
const [address] = await once(server.stdout, 'data');
mkdirSync(fromRoot('docs'), { recursive: true });
const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });
try {
  for (const [device, width, height] of [
    ['desktop', 1280, 900],
    ['phone', 390, 844],
  ]) {
    for (const colorScheme of ['light', 'dark']) {
      const page = await browser.newPage({ viewport: { width, height }, colorScheme });
      page.on('console', (message) => console.error(message.text()));
      page.on('pageerror', (error) => console.error(error));
      await page.goto(String(address).trim());
      const done = () => page.locator('#status', { hasText: /^Done/ }).waitFor({ timeout: 300_000 });
      await done();
      if (colorScheme === 'dark') {
        // A picture whose patches differ in what they want, with the map of codecs over it.
        await page.click('[data-sample="screen"]');
        await done();
        await page.check('#show-map');
      }
      await page.screenshot({ path: fromRoot('docs', `demo-${device}-${colorScheme}.png`), fullPage: true });
      await page.close();
    }
  }
} finally {
  await browser.close();
  server.kill();
}
