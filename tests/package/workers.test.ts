/** `createWorkerCodec({ workers })`: one picture decoded by several workers. */

import { execFileSync } from 'node:child_process';
import { beforeAll, describe, expect, test } from 'vitest';
import { decode, encode } from '../../src/index.js';
import { estimateMemory } from '../../src/limits.js';
import type { Picture, PixelSource, Rows } from '../../src/types.js';
import { Assembly, bandsOf } from '../../src/worker/bands.js';
import { createWorkerCodec, type WorkerCodecOptions, type WorkerLike } from '../../src/worker/client.js';
import { type ServePort, serve } from '../../src/worker/serve.js';
import { fromRoot, sameBytes, synthetic } from '../helpers.js';

/** Channels in place of workers: how many have been started and are running, and whether they are silent. */
const seen = { started: 0, running: 0, silent: false };

function startWorker(): WorkerLike {
  const { port1, port2 } = new MessageChannel();
  seen.started++;
  seen.running++;
  if (!seen.silent) serve(port2 as unknown as ServePort);
  port1.start();
  return {
    postMessage: (message, transfer = []) => port1.postMessage(message, transfer as never),
    addEventListener: (type, listener) => port1.addEventListener(type, listener as never),
    terminate: () => {
      seen.running--;
      port1.close();
    },
  };
}

function codecOf(workers: number, options: WorkerCodecOptions = {}) {
  Object.assign(seen, { started: 0, running: 0, silent: false });
  return createWorkerCodec({ worker: startWorker, workers, ...options });
}

const quick = { quality: 30, modes: 1, effort: 1 } as const;

/** A picture with every alpha there is. */
function translucent(width: number, height: number): PixelSource {
  const image = synthetic(width, height);
  for (let i = 3; i < image.data.length; i += 4) image.data[i] = (i * 5) & 255;
  return image;
}

const grey = (width: number, height: number): PixelSource => ({
  data: Uint8Array.from({ length: width * height }, (_, i) => (i * 7 + (i >> 6)) & 255),
  width,
  height,
  channels: 1,
});

describe.each([
  ['four rows of tiles', synthetic(70, 1700), 4],
  ['one row of tiles', synthetic(130, 500), 1],
  ['alpha', translucent(40, 1100), 3],
  ['grey', grey(40, 1200), 3],
])('%s', (_, image, most) => {
  let file: Uint8Array<ArrayBuffer>;
  let whole: Picture;
  beforeAll(async () => {
    file = await encode(image, quick);
    whole = await decode(file);
  });

  test.each([1, 2, 4])('%i workers give the same bytes', async (workers) => {
    const codec = codecOf(workers);
    const rows: Rows[] = [];
    const fractions: number[] = [];
    const picture = await codec.decode(file, {
      onRows: (some) => rows.push(some),
      onProgress: ({ fraction, loaded, total }) => {
        expect(loaded).toBeLessThanOrEqual(total);
        fractions.push(fraction);
      },
    });
    expect([picture.width, picture.height, sameBytes(picture.data, whole.data)]).toEqual([whole.width, whole.height, true]);
    expect(seen.started).toBe(Math.min(workers, most));
    let next = 0;
    for (const { y, width, height, data } of rows) {
      expect(y).toBe(next);
      expect(sameBytes(data, whole.data.subarray(y * width * 4, (y + height) * width * 4))).toBe(true);
      next += height;
    }
    expect(next).toBe(whole.height);
    expect(fractions).toEqual([...fractions].sort((a, b) => a - b));
    expect(fractions.at(-1)).toBe(1);
    codec.dispose();
    expect([seen.running, codec.running]).toEqual([0, false]);
  });
});

