/** What the client and the worker say to each other. One call runs at a time; a worker that is to stop is terminated. */

import { type ErrorCode, TesseraError } from '../errors.js';
import type { OnnxruntimeOptions } from '../transforms/ort-options.js';
import type { DecodeOptions, EncodeOptions, PartialPicture, Picture, PixelSource, Progress, Rows } from '../types.js';

/** Options without what cannot be copied to a worker. */
export type Sendable<Options> = Omit<Options, 'signal' | 'onProgress' | 'onRows' | 'models'>;

/** Options of `decode`, of either form. */
export type SentDecodeOptions = Sendable<DecodeOptions> & { readonly partial?: boolean };

/** A model pack that only the client can read. `cached` as in `PackReader`. */
export interface ClientPack {
  readonly id: number;
  readonly cached: boolean;
}

/** Options of onnxruntime-web: no function can be sent. */
export type SentOnnxruntimeOptions = Omit<OnnxruntimeOptions, 'library'> & { readonly library?: string };

/** A call, from the client to the worker. */
export type Request = {
  readonly id: number;
  /** An address, or a pack that the client reads for the worker; without it the default pack. */
  readonly models?: string | ClientPack;
  readonly onnxruntime?: SentOnnxruntimeOptions;
} & (
  | { readonly call: 'encode'; readonly image: PixelSource; readonly options: Sendable<EncodeOptions> }
  | { readonly call: 'decode'; readonly bytes: Uint8Array; readonly options: SentDecodeOptions; readonly wantsRows: boolean }
);

/** A file of a model pack, from the client to the worker that wanted it. */
export type Delivery = { readonly wish: number } & ({ readonly file: Uint8Array } | { readonly error: SentError });

/** A file that the worker wants the client to read: of a pack of the client's, or of the default pack's neural models. */
export interface Wish {
  readonly wish: number;
  readonly pack: number | undefined;
  readonly name: string;
  readonly hint: { readonly bytes?: number; readonly again?: boolean };
}

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

/** An error as it is sent. */
export function describeError(error: unknown): SentError {
  if (!(error instanceof TesseraError)) return { code: 'internal', message: String(error) };
  const { code, message, offset } = error;
  return { code, message, ...(offset === undefined ? {} : { offset }) };
}

/** A sent error as an error again. */
export function errorOf({ code, message, offset }: SentError): TesseraError {
  return new TesseraError(code, message, offset === undefined ? {} : { offset });
}
