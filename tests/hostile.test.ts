/** What a hostile file, pack or connection could do beside breaking the format: take memory, throw what is no TesseraError, steer a terminal. */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { alphaOf, writeAlphaSection } from '../src/alpha/section.js';
import { describeError } from '../src/cli/exit.js';
import { engineOfPackage } from '../src/codec.js';
import { alphaTag, parseHeader, parsePictureSection, parseSections, writeFile } from '../src/container.js';
import { decodeFile, decodePartially } from '../src/decode.js';
import { TesseraError } from '../src/errors.js';
import { decode } from '../src/index.js';
import { loadPack } from '../src/models/load.js';
import type { DecodeOptions } from '../src/types.js';
import { createWorkerCodec } from '../src/worker/client.js';
import { conformanceDecoderFile, conformanceManifestFile, conformanceModels as models, vectorBytes } from './conformance/files.js';
import { fromRoot, sameBytes } from './helpers.js';

afterEach(() => vi.unstubAllGlobals());

describe('a host without memory for the pixels', () => {
  const sound = vectorBytes('two-patches');

  test.each<DecodeOptions>([{}, { scale: 0.5 }, { region: { x: 0, y: 0, width: 65, height: 1 } }])('%o: limitMemory', async (options) => {
    class Exhausted extends Uint8ClampedArray {
      constructor(length: number) {
        super(0);
        throw new RangeError(`Array buffer allocation failed: ${length}`);
      }
    }
    vi.stubGlobal('Uint8ClampedArray', Exhausted);
    await expect(decode(sound, { models, ...options })).rejects.toMatchObject({ name: 'TesseraError', code: 'limitMemory' });
    vi.unstubAllGlobals();
    expect((await decode(sound, { models })).width).toBe(65);
  });
});

describe('streams that are longer than their symbols can be', () => {
  const endless = new Uint8Array(2 ** 24).fill(0x5a);
  const begun = (stream: Uint8Array): Uint8Array => {
    const bytes = endless.slice();
    bytes.set(stream);
    return bytes;
  };

  /** A vector with one of its streams made endless, all checksums right. */
  function withEndless(name: string, part: 'modeMap' | 'coarse' | 'tile' | 'alpha'): Uint8Array {
    const bytes = vectorBytes(name);
    const header = parseHeader(bytes);
    const sections = parseSections(header, bytes);
    const { scales, modeMap, coarse, tiles } = parsePictureSection(header, sections);
    const picture = {
      scales,
      modeMap: part === 'modeMap' ? begun(modeMap) : modeMap,
      coarse: part === 'coarse' ? begun(coarse) : coarse,
      tiles: part === 'tile' ? tiles.map(begun) : tiles,
    };
    const alpha = (alphaOf(header, sections) ?? []).map((tile) =>
      part === 'alpha' && tile.kind !== 'constant' ? { ...tile, stream: begun(tile.stream) } : tile,
    );
    const others = header.alpha ? [{ tag: alphaTag, payload: writeAlphaSection(alpha) }] : [];
    return writeFile(header, picture, others);
  }

  test.each([
    ['map-turns-adaptive', 'modeMap', 'entropyDesync'],
    ['map-turns-fixed', 'modeMap', 'corruptSection'],
    ['map-counts-limit', 'coarse', 'entropyDesync'],
    ['shape-tile-and-one', 'tile', 'entropyDesync'],
    ['alpha-levels', 'alpha', 'entropyDesync'],
    ['alpha-mask', 'alpha', 'entropyDesync'],
  ] as const)('%s, %s: %s, and the core does not hold them', async (name, part, code) => {
    const engine = engineOfPackage();
    const held = (): Promise<number> => engine.withCore(async (core) => core.memoryBytes);
    const expected = await decodeFile(engine, vectorBytes(name), { models });
    const before = await held();
    const file = withEndless(name, part);
    await expect(decodeFile(engine, file, { models })).rejects.toMatchObject({ code });
    if (part === 'tile' || part === 'alpha') expect((await decodePartially(engine, file, { models })).missing.length).toBeGreaterThan(0);
    // The core takes 6 MiB for a tile of 512 × 512 at most.
    expect(await held()).toBeLessThan(before + 2 ** 23);
    expect(sameBytes((await decodeFile(engine, vectorBytes(name), { models })).data, expected.data)).toBe(true);
  });
});

describe('bytes that do not arrive', () => {
  const broken = (): Response => new Response(new ReadableStream({ start: (controller) => controller.error(new TypeError('terminated')) }));
  const used = async (): Promise<Response> => {
    const response = new Response(vectorBytes('pixel-uniform').slice());
    await response.arrayBuffer();
    return response;
  };

  test('a connection that breaks and a body that was read: invalidArgument', async () => {
    const invalid = { name: 'TesseraError', code: 'invalidArgument' };
    await expect(decode(broken(), { models })).rejects.toMatchObject(invalid);
    await expect(decode(await used(), { models })).rejects.toMatchObject(invalid);
    const worker = createWorkerCodec();
    await expect(worker.decode(broken(), { models })).rejects.toMatchObject(invalid);
    worker.dispose();
  });
});

describe('names in a manifest', () => {
  const manifest = JSON.parse(new TextDecoder().decode(conformanceManifestFile));
  const packWith = (changed: string) => ({
    files: { 'manifest.json': new TextEncoder().encode(changed), 'decoder.bin': conformanceDecoderFile },
  });

  test.each(['toString', 'constructor', '__proto__'])('%s is no file unless the manifest names it', async (name) => {
    const analysis = new Array<string>(manifest.anchors).fill(name);
    await expect(loadPack(packWith(JSON.stringify({ ...manifest, analysis })))).rejects.toMatchObject({ code: 'corruptModel' });
  });

  test('a function of every object is no file of a pack', async () => {
    // The hash is that of no bytes; `toString` has the length 0.
    const files = { ...manifest.files, toString: { bytes: 0, sha256: 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855' } };
    const pack = await loadPack(packWith(JSON.stringify({ ...manifest, files })));
    await expect(pack.file('toString')).rejects.toMatchObject({ code: 'modelUnavailable' });
  });

  test('do not steer the terminal', () => {
    const folder = mkdtempSync(join(tmpdir(), 'tessera-hostile-'));
    try {
      const name = 'red \u001b[31m\u009b2J\rover\nnext';
      writeFileSync(join(folder, 'manifest.json'), JSON.stringify({ ...manifest, name }));
      writeFileSync(join(folder, 'decoder.bin'), conformanceDecoderFile);
      writeFileSync(join(folder, 'file.tsr'), vectorBytes('pixel-uniform'));
      const { status, stdout } = spawnSync(
        process.execPath,
        [fromRoot('build/cli.js'), 'info', join(folder, 'file.tsr'), '--model', folder],
        {
          encoding: 'utf8',
        },
      );
      expect(status).toBe(0);
      expect(stdout).toContain('red \\x1b[31m\\x9b2J\\x0dover\\x0anext');
      expect(describeError(new TesseraError('corruptModel', name))).toBe('tessera: corruptModel: red \\x1b[31m\\x9b2J\\x0dover\\x0anext');
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
