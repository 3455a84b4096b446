import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { crc32 } from '../src/container.js';
import { TesseraError } from '../src/errors.js';
import { loadPack } from '../src/models/load.js';
import { countMacs } from '../src/models/macs.js';
import { type Manifest, parseManifest } from '../src/models/manifest.js';
import { parseDecoderPack, readSynthesisWeights } from '../src/models/pack.js';
import { rangeOfFeatures } from '../src/models/range.js';
import { checkRate, lambdaOfRate, qualityOfRate, rateOfQuality } from '../src/quality.js';
import { conformanceDecoderFile } from './conformance/files.js';
import { decoderBin, fromRoot } from './helpers.js';

const original = decoderBin();

/** A copy with one byte changed and the checksum repaired. */
function withByte(offset: number, value: number): Uint8Array {
  const bytes = original.slice();
  bytes[offset] = value;
  new DataView(bytes.buffer).setUint32(bytes.length - 4, crc32(bytes.subarray(0, bytes.length - 4)), true);
  return bytes;
}

function blockOffsets(): number[] {
  const view = new DataView(original.buffer);
  const offsets: number[] = [];
  let position = 12;
  for (let block = 0; block < 4; block++) {
    offsets.push(position + 8);
    position += 8 + view.getUint32(position + 4, true);
  }
  return offsets;
}

const corrupt = expect.objectContaining({ name: 'TesseraError', code: 'corruptModel' });

