import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { crc32 } from '../src/container.js';
import { probe } from '../src/index.js';
import { fromRoot, readPixels, sameBytes } from './helpers.js';

interface Outcome {
  readonly code: number | null;
  readonly stdout: Buffer;
  readonly stderr: string;
}

/** Runs the built command line. */
function tessera(words: readonly string[], input?: Uint8Array): Promise<Outcome> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [fromRoot('build/cli.js'), ...words], { cwd: folder });
    const stdout: Buffer[] = [];
    let stderr = '';
    child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => {
      stderr += chunk.toString();
    });
    child.on('close', (code) => resolve({ code, stdout: Buffer.concat(stdout), stderr }));
    child.stdin.on('error', () => {});
    child.stdin.end(input);
  });
}

const folder = mkdtempSync(join(tmpdir(), 'tessera-cli-'));
const picture = fromRoot('examples/chelsea.png');
const at = (name: string): string => join(folder, name);
const json = ({ stdout }: Outcome): Record<string, unknown> => JSON.parse(stdout.toString());
let file: Buffer;

beforeAll(async () => {
  expect(await tessera(['encode', picture, '-o', 'cat.tsr', '-q', '40'])).toMatchObject({
    code: 0,
    stderr: `tessera: ${picture}: warning: XMP metadata is dropped\n`,
  });
  file = readFileSync(at('cat.tsr'));
});
afterAll(() => rmSync(folder, { recursive: true }));

describe('encode and decode', () => {
  test('--json says what was done', async () => {
    const encoded = await tessera(['encode', picture, '-o', 'a.tsr', '--quality', '40', '--modes', '4', '--effort', '6', '--json']);
    const bytes = readFileSync(at('a.tsr')).length;
    expect(json(encoded)).toEqual({
      input: picture,
      output: 'a.tsr',
      width: 451,
      height: 300,
      bytes,
      bpp: (8 * bytes) / (451 * 300),
      estimatedBytes: expect.any(Number),
      quality: 40,
      lambda: expect.any(Number),
      modeShares: expect.any(Array),
      ms: expect.any(Number),
    });
    const { modeShares } = json(encoded) as { modeShares: number[] };
    expect(modeShares.length).toBe(probe(readFileSync(at('a.tsr'))).modes);
    expect(modeShares.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 12);
    const decoded = await tessera(['decode', 'a.tsr', '-o', 'a.png', '--json']);
    expect(json(decoded)).toEqual({ input: 'a.tsr', output: 'a.png', width: 451, height: 300, ms: expect.any(Number) });
    const { data, info } = await sharp(at('a.png')).raw().toBuffer({ resolveWithObject: true });
    expect([info.width, info.height, info.channels, data.length]).toEqual([451, 300, 3, 451 * 300 * 3]);
  });

  test('standard input and output carry the same bytes as files', async () => {
    const encoded = await tessera(['encode', '-', '-o', '-', '-q', '40'], readFileSync(picture));
    expect(encoded.code).toBe(0);
    expect(sameBytes(encoded.stdout, file)).toBe(true);
    await tessera(['decode', 'cat.tsr', '-o', 'cat.png']);
    const decoded = await tessera(['decode', '-', '-o', '-'], file);
    expect(sameBytes(decoded.stdout, readFileSync(at('cat.png')))).toBe(true);
  });

  test('both transforms differ by at most one level', async () => {
    await tessera(['decode', 'cat.tsr', '-o', 'wasm.png']);
    expect((await tessera(['decode', 'cat.tsr', '-o', 'ort.png', '--transform', 'ort'])).code).toBe(0);
    const [a, b] = await Promise.all([readPixels(at('wasm.png')), readPixels(at('ort.png'))]);
    expect(a.data.every((level, index) => Math.abs(level - b.data[index]) <= 1)).toBe(true);
  });

  test('an EXIF orientation is applied', async () => {
    await sharp(picture).resize(90, 60).withMetadata({ orientation: 6 }).jpeg().toFile(at('turned.jpg'));
    const encoded = await tessera(['encode', 'turned.jpg', '-o', 'turned.tsr', '--json']);
    expect(json(encoded)).toMatchObject({ width: 60, height: 90 });
    expect(encoded.stderr).toMatch(/warning: EXIF \(orientation applied\), XMP metadata is dropped/);
  });

  test('WebP, transparency, grey and 16 bits are read; what is lost is said', async () => {
    await sharp(picture).resize(40, 30).webp().toFile(at('a.webp'));
    expect(await tessera(['encode', 'a.webp', '-o', 'webp.tsr'])).toMatchObject({ code: 0, stderr: '' });
    await sharp({ create: { width: 20, height: 20, channels: 4, background: { r: 0, g: 0, b: 0, alpha: 0.5 } } })
      .png()
      .toFile(at('alpha.png'));
    expect((await tessera(['encode', 'alpha.png', '-o', 'alpha.tsr'])).stderr).toBe('');
    expect((await tessera(['decode', 'alpha.tsr', '-o', 'alpha-back.png'])).stderr).toBe('');
    const { data, info } = await sharp(at('alpha-back.png')).raw().toBuffer({ resolveWithObject: true });
    expect([info.channels, ...new Set(data.filter((_, index) => index % 4 === 3))]).toEqual([4, 128]);
    expect((await tessera(['compare', 'alpha.png', 'alpha.tsr'])).stderr).toBe(
      ['alpha.png', 'alpha.tsr'].map((name) => `tessera: ${name}: warning: transparency is compared over white\n`).join(''),
    );
    await sharp(picture).resize(40, 30).greyscale().png().toFile(at('grey.png'));
    expect((await tessera(['encode', 'grey.png', '-o', 'grey.tsr'])).code).toBe(0);
    await sharp(picture).resize(40, 30).toColourspace('rgb16').png().toFile(at('deep.png'));
    expect((await tessera(['encode', 'deep.png', '-o', 'deep.tsr'])).stderr).toMatch(/reduced to 8 bits/);
    expect((await tessera(['encode', 'deep.png', '-o', 'deep.tsr', '--quiet'])).stderr).toBe('');
  });
});

