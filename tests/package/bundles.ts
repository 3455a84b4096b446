/** Bundles of the package's sources, as a bundler of its users would make them. */

import { gzipSync } from 'node:zlib';
import { type BuildOptions, build, type Metafile, type Plugin } from 'esbuild';
import { fromRoot } from '../helpers.js';

/** A bundle in memory. */
export interface Bundle {
  /** Every file with its length after gzip, in bytes. */
  readonly files: ReadonlyMap<string, number>;
  readonly text: string;
  readonly metafile: Metafile;
}

/** Bundles one source file of the package, minified, with the rest of the world outside. */
export function bundle(source: string, plugins: Plugin[] = []): Promise<Bundle> {
  return bundleWith({ entryPoints: [source], splitting: true, plugins });
}

/** Bundles a user's module, which imports from `build/`, into one file. */
export function bundleOf(contents: string): Promise<Bundle> {
  return bundleWith({ stdin: { contents, resolveDir: fromRoot('build') } });
}

async function bundleWith(options: BuildOptions): Promise<Bundle> {
  const { metafile, outputFiles } = await build({
    absWorkingDir: fromRoot(''),
    outdir: 'out/bundle',
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    external: ['onnxruntime-web', './codec.wasm', './refine.wasm'],
    ...options,
    write: false,
    metafile: true,
  });
  return {
    files: new Map(outputFiles.map((file) => [file.path, gzipSync(file.contents, { level: 9 }).length])),
    text: outputFiles.map((file) => file.text).join('\n'),
    metafile,
  };
}

/** Replaces generated modules, whose size is not that of the code, by nothing. */
export function without(names: readonly string[]): Plugin {
  return {
    name: 'without',
    setup(setup) {
      const filter = new RegExp(`generated/(${names.join('|')})\\.ts$`);
      setup.onLoad({ filter }, () => ({
        contents: 'export const codecWasm = () => [], refineWasm = () => [], defaultPackFile = () => {}, defaultModelFile = () => {};',
        loader: 'ts',
      }));
    },
  };
}

/** Modules that are loaded with the output of `source`, before any `import()` runs. */
export function loadedAtOnce(whole: Bundle, source: string): string[] {
  return outputsAtOnce(whole, source).flatMap((path) => Object.keys(whole.metafile.outputs[path].inputs));
}

/** Bytes after gzip of the files that are loaded with the output of `source`. */
export function sizeAtOnce(whole: Bundle, source: string): number {
  const sizeOf = (path: string): number => [...whole.files].find(([file]) => file.endsWith(`/${path}`))?.[1] ?? Number.NaN;
  return outputsAtOnce(whole, source).reduce((sum, path) => sum + sizeOf(path), 0);
}

function outputsAtOnce({ metafile }: Bundle, source: string): string[] {
  const entry = Object.entries(metafile.outputs).find(([, output]) => output.entryPoint === source);
  const reached = new Set<string>();
  const follow = (path: string): void => {
    if (reached.has(path) || metafile.outputs[path] === undefined) return;
    reached.add(path);
    for (const { path: next, kind } of metafile.outputs[path].imports) if (kind !== 'dynamic-import') follow(next);
  };
  if (entry !== undefined) follow(entry[0]);
  return [...reached];
}

/** Modules in the graph of a bundle and what it imports from outside, by path. */
export function graphOf({ metafile }: Bundle): string[] {
  return Object.entries(metafile.inputs).flatMap(([path, input]) => [path, ...input.imports.map((entry) => entry.path)]);
}