describe('decoder.bin', () => {
  test('the pack of the package is read', () => {
    const pack = parseDecoderPack(original);
    expect(pack.modes).toBe(8);
    expect(pack.decoders.length).toBe(8);
    expect(pack.decoders[7].length).toBe(pack.anchors);
    expect(pack.modeSets.get(8)?.subset.toSorted()).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    expect(pack.steps[0].gain).toBeGreaterThan(0);
    expect(new Set(pack.decoders.flat().map((decoder) => decoder.bytes.length))).toEqual(
      new Set([8 + 3 * 2 + 544 * 2 + 34 * 4 + 6 * 18 + 8 + 699 * 2 + 3 * 2 + 9 * 2]),
    );
  });

  test('every truncation is refused', () => {
    for (let length = 0; length < original.length; length += length < 64 ? 1 : 997) {
      expect(() => parseDecoderPack(original.subarray(0, length)), `length ${length}`).toThrow(corrupt);
    }
    expect(() => parseDecoderPack(Uint8Array.from([...original, 0]))).toThrow(corrupt);
  });

  test('every flipped bit is refused by the checksum', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: original.length * 8 - 1 }), (bit) => {
        const bytes = original.slice();
        bytes[bit >> 3] ^= 1 << (bit & 7);
        expect(() => parseDecoderPack(bytes)).toThrow(corrupt);
      }),
      { numRuns: 200 },
    );
  });

  test.each([
    ['magic', 0, 0],
    ['version', 4, 1],
    ['modes', 5, 3],
    ['anchors 0', 6, 0],
    ['anchors 17', 6, 17],
    ['grids', 7, 6],
    ['reserved', 10, 1],
    ['tag of block 1', 12, 2],
  ])('%s is checked behind a repaired checksum', (_, offset, value) => {
    expect(() => parseDecoderPack(withByte(offset, value))).toThrow(corrupt);
  });

  test('rows, steps, modes and decoders are checked behind a repaired checksum', () => {
    const [rows, steps, modes, decoders] = blockOffsets();
    const check = (offset: number, value: number, text: RegExp): void => {
      expect(() => parseDecoderPack(withByte(offset, value))).toThrow(text);
    };
    check(rows, 0, /class 0: n is 0/);
    check(rows, 32, /class 0: n is 32/);
    check(rows + 1, 16, /escape order 16/);
    check(rows + 128, original[rows + 128] ^ 2, /a row adds up to/);
    check(steps, 0, /no steps/);
    check(steps, 255, /ends too early/);
    check(modes, 8, /the subset for 1 modes/);
    check(decoders, 1, /unknown kind of context model for grid 0/);
    check(decoders + 7, 1, /a reserved byte/);
    check(decoders + 8, 7, /7 fractional bits/);
    check(decoders + 8, 13, /13 fractional bits/);
  });

  test('a row of the context model that can overflow 32 bits is refused', () => {
    const [, , , decoders] = blockOffsets();
    const bytes = original.slice();
    const view = new DataView(bytes.buffer);
    // Two weights of 32767 pass 2^31 with inputs up to 32767: 2·32767² + … > 2^31 − 1 with any bias of a few thousand.
    for (let input = 0; input < 16; input++) view.setInt16(decoders + 10 + 2 * input, input < 3 ? -32_767 : 0, true);
    view.setUint32(bytes.length - 4, crc32(bytes.subarray(0, bytes.length - 4)), true);
    expect(() => parseDecoderPack(bytes)).toThrow(/a row of the context model can reach/);
  });

  /** Where the filters and the layers of the first decoder start. */
  const filtersStart = (): number => blockOffsets()[3] + 8 + 3 * 2 + 544 * 2 + 34 * 4;
  const layersStart = (): number => filtersStart() + 6 * 18 + 8;

  test('filters with which a float can overflow are refused', () => {
    const start = filtersStart();
    // Six doubling filters whose values stand for up to 2^15 instead of 1: 2^17 · 2^(6 · 30) is beyond 2^127.
    const bytes = original.slice();
    for (let step = 0; step < 6; step++) bytes[start + 18 * step] = 0;
    new DataView(bytes.buffer).setUint32(bytes.length - 4, crc32(bytes.subarray(0, bytes.length - 4)), true);
    expect(() => parseDecoderPack(bytes)).toThrow(/a feature can reach \d\.\de\+\d\d/);
    // One of them is as large as that: the product of the others is small.
    expect(() => parseDecoderPack(withByte(start, 0))).not.toThrow();
  });

  test('rows of the synthesis that can overflow 32 bits are refused, up to the last unit', () => {
    const start = layersStart();
    const second = start + 48 * 14 + 96;
    const third = second + 2 + 48 * 6 + 12;
    const last = third + 2 + 81 * 2 + 12;
    const with16 = (changes: Record<number, number>): Uint8Array => {
      const bytes = original.slice();
      const view = new DataView(bytes.buffer);
      for (const [offset, value] of Object.entries(changes)) view.setInt16(Number(offset), value, true);
      view.setUint32(bytes.length - 4, crc32(bytes.subarray(0, bytes.length - 4)), true);
      return bytes;
    };
    const rows = [
      { row: start, inputs: 7, bias: start + 48 * 14, bits: 16 },
      { row: start + 47 * 14, inputs: 7, bias: start + 48 * 14 + 94, bits: 16 },
      { row: second + 2, inputs: 48, bias: second + 2 + 48 * 6, bits: 32 },
      { row: third + 2 + 27 * 4, inputs: 27, bias: third + 2 + 81 * 2 + 8, bits: 32 },
      { row: last + 2, inputs: 27, bias: last + 2 + 81 * 2, bits: 32 },
    ];
    for (const { row, inputs, bias, bits } of rows) {
      const zeros = Object.fromEntries(Array.from({ length: inputs }, (_, input) => [row + 2 * input, 0]));
      const biases = bits === 16 ? { [bias]: 1 } : { [bias]: 32_767, [bias + 2]: 0 };
      // 65,535 · 2^15 = 2^31 − 2^15: with a bias of 2^14 or 2^15 − 1 it fits, with one weight more it does not.
      const fits = { ...zeros, [row]: 32_767, [row + 4]: -32_767, [row + 6]: 1, ...biases };
      expect(() => parseDecoderPack(with16(fits)), `${row}`).not.toThrow();
      expect(() => parseDecoderPack(with16({ ...fits, [row + 6]: 2 })), `${row}`).toThrow(/a row of the synthesis can reach 2147\d{6}$/);
    }
  });

  test('fractional bits and shifts of the synthesis are checked', () => {
    const start = layersStart();
    const second = start + 48 * 14 + 96;
    for (const [offset, value, text] of [
      [start - 8, 16, /16 fractional bits/],
      [start - 2, 255, /255 fractional bits/],
      [start - 1, 1, /a reserved byte/],
      [second, 0, /0 fractional bits/],
      [second, 25, /25 fractional bits/],
      [second + 1, 1, /a reserved byte/],
    ] as const)
      expect(() => parseDecoderPack(withByte(offset, value))).toThrow(text);
    expect(() => parseDecoderPack(withByte(start - 8, 15))).not.toThrow();
  });

  test('the range of the features is that of the largest', () => {
    const steps = [{ gain: 16_384, inverseGain: 32_768, logScaleOffset: 0 }];
    const kernels = new Float32Array(48);
    for (let step = 0; step < 6; step++) kernels[8 * step + 3] = 2;
    // Latents are below 2^15, twice that dequantised; grid 6 is doubled six times by 2 along both axes.
    expect(rangeOfFeatures(kernels, steps)).toBe(2 ** 16 * 4 ** 6);
    // Grid 0, smoothed by 1 + 2 · 2^20 along both axes.
    kernels[8 * 5 + 4] = 1;
    kernels[8 * 5 + 7] = -(2 ** 20);
    expect(rangeOfFeatures(kernels, steps)).toBe(2 ** 16 * (1 + (1 + 2 ** 21) ** 2));
  });

  test('the packs in the repository stay far from the limit', () => {
    for (const bytes of [original, conformanceDecoderFile]) {
      const { decoders, steps } = parseDecoderPack(bytes);
      for (const decoder of decoders.flat()) expect(rangeOfFeatures(readSynthesisWeights(decoder).kernels, steps)).toBeLessThan(2 ** 60);
    }
  });

  test('the synthesis weights stand for the stored integers', () => {
    const decoder = parseDecoderPack(original).decoders[0][0];
    const { kernels, scales, layers } = readSynthesisWeights(decoder);
    expect(kernels.length).toBe(48);
    expect(layers.map(({ weights, biases }) => [weights.length, biases.length])).toEqual([
      [336, 48],
      [144, 3],
      [81, 3],
      [81, 3],
    ]);
    const start = 8 + 3 * 2 + 544 * 2 + 34 * 4;
    const view = new DataView(decoder.bytes.buffer, decoder.bytes.byteOffset);
    expect(kernels[3]).toBe(view.getInt16(start + 2 + 6, true) * 2 ** -decoder.bytes[start]);
    const bits = start + 6 * 18;
    expect(scales[2]).toBe(2 ** decoder.bytes[bits + 2]);
    expect(layers[0].weights[9]).toBe(view.getInt16(bits + 8 + 18, true) / 65_536);
    expect(layers[0].biases[47]).toBe(Math.fround((view.getInt16(bits + 8 + 48 * 14 + 94, true) - 2) / 4));
    const last = decoder.bytes.length - (2 + 81 * 2 + 12);
    const scale = 255 * 2 ** decoder.bytes[last];
    // The centre of red in red, and the bias of blue, which holds a half.
    expect(layers[3].weights[4]).toBe(Math.fround(view.getInt16(last + 2 + 8, true) / scale));
    expect(layers[3].biases[2]).toBe(Math.fround(view.getInt32(decoder.bytes.length - 4, true) / scale - 0.5 / 255));
  });

  test('1433.0 MAC per pixel at 512×768, the same for every codec', () => {
    for (const decoder of parseDecoderPack(original).decoders.flat()) {
      const macs = countMacs(decoder.shape, 768, 512);
      expect(macs.context).toBeCloseTo(725.289, 3);
      expect(macs.upsampling).toBeCloseTo(65.668, 3);
      expect(macs.synthesis).toBe(642);
      expect(macs.total.toFixed(1)).toBe('1433.0');
    }
  });
});

