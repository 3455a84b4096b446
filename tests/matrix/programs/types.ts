// What the declarations must say about every entry.
import { type Codec, createCodec, type DecodeOptions, decode, encode, type Picture, probe, TesseraError } from 'tessera-codec';
import { readPixels, toBlob } from 'tessera-codec/canvas';
import core from 'tessera-codec/codec.wasm';
import * as decoding from 'tessera-codec/decode';
import * as edge from 'tessera-codec/edge';
import { createEntropyCoder } from 'tessera-codec/entropy';
import { bundledPack } from 'tessera-codec/pack';
import { serve } from 'tessera-codec/serve';
import { createWorkerCodec } from 'tessera-codec/worker';

export async function use(blob: Blob): Promise<Blob> {
  const codec: Codec = await createCodec();
  const options: DecodeOptions = { onProgress: ({ fraction }) => console.log(fraction.toFixed(2)), models: bundledPack };
  const bytes: Uint8Array<ArrayBuffer> = await codec.encode(await readPixels(blob), { quality: 40 });
  const picture: Picture = await decode(bytes, options);
  await edge.init(core);
  const worker = createWorkerCodec({ idleMs: 100 });
  const sizes: number[] = [probe(bytes).width, (await decoding.decode(bytes)).width, (await worker.encode(picture)).length];
  if (sizes.length === 0) throw new TesseraError('internal', `${typeof serve} ${typeof createEntropyCoder} ${typeof encode}`);
  return toBlob(picture);
}
