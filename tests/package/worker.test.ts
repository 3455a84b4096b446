/** `tessera-codec/worker`: the client and `serve`, joined by a `MessageChannel` in place of a worker. */

import { readFileSync } from 'node:fs';
import { beforeAll, expect, test } from 'vitest';
import { decode, encode } from '../../src/index.js';
import type { Download } from '../../src/models/remote.js';
import type { Progress } from '../../src/types.js';
import { createWorkerCodec, type WorkerCodec, type WorkerLike } from '../../src/worker/client.js';
import { type ServePort, serve } from '../../src/worker/serve.js';
import { fromRoot, sameBytes, synthetic } from '../helpers.js';

const image = synthetic(150, 140);
let file: Uint8Array<ArrayBuffer>;
beforeAll(async () => {
  file = await encode(image, { quality: 40 });
});

let started = 0;
let terminated = 0;

/** What a browser's `Worker` looks like from outside. */
function startWorker(): WorkerLike {
  started++;
  const { port1, port2 } = new MessageChannel();
  serve(port2 as unknown as ServePort);
  port1.start();
  return {
    postMessage: (message, transfer = []) => port1.postMessage(message, transfer as never),
    addEventListener: (type, listener) => port1.addEventListener(type, listener as never),
    terminate: () => {
      terminated++;
      port1.close();
    },
  };
}

function codecOf(idleMs = 10_000): WorkerCodec {
  started = 0;
  terminated = 0;
  return createWorkerCodec({ worker: startWorker, idleMs });
}

test('the same bytes and pixels as without a worker, progress included, from one worker', async () => {
  const codec = codecOf();
  expect([started, codec.running]).toEqual([0, false]);
  const stages: Progress[] = [];
  const [bytes, picture] = await Promise.all([
    codec.encode(image, { quality: 40, onProgress: (progress) => stages.push(progress) }),
    codec.decode(new Blob([file])),
  ]);
  expect(sameBytes(bytes, file)).toBe(true);
  expect(sameBytes(picture.data, (await decode(file)).data)).toBe(true);
  expect(stages.at(0)).toEqual({ stage: 'model', loaded: 0, total: 1, fraction: 0 });
  expect(stages.at(-1)).toEqual({ stage: 'code', loaded: 2, total: 2, fraction: 1 });
  const fractions = stages.map(({ fraction }) => fraction);
  expect(fractions).toEqual([...fractions].sort((a, b) => a - b));
  // The caller's bytes are copied, not taken away.
  expect(file.length).toBeGreaterThan(100);
  expect([started, terminated, codec.running]).toEqual([1, 0, true]);
  codec.dispose();
  expect([terminated, codec.running]).toEqual([1, false]);
  await expect(codec.decode(file)).rejects.toMatchObject({ code: 'disposed' });
});

test('abort terminates the worker, and the next call starts another', async () => {
  const codec = codecOf();
  const controller = new AbortController();
  const running = codec.encode(image, { signal: controller.signal, onProgress: () => controller.abort('enough') });
  const waiting = codec.decode(file);
  await expect(running).rejects.toMatchObject({ code: 'aborted', cause: 'enough' });
  expect((await waiting).width).toBe(150);
  expect([started, terminated]).toEqual([2, 1]);
  codec.dispose();
});