describe('info', () => {
  test('tells what the file is made of', async () => {
    const info = json(await tessera(['info', 'cat.tsr', '--json']));
    expect(info).toMatchObject({
      width: 451,
      height: 300,
      quality: 40,
      patch: 128,
      bytes: file.length,
      pack: { id: 1, name: 'tessera-1' },
    });
    const sections = info.sections as { name: string; offset: number; bytes: number }[];
    expect(sections.map((section) => section.name)).toEqual(['header', 'adaptation', 'picture']);
    expect(sections[2].offset + sections[2].bytes).toBe(file.length);
  });

  test.each(['1', '8'])('counts 1433.0 MAC per pixel with %s codecs', async (modes) => {
    const { macs } = json(await tessera(['info', '--macs', '--modes', modes, '--json'])) as { macs: Record<string, number> };
    expect(Object.entries(macs).map(([name, value]) => [name, value.toFixed(1)])).toEqual([
      ['total', '1433.0'],
      ['context', '725.3'],
      ['upsampling', '65.7'],
      ['synthesis', '642.0'],
    ]);
    const text = await tessera(['info', '--macs', '--modes', modes]);
    expect(text.stdout.toString()).toBe('1433.0 MAC per pixel at 768×512: context 725.3, upsampling 65.7, synthesis 642.0\n');
  });

  test('draws the mode map', async () => {
    expect((await tessera(['info', 'cat.tsr', '--modes-map', 'map.png'])).code).toBe(0);
    expect(await sharp(at('map.png')).metadata()).toMatchObject({ width: 451, height: 300, format: 'png' });
  });
});

