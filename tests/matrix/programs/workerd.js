// A Cloudflare Worker. Under its conditions the package's name means the entry for the edge.
import runtime from 'onnxruntime-web/ort-wasm-simd-threaded.wasm';
import * as codec from 'tessera-codec';
import { bundledPack } from 'tessera-codec/pack';
import { check, checkDecode } from './check.js';
import { given } from './given.js';

const models = { models: bundledPack };
const cases = {
  async '/with-module'() {
    codec.configureOnnxruntime({ module: runtime });
    return check(codec, given, models);
  },
  async '/without-module'() {
    const decoded = await checkDecode(codec, given);
    const code = await codec.encode(given.picture, models).then(
      () => 'encoded',
      (error) => error.code,
    );
    return { ...decoded, code };
  },
};

export default {
  async fetch(request) {
    try {
      return Response.json(await cases[new URL(request.url).pathname]());
    } catch (error) {
      return Response.json({ error: `${error.code} ${error.stack} ${error.cause?.stack}` }, { status: 500 });
    }
  },
};
