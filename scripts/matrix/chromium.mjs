// Chromium, the system's: a page without bundler, a module worker without bundler, and pages that bundlers made.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { chromium } from 'playwright-core';
import { serveFolder } from '../serve-folder.mjs';

const executablePath = process.env.TESSERA_CHROMIUM ?? '/usr/bin/chromium';
const page = (head) => `<!doctype html><meta charset="utf-8"><title>matrix</title>${head}\n`;

/** The map from the names that a project imports to their files, as `exports` gives them to browsers. */
function importMap(project) {
  const base = '/node_modules/tessera-codec/';
  const { exports } = JSON.parse(readFileSync(`${project}${base}package.json`, 'utf8'));
  const entries = Object.entries(exports).filter(([, target]) => typeof target === 'object');
  return {
    imports: {
      ...Object.fromEntries(entries.map(([name, target]) => [`tessera-codec${name.slice(1)}`, `${base}${target.default.slice(2)}`])),
      'onnxruntime-web/wasm': '/node_modules/onnxruntime-web/dist/ort.wasm.bundle.min.mjs',
    },
  };
}

/**
 * Opens an address in a browser of its own.
 *
 * @param use - gets the tab, the addresses that were asked for so far, and the browser's version; what fails is told with the page's messages
 * @param args - for the browser's command line
 */
async function open(address, use, args = []) {
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', ...args] });
  const messages = [];
  try {
    const context = await browser.newContext();
    const requests = [];
    context.on('request', (request) => requests.push(request.url()));
    const tab = await context.newPage();
    tab.on('console', (message) => messages.push(message.text()));
    tab.on('pageerror', (error) => messages.push(String(error)));
    await tab.goto(address);
    return await use(tab, requests, browser.version());
  } catch (error) {
    throw new Error([error.message, ...messages].join('\n'));
  } finally {
    await browser.close();
  }
}

/**
 * Opens an address and lets the page decode, then encode.
 *
 * @returns version and outcome
 * @throws when the page asks for anything elsewhere, or for onnxruntime-web or a model before it encodes
 */
export function openPage(address) {
  return open(address, async (tab, requests, version) => {
    await tab.waitForFunction('globalThis.decoded !== undefined', undefined, { timeout: 60_000 });
    await tab.evaluate('globalThis.decoded');
    const early = requests.filter((url) => /onnx|\bort[.-]/.test(url));
    if (early.length > 0) throw new Error(`decoding loaded ${early.join(', ')}`);
    const outcome = await tab.evaluate('globalThis.encoded()');
    const { origin } = new URL(address);
    const foreign = requests.filter((url) => !url.startsWith(origin) && !/^(blob|data):/.test(url));
    if (foreign.length > 0) throw new Error(`the page asked for ${foreign.join(', ')}`);
    return { about: version, outcome };
  });
}

/** Serves a folder, opens its index.html and gives its tab to `use`. */
export async function inPage(folder, use) {
  const server = await serveFolder(folder);
  try {
    return await open(server.address, use);
  } finally {
    server.close();
  }
}

/** An adapter in software: slow to start with, but it is WebGPU. */
const softwareGpu = ['--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader', '--enable-features=Vulkan'];

/** Serves a folder and opens its index.html, or another path, as `openPage` does. */
export async function openFolder(folder, path = '') {
  const server = await serveFolder(folder);
  try {
    return await openPage(server.address + path);
  } finally {
    server.close();
  }
}

export const chromiumTargets = [
  {
    name: 'chromium-page',
    run({ project }) {
      const map = `<script type="importmap">${JSON.stringify(importMap(project))}</script>`;
      // Workers know no import maps: what they import by name is told by address.
      const options = `<script>globalThis.ortOptions = { library: '/node_modules/onnxruntime-web/dist/ort.wasm.bundle.min.mjs' };</script>`;
      writeFileSync(`${project}/page.html`, page(`${map}${options}<script type="module" src="page.js"></script>`));
      return openFolder(project, 'page.html');
    },
  },
  {
    name: 'chromium-worker',
    run({ project }) {
      writeFileSync(`${project}/worker-page.html`, page('<script type="module" src="worker-page.js"></script>'));
      return openFolder(project, 'worker-page.html');
    },
  },
  {
    name: 'webgpu',
    async run({ project }) {
      const options = { library: '/node_modules/onnxruntime-web/dist/ort.webgpu.bundle.min.mjs', device: 'webgpu' };
      writeFileSync(
        `${project}/webgpu-page.html`,
        page(`<script type="importmap">${JSON.stringify(importMap(project))}</script><script type="module" src="webgpu-page.js"></script>`),
      );
      const server = await serveFolder(project);
      try {
        return await open(
          `${server.address}webgpu-page.html`,
          async (tab, _requests, version) => {
            await tab.waitForFunction('globalThis.encodeOn !== undefined');
            const { shaders, closeToSource } = await tab.evaluate(`encodeOn(${JSON.stringify(options)})`);
            assert.ok(shaders > 0, 'no shader was compiled');
            assert.ok(closeToSource, 'the picture is far from its source');
            return { about: `Chromium ${version}, ${shaders} shaders` };
          },
          softwareGpu,
        );
      } finally {
        server.close();
      }
    },
  },
];
