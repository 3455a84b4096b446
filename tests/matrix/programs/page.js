// A page: the package by its name, through an import map or a bundler; nothing configured but what the page says in `ortOptions`.
import * as codec from 'tessera-codec';
import { check, checkDecode } from './check.js';
import { given } from './given.js';

// What decoding asks the network for is read by the driver of the browser between the two steps.
globalThis.decoded = checkDecode(codec, given);
globalThis.encoded = () => {
  if (globalThis.ortOptions !== undefined) codec.configureOnnxruntime(globalThis.ortOptions);
  return check(codec, given);
};
