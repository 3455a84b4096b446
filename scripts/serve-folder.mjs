// A web server for the files of one folder, on this machine only.
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname } from 'node:path';

const types = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.json': 'application/json',
  '.wasm': 'application/wasm',
};

/**
 * Serves a folder; the path `/` is its index.html.
 *
 * @param port - 0 takes a free one
 * @returns the address with a slash at the end, and a function that stops the server
 */
export async function serveFolder(folder, port = 0) {
  const server = createServer(async (request, response) => {
    // `URL` has already resolved any `..`, so the path cannot leave the folder, unless the dots are escaped.
    const path = decodeURIComponent(new URL(request.url, 'http://localhost').pathname);
    try {
      if (path.includes('..')) throw new Error('outside');
      const body = await readFile(`${folder}${path.endsWith('/') ? `${path}index.html` : path}`);
      response.writeHead(200, {
        'content-type': types[extname(path)] ?? (path.endsWith('/') ? types['.html'] : 'application/octet-stream'),
        'cache-control': 'no-cache',
      });
      response.end(body);
    } catch {
      response.writeHead(404).end('not found');
    }
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    address: `http://127.0.0.1:${server.address().port}/`,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}
