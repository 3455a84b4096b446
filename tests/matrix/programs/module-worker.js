// A module worker without bundler, where no name is known: the package by its address, used directly.
import * as codec from './node_modules/tessera-codec/build/index.js';
import { check, checkDecode } from './check.js';
import { given } from './given.js';

codec.configureOnnxruntime({ library: new URL('./node_modules/onnxruntime-web/dist/ort.wasm.bundle.min.mjs', import.meta.url) });
const steps = { decode: () => checkDecode(codec, given), encode: () => check(codec, given) };
addEventListener('message', ({ data }) => {
  steps[data]().then(
    (outcome) => postMessage({ outcome }),
    (error) => postMessage({ error: `${error.code}: ${error.message}` }),
  );
});
