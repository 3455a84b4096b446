/** What the client and the worker say to each other. One call runs at a time; a worker that is to stop is terminated. */

import type { ErrorCode } from '../errors.js';
import type { ModelFiles } from '../models/source.js';
import type { OnnxruntimeOptions } from '../transforms/ort-runtime.js';
import type { DecodeOptions, EncodeOptions, PartialPicture, Picture, PixelSource, Progress, Rows } from '../types.js';

/** Options without what cannot be copied to a worker. */
export type Sendable<Options> = Omit<Options, 'signal' | 'onProgress' | 'onRows' | 'models'> & { readonly models?: string | ModelFiles };

/** Options of `decode`, of either form. */
export type SentDecodeOptions = Sendable<DecodeOptions> & { readonly partial?: boolean };

/** A call, from the client to the worker. */
export type Request = {
  readonly id: number;
  readonly onnxruntime?: OnnxruntimeOptions;
} & (
  | { readonly call: 'encode'; readonly image: PixelSource; readonly options: Sendable<EncodeOptions> }
  | { readonly call: 'decode'; readonly bytes: Uint8Array; readonly options: SentDecodeOptions; readonly wantsRows: boolean }
);

/** An error on its way through `postMessage`, which keeps no own fields of errors. */
export interface SentError {
  readonly code: ErrorCode;
  readonly message: string;
  readonly offset?: number;
}

/** An answer, from the worker to the client; `progress` and `rows` any number of times, then one of the others. */
export type Reply =
  | { readonly id: number; readonly progress: Progress }
  | { readonly id: number; readonly rows: Rows }
  | { readonly id: number; readonly bytes: Uint8Array<ArrayBuffer> }
  | { readonly id: number; readonly picture: Picture; readonly rest?: Omit<PartialPicture, 'picture'> }
  | { readonly id: number; readonly error: SentError };
