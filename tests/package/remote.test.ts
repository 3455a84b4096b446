/** Model packs behind an address: own `fetch`, cache, download progress, and the check of every byte. */

import { readFileSync } from 'node:fs';
import { beforeEach, describe, expect, test } from 'vitest';
import { loadPack } from '../../src/models/load.js';
import type { Download, RemoteModels } from '../../src/models/remote.js';
import { fromRoot } from '../helpers.js';

describe('a pack behind an address', () => {
  const decoderBytes = new Uint8Array(readFileSync(fromRoot('models/tessera-1/decoder.bin')));
  const manifest = new Uint8Array(readFileSync(fromRoot('models/tessera-1/manifest.json')));
  let asked: string[] = [];
  let decoderAnswer: Uint8Array<ArrayBuffer> = decoderBytes;
  let online = true;
  const ownFetch = async (url: URL | RequestInfo): Promise<Response> => {
    asked.push(String(url));
    if (!online) throw new TypeError('no network');
    return new Response(String(url).endsWith('.bin') ? decoderAnswer : manifest);
  };
  const kept = new Map<string, Uint8Array<ArrayBuffer>>();
  const cache = {
    match: async (url: string): Promise<Response | undefined> => {
      const bytes = kept.get(url);
      return bytes && new Response(bytes);
    },
    put: async (url: string, response: Response): Promise<void> => {
      kept.set(url, new Uint8Array(await response.arrayBuffer()));
    },
  };
  const source = 'https://example.org/pack';
  const remote = (): RemoteModels => ({ source, fetch: ownFetch, cache });
  beforeEach(() => {
    asked = [];
    decoderAnswer = decoderBytes;
    online = true;
    kept.clear();
  });

  test('download progress goes up to the length that the manifest states', async () => {
    const progress: Download[] = [];
    await loadPack({ source, fetch: ownFetch, onDownload: (download) => progress.push(download) });
    const ofDecoder = progress.filter(({ name }) => name === 'decoder.bin');
    expect(ofDecoder[0]).toEqual({ name: 'decoder.bin', loaded: 0, total: decoderBytes.length });
    expect(ofDecoder.at(-1)).toEqual({ name: 'decoder.bin', loaded: decoderBytes.length, total: decoderBytes.length });
    for (let i = 1; i < ofDecoder.length; i++) expect(ofDecoder[i].loaded).toBeGreaterThan(ofDecoder[i - 1].loaded);
  });

  test('what is in the cache is not fetched again, and works without a network', async () => {
    await loadPack(remote());
    expect(asked).toEqual([`${source}/manifest.json`, `${source}/decoder.bin`]);
    await loadPack(remote());
    expect(asked.slice(2)).toEqual([`${source}/manifest.json`]);
    online = false;
    expect((await loadPack(remote())).manifest.name).toBe('tessera-1');
  });

  test('a file in the cache that is not that of the manifest is fetched anew; a wrong one from the network is refused', async () => {
    kept.set(`${source}/decoder.bin`, Uint8Array.of(1, 2, 3));
    expect((await loadPack(remote())).manifest.name).toBe('tessera-1');
    expect(asked).toEqual([`${source}/manifest.json`, `${source}/decoder.bin`]);
    expect(kept.get(`${source}/decoder.bin`)?.length).toBe(decoderBytes.length);
    kept.clear();
    decoderAnswer = Uint8Array.from(decoderBytes, (byte, index) => (index === 5000 ? byte ^ 1 : byte));
    await expect(loadPack(remote())).rejects.toMatchObject({ code: 'modelMismatch' });
  });

  test('a server that sends without end is left: after the stated length, and after the most that a manifest may have', async () => {
    const endless = (): { response: Response; sent: () => number; cancelled: () => boolean } => {
      let [sent, cancelled] = [0, false];
      const body = new ReadableStream<Uint8Array>({
        pull(controller) {
          sent += 65_536;
          controller.enqueue(new Uint8Array(65_536).fill(0x20));
        },
        cancel() {
          cancelled = true;
        },
      });
      return { response: new Response(body), sent: () => sent, cancelled: () => cancelled };
    };
    for (const [endlessName, most, code] of [
      ['manifest.json', 2 ** 18, 'corruptModel'],
      ['decoder.bin', decoderBytes.length, 'modelMismatch'],
    ] as const) {
      const { response, sent, cancelled } = endless();
      const answer = async (url: URL | RequestInfo): Promise<Response> => (String(url).endsWith(endlessName) ? response : ownFetch(url));
      await expect(loadPack({ source, fetch: answer }), endlessName).rejects.toMatchObject({ code });
      expect(cancelled(), endlessName).toBe(true);
      // A few parts are on their way when it is noticed.
      expect(sent(), endlessName).toBeLessThan(most + 4 * 65_536);
    }
  });

  test('answers without a stream are read whole', async () => {
    const whole = async (url: URL | RequestInfo): Promise<Response> => {
      const bytes = new Uint8Array(await (await ownFetch(url)).arrayBuffer());
      return { ok: true, arrayBuffer: async () => bytes.buffer } as Response;
    };
    expect((await loadPack({ source, fetch: whole })).manifest.name).toBe('tessera-1');
  });
});
