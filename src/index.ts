/**
 * tessera-codec: a learned image codec. See README.md for use, FORMAT.md for the bytes.
 *
 * Importing this file does nothing; all work starts at the first call.
 */

export { createCodec, decode, encode, init } from './codec.js';
export * from './common.js';
