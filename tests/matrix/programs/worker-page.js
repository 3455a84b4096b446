// A page whose codec runs in a module worker, the one of the package, without bundler or import map.
import { createWorkerCodec } from './node_modules/tessera-codec/build/worker.js';
import { probe } from './node_modules/tessera-codec/build/decode.js';
import { check, checkDecode } from './check.js';
import { given } from './given.js';

const library = new URL('./node_modules/onnxruntime-web/dist/ort.wasm.bundle.min.mjs', import.meta.url).href;
const worker = createWorkerCodec({ onnxruntime: { library } });
const codec = { probe, decode: (...call) => worker.decode(...call), encode: (...call) => worker.encode(...call) };
globalThis.decoded = checkDecode(codec, given);
globalThis.encoded = () => check(codec, given);
