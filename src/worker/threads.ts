/** Node's own kind of workers. */

/** `node:worker_threads`, where this is Node. It is not imported by its name, which bundlers for the web refuse. */
export function nodeThreads(): typeof import('node:worker_threads') | undefined {
  return typeof process === 'object' ? process.getBuiltinModule?.('node:worker_threads') : undefined;
}
