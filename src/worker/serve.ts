/** `tessera-codec/serve`: the worker's side of `tessera-codec/worker`. */

import { decode, encode } from '../codec.js';
import { TesseraError } from '../errors.js';
import { configureOnnxruntime } from '../transforms/ort-runtime.js';
import type { Progress, Rows } from '../types.js';
import type { Reply, Request, SentError } from './protocol.js';

/** Where messages come from and go to: a worker's global scope or a `MessagePort`. */
export interface ServePort {
  postMessage(message: unknown, transfer: Transferable[]): void;
  addEventListener(type: 'message', listener: (event: MessageEvent) => void): void;
  /** A `MessagePort` is silent until it is started. */
  start?(): void;
}

/**
 * Answers the calls of a client on a port, by default those that reach this worker.
 * A worker file of your own needs nothing else: `import { serve } from 'tessera-codec/serve'; serve();`
 */
export function serve(port: ServePort = globalThis as unknown as ServePort): void {
  port.addEventListener('message', ({ data }) => {
    answer(data as Request, (reply, transfer = []) => port.postMessage(reply, transfer));
  });
  port.start?.();
}

async function answer(request: Request, send: (reply: Reply, transfer?: Transferable[]) => void): Promise<void> {
  const { id } = request;
  const onProgress = (progress: Progress): void => send({ id, progress });
  // `postMessage` would copy all of the buffer that the rows are a view of.
  const onRows = (rows: Rows): void => send({ id, rows: { ...rows, data: rows.data.slice() } });
  try {
    if (request.onnxruntime !== undefined) configureOnnxruntime(request.onnxruntime);
    if (request.call === 'encode') {
      const bytes = await encode(request.image, { ...request.options, onProgress });
      send({ id, bytes }, [bytes.buffer]);
    } else {
      const { partial, ...plain } = request.options;
      const options = { ...plain, onProgress, ...(request.wantsRows ? { onRows } : {}) };
      const { picture, ...rest } =
        partial === true
          ? await decode(request.bytes, { ...options, partial })
          : { picture: await decode(request.bytes, partial === undefined ? options : { ...options, partial }) };
      const { data, width, height } = picture;
      send({ id, picture: { data, width, height, colorSpace: 'srgb' }, ...('missing' in rest ? { rest } : {}) }, [data.buffer]);
    }
  } catch (error) {
    send({ id, error: describe(error) });
  }
}

function describe(error: unknown): SentError {
  if (!(error instanceof TesseraError)) return { code: 'internal', message: String(error) };
  const { code, message, offset } = error;
  return { code, message, ...(offset === undefined ? {} : { offset }) };
}