describe('a high picture', () => {
  let file: Uint8Array<ArrayBuffer>;
  beforeAll(async () => {
    file = await encode(synthetic(60, 2100), quick);
  });

  test('a region is divided as well; reduced and partial ones are not', async () => {
    const codec = codecOf(3);
    const region = { x: 7, y: 300, width: 40, height: 1500 };
    expect(sameBytes((await codec.decode(file, { region })).data, (await decode(file, { region })).data)).toBe(true);
    expect(seen.started).toBe(3);
    codec.dispose();
    const other = codecOf(3);
    expect((await other.decode(file, { scale: 0.25 })).height).toBe(525);
    expect((await other.decode(file, { partial: true })).damage).toEqual([]);
    expect(seen.started).toBe(1);
    other.dispose();
  });

  test('abort ends all of them at once, and the next call starts others', async () => {
    const codec = codecOf(3);
    seen.silent = true;
    const controller = new AbortController();
    const running = codec.decode(file, { signal: controller.signal });
    await expect.poll(() => seen.running).toBe(3);
    controller.abort('enough');
    await expect(running).rejects.toMatchObject({ code: 'aborted', cause: 'enough' });
    expect([seen.running, codec.running]).toEqual([0, false]);
    seen.silent = false;
    expect((await codec.decode(file)).height).toBe(2100);
    expect(seen.started).toBe(6);
    codec.dispose();
  });

  test('no rows come after an abort, not even those that wait for others above them', async () => {
    const controller = new AbortController();
    const seenRows: number[] = [];
    const onRows = ({ y }: Rows): void => {
      seenRows.push(y);
      controller.abort();
    };
    const regions = [0, 300, 600].map((y) => ({ x: 0, y, width: 1, height: 300 }));
    const assembly = new Assembly(regions, { onRows, signal: controller.signal });
    const rows: Rows = { y: 0, width: 1, height: 300, data: new Uint8ClampedArray(1200) };
    for (const band of [2, 1, 0]) assembly.take(band, rows);
    expect(seenRows).toEqual([0]);
  });

  test('the memory of all of them is within the limit, or fewer decode', async () => {
    const sizes = { width: 60, height: 2100 };
    const alone = estimateMemory(sizes.width, sizes.height, 0);
    for (const [maxMemory, workers] of [
      [alone, 1],
      [alone * 2.5, 2],
      [alone * 4, 3],
    ]) {
      const codec = codecOf(3);
      expect(await codec.decode(file, { limits: { maxMemory } })).toMatchObject(sizes);
      expect(seen.started).toBe(workers);
      codec.dispose();
    }
    const codec = codecOf(3);
    await expect(codec.decode(file, { limits: { maxMemory: alone - 1 } })).rejects.toMatchObject({ code: 'limitMemory' });
    codec.dispose();
  });

  test('dispose ends all of them', async () => {
    const codec = codecOf(3);
    seen.silent = true;
    const running = codec.decode(file);
    await expect.poll(() => seen.running).toBe(3);
    codec.dispose();
    await expect(running).rejects.toMatchObject({ code: 'disposed' });
    expect(seen.running).toBe(0);
  });

  test('idle ones are terminated', async () => {
    const codec = codecOf(2, { idleMs: 0 });
    await codec.decode(file);
    await expect.poll(() => [seen.running, codec.running]).toEqual([0, false]);
  });

  test('errors keep their code and offset', async () => {
    const codec = codecOf(3);
    const cut = file.subarray(0, file.length - 9);
    const expected = await decode(cut).catch(({ code, message, offset }) => ({ code, message, offset }));
    await expect(codec.decode(cut)).rejects.toMatchObject(expected);
    await expect(codec.decode(file.subarray(0, 20))).rejects.toMatchObject({ code: 'truncated', offset: 20 });
    await expect(codec.decode(file, { limits: { maxPixels: 100 } })).rejects.toMatchObject({ code: 'limitPixels' });
    const region = { x: 30, y: 0, width: 31, height: 2100 };
    await expect(codec.decode(file, { region })).rejects.toMatchObject({ code: 'invalidArgument' });
    codec.dispose();
  });

  test('in threads of Node, which do not keep the process', () => {
    const script = `
      const { createWorkerCodec } = await import(${JSON.stringify(fromRoot('build/worker.js'))});
      const { decode } = await import(${JSON.stringify(fromRoot('build/decode.js'))});
      const file = Buffer.from(${JSON.stringify(Buffer.from(file).toString('base64'))}, 'base64');
      const codec = createWorkerCodec({ workers: 2, idleMs: 600_000 });
      const equal = Buffer.compare(Buffer.from((await codec.decode(file)).data), Buffer.from((await decode(file)).data));
      const controller = new AbortController();
      const aborted = codec.decode(file, { signal: controller.signal, onProgress: () => controller.abort() }).catch(({ code }) => code);
      console.log(equal, codec.running, await aborted, codec.running, (await codec.decode(file)).height);`;
    expect(execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' })).toBe('0 true aborted false 2100\n');
  });
});

test.each([0, 1.5, 65, Number.NaN])('%f workers are refused', (workers) => {
  expect(() => createWorkerCodec({ workers })).toThrow(expect.objectContaining({ code: 'invalidArgument' }));
});

test('bands cover what is wanted, from top to bottom, and are cut in the middle of rows of tiles', () => {
  const header = { width: 100, height: 4000 } as Parameters<typeof bandsOf>[0];
  for (const region of [undefined, { x: 3, y: 700, width: 9, height: 1111 }, { x: 0, y: 255, width: 1, height: 2 }]) {
    for (const most of [1, 2, 5, 64]) {
      const bands = bandsOf(header, region === undefined ? {} : { region }, most);
      const { x, y, width, height } = region ?? { x: 0, y: 0, ...header };
      let next = y;
      for (const band of bands) {
        expect(band).toMatchObject({ x, width, y: next });
        if (next > y) expect(next % 512).toBe(256);
        expect(band.height).toBeGreaterThan(0);
        next += band.height;
      }
      expect(next).toBe(y + height);
      expect(bands.length).toBeLessThanOrEqual(Math.min(most, Math.ceil(height / 512)));
    }
  }
  expect(bandsOf(header, {}, 4)).toHaveLength(4);
});