describe('manifest.json', () => {
  const text = readFileSync(fromRoot('models/tessera-1/manifest.json'), 'utf8');
  const parse = (json: string): Manifest => parseManifest(new TextEncoder().encode(json));

  test('is read', () => {
    const manifest = parse(text);
    expect(manifest.quality.length).toBe(101);
    expect(manifest.lambda.length).toBe(manifest.anchors);
    expect(manifest.files['decoder.bin'].bytes).toBe(original.length);
  });

  test.each([
    ['format', 1],
    ['modes', 9],
    ['lambda', [1]],
    ['gains', []],
    ['quality', [[0, 0]]],
    ['quickQuality', [[0, 0]]],
    ['analysis', ['missing.onnx']],
    ['floatAnalysis', new Array(8).fill('missing.onnx')],
    ['quick', ['missing.onnx']],
    ['quick', new Array(8).fill('missing.onnx')],
    ['files', {}],
    ['name', 5],
  ])('a wrong %s is refused', (name, value) => {
    expect(() => parse(JSON.stringify({ ...JSON.parse(text), [name]: value }))).toThrow(corrupt);
  });

  test('GPUs take the analysis of a pack that has none in floats', () => {
    expect(parse(text).floatAnalysis[0]).toBe('float-low.onnx');
    const { analysis, floatAnalysis } = parse(JSON.stringify({ ...JSON.parse(text), floatAnalysis: undefined }));
    expect(floatAnalysis).toEqual(analysis);
  });

  test('what is not JSON, and names that leave the folder, are refused', () => {
    expect(() => parse('{')).toThrow(corrupt);
    const files = { ...JSON.parse(text).files, '../x': { bytes: 1, sha256: '0'.repeat(64) } };
    expect(() => parse(JSON.stringify({ ...JSON.parse(text), files }))).toThrow(/not a plain file name/);
  });

  test('what is larger than any pack needs, itself or a file that it names, is refused', () => {
    const padded = (length: number): string => text.padEnd(length, ' ');
    expect(parse(padded(2 ** 18)).name).toBe('tessera-1');
    expect(() => parse(padded(2 ** 18 + 1))).toThrow(/more than 262144 bytes/);
    const files = { ...JSON.parse(text).files, x: { bytes: 2 ** 26 + 1, sha256: '0'.repeat(64) } };
    expect(() => parse(JSON.stringify({ ...JSON.parse(text), files }))).toThrow(/files.x.bytes/);
  });
});

