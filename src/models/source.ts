/** Where the bytes of a model pack come from: memory, a disk, the network, or this package's own code. Nothing is checked here. */

import { TesseraError } from '../errors.js';
import { packageRoot } from '../package-root.js';
import { RemoteFolder, type RemoteModels } from './remote.js';

/** Where a pack comes from: a folder (path or URL), a folder with ways to fetch it, the files themselves, or something that reads them. */
export type ModelSource = string | URL | RemoteModels | ModelFiles | PackReader;

/** The files of a pack by name, `manifest.json` and `decoder.bin` at least. */
export interface ModelFiles {
  readonly files: Readonly<Record<string, Uint8Array>>;
}

/** Reads the files of a pack by name, from wherever they are. */
export interface PackReader {
  /**
   * The bytes of one file.
   *
   * @param name - for example `decoder.bin`
   * @param hint - `bytes`: the length that the manifest states; `again`: what was read before was not the right file
   */
  read(name: string, hint?: { readonly bytes?: number; readonly again?: boolean }): Promise<Uint8Array>;
  /** Whether reading again can give something better: true for readers with a cache. */
  readonly cached?: boolean;
}

/** Folder of the pack in this package. */
export const defaultPackPath = 'models/tessera-1/';

/** The reader of a source. */
export function readerOf(source: ModelSource): PackReader {
  if (source instanceof URL || typeof source === 'string') return readerOfFolder({ source });
  if ('read' in source) return source;
  if ('source' in source) return readerOfFolder(source);
  return {
    read: async (name) => {
      const bytes = source.files[name];
      // Not bytes either: what every object has by a name such as `toString`.
      if (!ArrayBuffer.isView(bytes)) throw new TesseraError('modelUnavailable', `the model pack has no ${name}`);
      return bytes;
    },
  };
}

/**
 * Reads a file of the default pack: from the folder beside the code where that is on a disk, else from the code itself, so that no
 * bundler can lose it, else from the folder's address.
 *
 * @param asCode - gives a file that is not always inlined
 */
export async function readDefault(name: string, asCode?: () => Promise<Uint8Array | undefined>): Promise<Uint8Array> {
  const root = packageRoot();
  const folder = root === undefined ? undefined : new URL(defaultPackPath, root);
  const inlined = async (): Promise<Uint8Array | undefined> =>
    (await import('../generated/default-pack.js')).defaultPackFile(name) ?? (await asCode?.());
  // webpack writes the path of the building machine into the code, hence the second question.
  if (folder?.protocol === 'file:' && !inBrowser()) {
    try {
      return await readLocal(new URL(name, folder), name);
    } catch (error) {
      const bytes = await inlined();
      if (bytes === undefined) throw error;
      return bytes;
    }
  }
  const bytes = await inlined();
  if (bytes !== undefined) return bytes;
  if (folder === undefined || folder.protocol === 'file:')
    throw new TesseraError('modelUnavailable', `${name} has no address here; \`models\` says where the model pack is`);
  return new RemoteFolder(folder, { source: folder }).read(name);
}

function inBrowser(): boolean {
  return typeof document === 'object' || typeof Reflect.get(globalThis, 'WorkerGlobalScope') === 'function';
}

/** A URL, or in a page or its workers an address relative to it, or else a path. */
function readerOfFolder(models: RemoteModels): PackReader {
  const { source } = models;
  if (source instanceof URL) return readerOfUrl(source, models);
  if (/^[a-z][a-z0-9+.-]+:\/\//i.test(source)) return readerOfUrl(new URL(source), models);
  if (inBrowser() && typeof location === 'object') return readerOfUrl(new URL(source, location.href), models);
  return { read: (name) => readLocal(`${source.replace(/\/$/, '')}/${name}`, name) };
}

function readerOfUrl(folder: URL, models: RemoteModels): PackReader {
  const base = new URL(folder);
  if (!base.pathname.endsWith('/')) base.pathname += '/';
  if (base.protocol === 'file:') return { read: (name) => readLocal(new URL(name, base), name) };
  return new RemoteFolder(base, models);
}

async function readLocal(path: string | URL, name: string): Promise<Uint8Array> {
  try {
    // A variable hides the module from bundlers for the web, which refuse it although it is never reached there.
    const fileModule = 'node:fs/promises';
    const { readFile }: typeof import('node:fs/promises') = await import(
      /* webpackIgnore: true */ /* turbopackIgnore: true */ /* @vite-ignore */ fileModule
    );
    return await readFile(path);
  } catch (cause) {
    throw new TesseraError('modelUnavailable', `cannot read ${name} of the model pack: ${String(path)}`, { cause });
  }
}
