/** Every error code of FORMAT.md §8, by a committed file or by a call that is written down here. */

import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { createCodec, engineOfPackage } from '../../src/codec.js';
import { decodeFile } from '../../src/decode.js';
import { checkStatus, type ErrorCode, errorNumbers, TesseraError } from '../../src/errors.js';
import type { Limits } from '../../src/limits.js';
import { loadPack } from '../../src/models/load.js';
import { conformanceDecoderFile, conformanceModels as models, vectorBytes } from '../conformance/files.js';
import { packOfDecoder } from '../conformance/pack.js';
import { fromRoot, sameBytes } from '../helpers.js';
import { corruptFiles, escapedFile } from './damages.js';

const folder = fromRoot('tests/corrupt/files');
const index: Record<string, { code: ErrorCode; why: string; limits?: Partial<Limits> }> = JSON.parse(
  readFileSync(`${folder}/index.json`, 'utf8'),
);
const files = Object.entries(index).map(([name, about]) => ({ name, ...about, bytes: new Uint8Array(readFileSync(`${folder}/${name}`)) }));
const engine = engineOfPackage();
const valid = vectorBytes('two-patches');

/** The code of the error that a promise fails with. */
function codeOf(promise: Promise<unknown>): Promise<ErrorCode | 'none'> {
  return promise.then(
    () => 'none' as const,
    (error: unknown) => {
      if (error instanceof TesseraError) return error.code;
      throw error;
    },
  );
}

/** Errors that no file causes, and a call that does. */
const calls: readonly (readonly [code: ErrorCode, why: string, call: () => Promise<unknown>])[] = [
  ['invalidArgument', 'text in place of bytes', async () => (await createCodec()).decode('text' as unknown as ArrayBuffer)],
  ['aborted', 'the signal had fired', () => decodeFile(engine, valid, { models, signal: AbortSignal.abort() })],
  [
    'disposed',
    'a codec that was given back',
    async () => {
      const codec = await createCodec();
      codec.dispose();
      return codec.decode(valid, { models });
    },
  ],
  ['backendUnavailable', 'a core that is no WebAssembly', () => createCodec({ core: Uint8Array.of(0, 97, 115, 109) })],
  [
    'modelMismatch',
    'a decoder.bin that is not the one in the manifest',
    () => {
      const changed = conformanceDecoderFile.map((byte, position) => (position === 5000 ? byte ^ 1 : byte));
      return loadPack({ files: { ...models.files, 'decoder.bin': changed } });
    },
  ],
  ['modelUnavailable', 'a folder without a pack', () => loadPack(fromRoot('tests/corrupt'))],
  // A bug in Tessera by definition, so no call of the package causes it; this is where one would surface.
  ['internal', 'a status that the core does not have', async () => checkStatus(255, 'anything')],
];

describe('files', () => {
  test.each(files)('$name: $code, $why', async ({ name, code, bytes, limits }) => {
    const attempt = name.endsWith('.bin')
      ? loadPack(packOfDecoder(bytes))
      : decodeFile(engine, bytes, { models, ...(limits === undefined ? {} : { limits }) });
    expect(await codeOf(attempt)).toBe(code);
  });

  test('are those of damages.ts', () => {
    const generated = corruptFiles(conformanceDecoderFile, vectorBytes);
    expect(generated.map(({ name }) => name)).toEqual(files.map(({ name }) => name));
    for (const { name, bytes } of generated) {
      expect(sameBytes(bytes, files.find((file) => file.name === name)?.bytes as Uint8Array), name).toBe(true);
    }
  });

  test('an escape of the same making is fine for a latent of 32767', async () => {
    const bytes = escapedFile(conformanceDecoderFile, vectorBytes('pixel-one-codec'), 32_767);
    expect((await decodeFile(engine, bytes, { models })).width).toBe(1);
  });

  test('a valid file is decoded after all that', async () => {
    expect((await decodeFile(engine, valid, { models })).width).toBe(65);
  });
});

test.each(calls)('%s: %s', async (code, _, call) => {
  expect(await codeOf(call())).toBe(code);
});

test('files and calls leave no code out', () => {
  const codes = [...files.map(({ code }) => code), ...calls.map(([code]) => code)];
  expect([...new Set(codes)].toSorted()).toEqual(Object.keys(errorNumbers).toSorted());
});