describe('loading', () => {
  const files = {
    'manifest.json': new Uint8Array(readFileSync(fromRoot('models/tessera-1/manifest.json'))),
    'decoder.bin': original,
  };

  test('from the package, a path, a file URL, given bytes and an own fetch: the same pack', async () => {
    const ownFetch = async (url: URL | RequestInfo): Promise<Response> =>
      new Response(Buffer.from(files[String(url).split('/').at(-1) as keyof typeof files]));
    const packs = await Promise.all([
      loadPack(),
      loadPack(fromRoot('models/tessera-1')),
      loadPack(new URL('../models/tessera-1/', import.meta.url)),
      loadPack({ files }),
      loadPack({ source: 'https://example.org/pack', fetch: ownFetch }),
    ]);
    expect(new Set(packs.map((pack) => pack.hash)).size).toBe(1);
  });

  test('is cached per source', async () => {
    expect(await loadPack()).toBe(await loadPack());
  });

  test('a changed file is refused before use', async () => {
    const changed = { files: { ...files, 'decoder.bin': withByte(100, original[100] ^ 1) } };
    await expect(loadPack(changed)).rejects.toMatchObject({ code: 'modelMismatch' });
  });

  test('missing files and servers are modelUnavailable', async () => {
    await expect(loadPack('/nowhere')).rejects.toMatchObject({ code: 'modelUnavailable' });
    await expect(loadPack({ files: {} })).rejects.toMatchObject({ code: 'modelUnavailable' });
    const failing = async (): Promise<Response> => new Response('', { status: 404 });
    await expect(loadPack({ source: 'https://example.org/', fetch: failing })).rejects.toMatchObject({ code: 'modelUnavailable' });
    await expect((await loadPack({ files })).file('synthesis.onnx')).rejects.toMatchObject({ code: 'modelUnavailable' });
  });
});

describe('quality', () => {
  test('takes the nearest entry of the table, and back the first quality that has it', async () => {
    const { manifest } = await loadPack();
    expect(rateOfQuality(manifest.quality, 0)).toEqual({ anchor: manifest.quality[0][0], step: manifest.quality[0][1] });
    expect(rateOfQuality(manifest.quality, 49.6)).toEqual(rateOfQuality(manifest.quality, 50));
    expect(qualityOfRate(manifest, rateOfQuality(manifest.quality, 37))).toBe(37);
    for (const quality of [-1, 101, Number.NaN]) expect(() => rateOfQuality(manifest.quality, quality)).toThrow(TesseraError);
  });

  test.each(['quality', 'quickQuality'] as const)('in %s anchors never fall, and λ falls within each', async (scale) => {
    // Between anchors λ may rise: qualities are spread over measured rates, and the next anchor may need less λ for the same rate.
    const pack = await loadPack();
    const rates = Array.from({ length: 101 }, (_, quality) => rateOfQuality(pack.manifest[scale], quality));
    for (let quality = 1; quality <= 100; quality++) {
      const [rate, before] = [rates[quality], rates[quality - 1]];
      expect(rate.anchor, `quality ${quality}`).toBeGreaterThanOrEqual(before.anchor);
      if (rate.anchor === before.anchor) expect(lambdaOfRate(pack, rate), `quality ${quality}`).toBeLessThan(lambdaOfRate(pack, before));
    }
    expect(new Set(rates.map(({ anchor }) => anchor)).size).toBe(pack.decoder.anchors);
    const [first] = rates;
    expect(lambdaOfRate(pack, first)).toBeCloseTo(pack.manifest.lambda[0] / (pack.decoder.steps[first.step].gain / 16_384) ** 2, 12);
  });

  test('rates outside the pack are refused', async () => {
    const pack = await loadPack();
    expect(() => checkRate(pack, { anchor: pack.decoder.anchors, step: 0 }, 'corruptHeader')).toThrow(
      expect.objectContaining({ code: 'corruptHeader', offset: 20 }),
    );
    expect(() => checkRate(pack, { anchor: 0, step: 255 }, 'invalidArgument')).toThrow(
      expect.objectContaining({ code: 'invalidArgument' }),
    );
  });
});