test('a call that waits is aborted without disturbing the one that runs', async () => {
  const codec = codecOf();
  const controller = new AbortController();
  const running = codec.decode(file);
  const waiting = codec.decode(file, { signal: controller.signal });
  controller.abort();
  await expect(waiting).rejects.toMatchObject({ code: 'aborted' });
  expect((await running).height).toBe(140);
  await expect(codec.decode(file, { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'aborted' });
  expect([started, terminated]).toEqual([1, 0]);
  codec.dispose();
});

test('a region, and its rows one after the other', async () => {
  const codec = codecOf();
  const region = { x: 5, y: 3, width: 140, height: 130 };
  const rows: number[] = [];
  let sum = 0;
  const part = await codec.decode(file, {
    region,
    onRows: ({ y, data }) => {
      rows.push(y);
      sum += data.length;
    },
  });
  expect(sameBytes(part.data, (await decode(file, { region })).data)).toBe(true);
  expect([rows, sum]).toEqual([[0, 125], part.data.length]);
  codec.dispose();
});

test('errors keep their code and offset', async () => {
  const codec = codecOf();
  await expect(codec.decode(file.subarray(0, 20))).rejects.toMatchObject({ name: 'TesseraError', code: 'truncated', offset: 20 });
  await expect(codec.encode(image, { quality: 101 })).rejects.toMatchObject({ code: 'invalidArgument' });
  codec.dispose();
});

test('an idle worker is terminated', async () => {
  const codec = codecOf(0);
  await codec.decode(file);
  await expect.poll(() => [terminated, codec.running]).toEqual([1, false]);
  expect((await codec.decode(file)).width).toBe(150);
  expect(started).toBe(2);
  codec.dispose();
});

test('a pack with an own `fetch` is read by the client, once per worker, with its errors', async () => {
  const codec = codecOf();
  const asked: string[] = [];
  const ownFetch = async (url: URL | RequestInfo): Promise<Response> => {
    const name = String(url).split('/').at(-1) ?? '';
    asked.push(name);
    return new Response(readFileSync(fromRoot(`models/tessera-1/${name}`)));
  };
  const loaded: number[] = [];
  const models = { source: 'https://example.org/pack', fetch: ownFetch, onDownload: (download: Download) => loaded.push(download.loaded) };
  expect(sameBytes((await codec.decode(file, { models })).data, (await decode(file)).data)).toBe(true);
  await codec.decode(file, { models });
  expect(asked).toEqual(['manifest.json', 'decoder.bin']);
  expect(Math.max(...loaded)).toBe(readFileSync(fromRoot('models/tessera-1/decoder.bin')).length);
  expect(sameBytes(await codec.encode(image, { quality: 40, models }), file)).toBe(true);
  expect(asked).toEqual(['manifest.json', 'decoder.bin', expect.stringMatching(/^analysis/)]);
  const failing = { source: 'https://example.org/', fetch: async () => new Response('', { status: 404 }) };
  await expect(codec.decode(file, { models: failing })).rejects.toMatchObject({ code: 'modelUnavailable' });
  await expect(codec.decode(file, { models: { files: {} } })).rejects.toMatchObject({ code: 'modelUnavailable' });
  expect([started, terminated]).toEqual([1, 0]);
  codec.dispose();
});

test('what cannot reach a worker is refused', async () => {
  const library = createWorkerCodec({ worker: startWorker, onnxruntime: { library: async () => undefined } });
  await expect(library.decode(file)).rejects.toMatchObject({ code: 'invalidArgument' });
  const broken = createWorkerCodec({
    worker: () => {
      throw new Error('no workers here');
    },
  });
  await expect(broken.decode(file)).rejects.toMatchObject({ code: 'backendUnavailable' });
});

test('what is whole of a damaged file, and what is wrong with it', async () => {
  const codec = codecOf();
  const cut = file.subarray(0, file.length - 20);
  const here = await decode(cut, { partial: true });
  const there = await codec.decode(cut, { partial: true });
  expect(there.damage.map(({ code }) => code)).toEqual(['truncated', 'entropyDesync']);
  expect({ missing: there.missing, damage: there.damage }).toEqual({ missing: here.missing, damage: here.damage });
  expect(sameBytes(there.picture.data, here.picture.data)).toBe(true);
  await expect(codec.decode(cut)).rejects.toMatchObject({ code: 'truncated' });
  await expect(codec.decode(file, { partial: 'yes' as unknown as true })).rejects.toMatchObject({ code: 'invalidArgument' });
  codec.dispose();
});