describe('compare', () => {
  test('of a picture with itself and with a decoded file', async () => {
    expect(json(await tessera(['compare', picture, picture, '--json']))).toEqual({ psnr: null, msSsim: expect.closeTo(1, 10) });
    const coded = json(await tessera(['compare', picture, 'cat.tsr', '--json'])) as { psnr: number; msSsim: number };
    expect(coded.psnr).toBeGreaterThan(20);
    expect(coded.msSsim).toBeLessThan(1);
  });

  test('of different sizes is refused', async () => {
    expect(await tessera(['compare', picture, fromRoot('examples/coffee.png')])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('different sizes'),
    });
  });
});

describe('exit codes', () => {
  /** A file with one header byte changed and the checksum repaired. */
  const withHeaderByte = (offset: number, value: number): Buffer => {
    const bytes = Buffer.from(file);
    bytes[offset] = value;
    bytes.writeUInt32LE(crc32(bytes.subarray(0, 23)), 23);
    return bytes;
  };
  const flipped = (position: number): Buffer => {
    const bytes = Buffer.from(file);
    bytes[position] ^= 0x10;
    return bytes;
  };

  test.each([
    ['no command', []],
    ['an unknown command', ['convert']],
    ['an unknown flag', ['encode', picture, '-o', 'x.tsr', '--fast']],
    ['no output', ['encode', picture]],
    ['no input', ['encode', '-o', 'x.tsr']],
    ['two inputs', ['encode', picture, picture, '-o', 'x.tsr']],
    ['a quality that is no number', ['encode', picture, '-o', 'x.tsr', '-q', 'high']],
    ['a quality of 101', ['encode', picture, '-o', 'x.tsr', '-q', '101']],
    ['three modes', ['encode', picture, '-o', 'x.tsr', '--modes', '3']],
    ['effort 10', ['encode', picture, '-o', 'x.tsr', '--effort', '10']],
    ['JSON and the file on standard output', ['encode', picture, '-o', '-', '--json']],
    ['an output that is no PNG', ['decode', 'cat.tsr', '-o', 'x.jpg']],
    ['an unknown transform', ['decode', 'cat.tsr', '-o', 'x.png', '--transform', 'gpu']],
  ])('2: %s', async (_, words) => {
    expect(await tessera(words)).toMatchObject({ code: 2, stderr: expect.stringMatching(/^tessera: usage: .*\n$/) });
    expect(existsSync(at('x.tsr')) || existsSync(at('x.png'))).toBe(false);
  });

  test.each<[string, () => Uint8Array, number, string]>([
    ['not a Tessera file', () => readFileSync(picture), 3, 'notOurFormat'],
    ['an empty file', () => new Uint8Array(0), 3, 'truncated'],
    ['a truncated header', () => file.subarray(0, 20), 3, 'truncated'],
    ['a truncated file', () => file.subarray(0, file.length - 1), 3, 'truncated'],
    ['a flipped bit in the header', () => flipped(20), 3, 'corruptHeader'],
    ['a flipped bit in the picture', () => flipped(200), 3, 'checksumMismatch'],
    ['another version', () => withHeaderByte(4, 1), 3, 'unsupportedVersion'],
    ['a reserved feature', () => withHeaderByte(22, 0x20), 3, 'unsupportedFeature'],
    ['an unknown pack', () => withHeaderByte(10, 77), 5, 'unknownModel'],
    ['over the limits', () => withHeaderByte(7, 0xff), 4, 'limitDimension'],
  ])('decoding %s', async (_, bytes, code, name) => {
    const before = readdirSync(folder);
    expect(await tessera(['decode', '-', '-o', 'bad.png'], bytes())).toMatchObject({
      code,
      stderr: expect.stringMatching(new RegExp(`^tessera: ${name}: .*\n$`)),
    });
    expect(readdirSync(folder)).toEqual(before);
  });

  test('--partial writes what is whole, names the rest and ends with 3', async () => {
    await tessera(['decode', 'cat.tsr', '-o', 'sound.png']);
    const cut = file.subarray(0, file.length - 100);
    const decoded = await tessera(['decode', '-', '-o', 'partial.png', '--partial', '--json'], cut);
    expect(decoded.code).toBe(3);
    expect(json(decoded)).toMatchObject({
      damage: [{ code: 'truncated' }, { code: 'entropyDesync' }],
      missing: [{ x: 0, y: 0, width: 451, height: 300 }],
    });
    expect(decoded.stderr).toContain('warning: missing: 451×300 pixels at 0, 0\n');
    expect((await readPixels(at('partial.png'))).data.length).toBe(451 * 300 * 4);
    expect(json(await tessera(['decode', 'cat.tsr', '-o', 'whole.png', '--partial', '--json']))).toMatchObject({ damage: [], missing: [] });
    expect(sameBytes(readFileSync(at('whole.png')), readFileSync(at('sound.png')))).toBe(true);
    // Without a mode map there is nothing to show.
    expect(await tessera(['decode', '-', '-o', 'none.png', '--partial'], file.subarray(0, 40))).toMatchObject({ code: 3 });
    expect(existsSync(at('none.png'))).toBe(false);
  });

  test.each<[string, () => Uint8Array]>([
    ['a truncated PNG', () => readFileSync(picture).subarray(0, 100_000)],
    ['a PNG with a flipped bit', () => readFileSync(picture).map((byte, index) => (index === 90_000 ? byte ^ 4 : byte))],
    ['text', () => new TextEncoder().encode('this is not a picture')],
    ['an empty file', () => new Uint8Array(0)],
    ['an SVG', () => new TextEncoder().encode('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>')],
  ])('3: encoding %s', async (_, bytes) => {
    const before = readdirSync(folder);
    expect(await tessera(['encode', '-', '-o', 'bad.tsr'], bytes())).toMatchObject({
      code: 3,
      stderr: expect.stringMatching(/^tessera: corruptPicture: .*\n$/),
    });
    expect(readdirSync(folder)).toEqual(before);
  });

  test('4: a picture over the limit', async () => {
    expect(await tessera(['encode', picture, '-o', 'x.tsr', '--limit-pixels', '1000'])).toMatchObject({
      code: 4,
      stderr: 'tessera: limitPixels: 451×300 is 135300 pixels, over the limit of 1000 (limits.maxPixels)\n',
    });
    expect(existsSync(at('x.tsr'))).toBe(false);
  });

  test('5: no model pack', async () => {
    expect(await tessera(['decode', 'cat.tsr', '-o', 'x.png', '--model', 'nowhere'])).toMatchObject({
      code: 5,
      stderr: expect.stringContaining('modelUnavailable'),
    });
  });

  test('1: files that cannot be read or written', async () => {
    expect(await tessera(['decode', 'missing.tsr', '-o', 'x.png'])).toMatchObject({
      code: 1,
      stderr: 'tessera: cannot read missing.tsr: no such file or directory\n',
    });
    expect(await tessera(['decode', 'cat.tsr', '-o', 'no/such/folder.png'])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('cannot write'),
    });
  });

  test('0: help and version', async () => {
    expect(await tessera(['--help'])).toMatchObject({ code: 0, stderr: '' });
    expect((await tessera(['--version'])).stdout.toString()).toMatch(
      /^tessera-codec 0\.1\.0, format 0, pack 1 tessera-1 \([0-9a-f]{16}\)\n$/,
    );
  });

  test('output that exists is replaced whole, or left as it was', async () => {
    writeFileSync(at('old.png'), 'old');
    expect((await tessera(['decode', '-', '-o', 'old.png'], file.subarray(0, 500))).code).toBe(3);
    expect(readFileSync(at('old.png'), 'utf8')).toBe('old');
    expect((await tessera(['decode', 'cat.tsr', '-o', 'old.png'])).code).toBe(0);
    expect(await sharp(at('old.png')).metadata()).toMatchObject({ width: 451 });
  });
});
