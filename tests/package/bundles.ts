/** Bundles of the package's sources, as a bundler of its users would make them. */

import { gzipSync } from 'node:zlib';
import { build, type Metafile, type Plugin } from 'esbuild';
import { fromRoot } from '../helpers.js';

/** A bundle in memory. */
export interface Bundle {
  /** Every file with its length after gzip, in bytes. */
  readonly files: ReadonlyMap<string, number>;
  readonly text: string;
  readonly metafile: Metafile;
}

/** Bundles one source file of the package, minified, with the rest of the world outside. */
export async function bundle(source: string, plugins: Plugin[] = []): Promise<Bundle> {
  const { metafile, outputFiles } = await build({
    absWorkingDir: fromRoot(''),
    entryPoints: [source],
    outdir: 'out/bundle',
    bundle: true,
    minify: true,
    splitting: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    external: ['onnxruntime-web', './codec.wasm'],
    write: false,
    metafile: true,
    plugins,
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
      setup.onLoad({ filter }, () => ({ contents: 'export const codecWasm = () => [], defaultPackFile = () => {};', loader: 'ts' }));
    },
  };
}

/** Modules in the graph of a bundle and what it imports from outside, by path. */
export function graphOf({ metafile }: Bundle): string[] {
  return Object.entries(metafile.inputs).flatMap(([path, input]) => [path, ...input.imports.map((entry) => entry.path)]);
}
