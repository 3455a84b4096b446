import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { crc32, parseHeader, parseSections } from '../src/container.js';
import {
  createCodec,
  decode,
  defaultOptions,
  encode,
  extension,
  formatVersion,
  init,
  label,
  mimeType,
  probe,
  TesseraError,
  version,
} from '../src/index.js';
import type { CommonOptions, EncodeOptions, PixelSource, Progress } from '../src/types.js';
import { fromRoot, sameBytes, synthetic } from './helpers.js';

const image = synthetic(150, 140);
let file: Uint8Array<ArrayBuffer>;
beforeAll(async () => {
  file = await encode(image, { quality: 40 });
});

test('names and versions', () => {
  const manifest = JSON.parse(readFileSync(fromRoot('package.json'), 'utf8'));
  expect(version).toBe(manifest.version);
  expect([formatVersion, label, mimeType, extension]).toEqual([0, 'Tessera', 'image/x-tessera', 'tsr']);
  expect(defaultOptions).toEqual({ quality: 50, modes: 8, effort: 5, patch: 128, lanes: 1 });
});

test('importing the package does nothing: it works without WebAssembly, fetch and crypto', () => {
  const script = `for (const name of ['WebAssembly', 'fetch', 'crypto']) delete globalThis[name];
    const { probe } = await import(${JSON.stringify(fromRoot('build/index.js'))}); console.log(typeof probe);`;
  expect(execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' })).toBe('function\n');
});

describe('bytes in', () => {
  test('any view, Blob and Response give the same picture', async () => {
    const expected = await decode(file);
    const padded = new Uint8Array(file.length + 3);
    padded.set(file, 3);
    for (const source of [
      file.buffer,
      padded.subarray(3),
      Buffer.from(file),
      new DataView(file.buffer),
      new Blob([file]),
      new Response(file),
    ]) {
      expect(sameBytes((await decode(source)).data, expected.data)).toBe(true);
    }
  });

  test('anything else is refused', async () => {
    for (const source of ['text', 5, null, undefined, {}])
      await expect(decode(source as never)).rejects.toMatchObject({ code: 'invalidArgument' });
  });
});

describe('wrong calls are invalidArgument', () => {
  const pixels = new Uint8ClampedArray(16);
  test.each<[string, unknown]>([
    ['no object', 5],
    ['null', null],
    ['no pixels', { width: 2, height: 2 }],
    ['an array', { data: [...pixels], width: 2, height: 2 }],
    ['16 bits', { data: new Uint16Array(16), width: 2, height: 2 }],
    ['too few bytes', { data: pixels, width: 2, height: 3 }],
    ['a width of 0', { data: pixels, width: 0, height: 2 }],
    ['a fractional width', { data: pixels, width: 1.5, height: 2 }],
    ['a NaN height', { data: pixels, width: 2, height: Number.NaN }],
    ['another colour space', { data: pixels, width: 2, height: 2, colorSpace: 'display-p3' }],
  ])('%s', async (_, picture) => {
    await expect(encode(picture as PixelSource)).rejects.toMatchObject({ name: 'TesseraError', code: 'invalidArgument' });
  });

  test.each<[string, object]>([
    ['quality −1', { quality: -1 }],
    ['quality 101', { quality: 101 }],
    ['quality NaN', { quality: Number.NaN }],
    ['3 modes', { modes: 3 }],
    ['effort 0', { effort: 0 }],
    ['effort 2.5', { effort: 2.5 }],
    ['patches of 100', { patch: 100 }],
    ['3 lanes', { lanes: 3 }],
    ['a negative limit', { limits: { maxPixels: -1 } }],
  ])('%s', async (_, options) => {
    await expect(encode(image, options as EncodeOptions)).rejects.toMatchObject({ code: 'invalidArgument' });
  });

  test('an unknown transform', async () => {
    await expect(decode(file, { transform: 'gpu' as never })).rejects.toMatchObject({ code: 'invalidArgument' });
  });
});

describe('transparency', () => {
  test('is flattened onto the background that is given', async () => {
    const data = new Uint8ClampedArray(64 * 64 * 4);
    for (let i = 0; i < data.length; i += 4) data.set([200, 0, 100, 0], i);
    const picture = await decode(await encode({ data, width: 64, height: 64 }, { background: [255, 255, 255], quality: 90 }));
    const opaque = await decode(await encode({ data: data.map(() => 255), width: 64, height: 64 }, { quality: 90 }));
    expect(sameBytes(picture.data, opaque.data)).toBe(true);
    await expect(encode({ data, width: 64, height: 64 }, { background: [300, 0, 0] })).rejects.toMatchObject({ code: 'invalidArgument' });
  });
});

describe('input that is transferred to someone else', () => {
  const transfer = ({ buffer }: { readonly buffer: ArrayBufferLike }): void => {
    structuredClone(0, { transfer: [buffer as ArrayBuffer] });
  };
  const gone = expect.objectContaining({ name: 'TesseraError', code: 'invalidArgument' });

  test('before the call', async () => {
    for (const view of ['bytes', 'buffer', 'dataView'] as const) {
      const bytes = file.slice();
      const source = { bytes, buffer: bytes.buffer, dataView: new DataView(bytes.buffer) }[view];
      transfer(bytes);
      expect(() => probe(source), view).toThrow(gone);
      await expect(decode(source), view).rejects.toEqual(gone);
    }
    const data = image.data.slice();
    transfer(data);
    await expect(encode({ ...image, data })).rejects.toEqual(gone);
  });

  type Input = Uint8Array | Uint8ClampedArray;
  test.each<[string, () => Input, (input: Input, options: CommonOptions) => Promise<unknown>]>([
    ['decode', () => file.slice(), (input, options) => decode(input, options)],
    ['decode with partial', () => file.slice(), (input, options) => decode(input, { partial: true, ...options })],
    ['encode', () => image.data.slice(), (data, options) => encode({ ...image, data }, { quality: 40, modes: 1, effort: 1, ...options })],
  ])('at any step of %s', async (_, input, call) => {
    let steps = 0;
    await call(input(), { onProgress: () => steps++ });
    expect(steps).toBeGreaterThan(4);
    for (let step = 0; step < steps; step++) {
      const own = input();
      let reached = 0;
      const onProgress = (): void => {
        if (reached++ === step) transfer(own);
      };
      await expect(call(own, { onProgress }), `step ${step} of ${steps}`).rejects.toEqual(gone);
    }
  });

  test('an abort comes first', async () => {
    const controller = new AbortController();
    const bytes = file.slice();
    const onProgress = (): void => {
      transfer(bytes);
      controller.abort();
    };
    await expect(decode(bytes, { onProgress, signal: controller.signal })).rejects.toMatchObject({ code: 'aborted' });
  });
});

describe('limits', () => {
  test('hold for encoding too', async () => {
    await expect(encode(image, { limits: { maxPixels: 100 } })).rejects.toMatchObject({ code: 'limitPixels' });
    await expect(encode(image, { limits: { maxDimension: 100 } })).rejects.toMatchObject({ code: 'limitDimension' });
    await expect(decode(file, { limits: { maxPixels: 100 } })).rejects.toMatchObject({ code: 'limitPixels' });
  });
});

describe('abort and progress', () => {
  test('a signal that has fired stops the call at once', async () => {
    const signal = AbortSignal.abort('enough');
    await expect(encode(image, { signal })).rejects.toMatchObject({ code: 'aborted', cause: 'enough' });
    await expect(decode(file, { signal })).rejects.toMatchObject({ code: 'aborted' });
  });

  test('a signal that fires in any stage stops the call, and the codec stays usable', async () => {
    for (const stage of ['model', 'analyse', 'select', 'code']) {
      const controller = new AbortController();
      const onProgress = (progress: Progress): void => {
        if (progress.stage === stage) controller.abort();
      };
      await expect(encode(image, { signal: controller.signal, onProgress }), stage).rejects.toMatchObject({ code: 'aborted' });
    }
    expect(sameBytes(await encode(image, { quality: 40 }), file)).toBe(true);
  });

  test('stages come in order and end complete', async () => {
    const stagesOf = async (call: (onProgress: (progress: Progress) => void) => Promise<unknown>): Promise<string[]> => {
      const last = new Map<string, Progress>();
      let fraction = 0;
      await call((progress) => {
        expect(progress.fraction).toBeGreaterThanOrEqual(fraction);
        fraction = progress.fraction;
        expect(progress.loaded).toBeGreaterThanOrEqual(last.get(progress.stage)?.loaded ?? 0);
        expect(progress.loaded).toBeLessThanOrEqual(progress.total);
        last.set(progress.stage, progress);
      });
      expect(fraction).toBe(1);
      for (const progress of last.values()) expect(progress.loaded, progress.stage).toBe(progress.total);
      return [...last.keys()];
    };
    expect(await stagesOf((onProgress) => encode(image, { onProgress }))).toEqual(['model', 'analyse', 'select', 'refine', 'code']);
    const fast = await stagesOf((onProgress) => encode(image, { effort: 2, onProgress }));
    expect(fast).toEqual(['model', 'analyse', 'select', 'refine', 'code']);
    expect(await stagesOf((onProgress) => encode(image, { effort: 1, onProgress }))).toEqual(['model', 'analyse', 'select', 'code']);
    expect(await stagesOf((onProgress) => decode(file, { onProgress }))).toEqual(['model', 'code', 'synthesise']);
    expect(await stagesOf((onProgress) => decode(file, { onProgress, transform: 'ort' }))).toEqual(['model', 'code', 'synthesise']);
  });
});

describe('codecs', () => {
  test('calls may overlap', async () => {
    const results = await Promise.all([decode(file), encode(image, { quality: 40 }), decode(file), decode(file, { transform: 'ort' })]);
    expect(sameBytes((results[0] as { data: Uint8ClampedArray }).data, (results[2] as { data: Uint8ClampedArray }).data)).toBe(true);
    expect(sameBytes(results[1] as Uint8Array, file)).toBe(true);
  });

  test('dispose', async () => {
    const codec = await createCodec();
    expect(sameBytes((await codec.decode(file)).data, (await decode(file)).data)).toBe(true);
    codec.dispose();
    await expect(codec.decode(file)).rejects.toMatchObject({ code: 'disposed' });
    await expect(codec.encode(image)).rejects.toMatchObject({ code: 'disposed' });
  });

  test('a core of the caller, as a module or bytes; a broken one is backendUnavailable', async () => {
    const wasm = readFileSync(fromRoot('build/codec.wasm'));
    for (const core of [wasm, new WebAssembly.Module(wasm)]) {
      const codec = await createCodec({ core });
      expect(sameBytes((await codec.decode(file)).data, (await decode(file)).data)).toBe(true);
    }
    await expect(createCodec({ core: new Uint8Array(10) })).rejects.toMatchObject({ code: 'backendUnavailable' });
    await init();
  });
});

describe('damaged files', () => {
  test('every truncation is refused', async () => {
    for (let length = 0; length < file.length; length += length < 100 ? 1 : 13) {
      await expect(decode(file.subarray(0, length)), `length ${length}`).rejects.toMatchObject({ code: 'truncated' });
    }
  });

  test('damage behind repaired checksums ends in a typed error or in a picture, never otherwise', async () => {
    const section = parseSections(parseHeader(file), file).find(({ tag }) => tag === 1);
    const payload = section?.offset as number;
    const start = payload - 4 - (file.length - payload >= 128 ? 2 : 1) - 1;
    let refused = 0;
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: payload, max: file.length - 1 }), fc.integer({ min: 1, max: 255 }), async (position, change) => {
        const bytes = file.slice();
        bytes[position] ^= change;
        new DataView(bytes.buffer).setUint32(payload - 4, crc32(bytes.subarray(start, payload - 4), bytes.subarray(payload)), true);
        try {
          expect((await decode(bytes)).width).toBe(image.width);
        } catch (error) {
          expect(error).toBeInstanceOf(TesseraError);
          expect(['entropyDesync', 'corruptSection']).toContain((error as TesseraError).code);
          refused++;
        }
      }),
      { numRuns: 300 },
    );
    // The final states of the lanes notice nearly all of it.
    expect(refused).toBeGreaterThan(290);
  });

  test('another pack', async () => {
    const bytes = file.slice();
    bytes[12] ^= 1;
    new DataView(bytes.buffer).setUint32(23, crc32(bytes.subarray(0, 23)), true);
    expect(probe(bytes).packHash).not.toBe(probe(file).packHash);
    await expect(decode(bytes)).rejects.toMatchObject({ code: 'unknownModel' });
  });

  test.each([
    ['anchor', 20],
    ['step', 21],
  ])('an %s that the pack does not have', async (_, offset) => {
    const bytes = file.slice();
    bytes[offset] = 255;
    new DataView(bytes.buffer).setUint32(23, crc32(bytes.subarray(0, 23)), true);
    await expect(decode(bytes)).rejects.toMatchObject({ code: 'corruptHeader', offset });
  });
});
