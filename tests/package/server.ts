/** A web server for the repository's files, on this machine only. */

import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname } from 'node:path';
import { fromRoot } from '../helpers.js';

const types: Record<string, string> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.json': 'application/json',
  '.wasm': 'application/wasm',
};

/** A running server. */
export interface Server {
  /** With a slash at the end. */
  readonly origin: string;
  close(): void;
}

/**
 * Serves files below the repository's root, and pages given by text.
 *
 * @param pages - by path, without the first slash
 */
export async function serveRepository(pages: Readonly<Record<string, string | Uint8Array>>): Promise<Server> {
  const server = createServer((request, response) => {
    const path = new URL(request.url ?? '/', 'http://localhost').pathname.slice(1);
    const content = Object.hasOwn(pages, path) ? Promise.resolve(pages[path]) : readFile(fromRoot(path));
    content.then(
      (body) => response.writeHead(200, { 'content-type': types[extname(path)] ?? 'application/octet-stream' }).end(body),
      () => response.writeHead(404).end(),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { origin: `http://127.0.0.1:${port}/`, close: () => server.close() };
}
