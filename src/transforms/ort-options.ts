/**
 * How onnxruntime-web is found and run, as callers say it. Apart from what uses it, so that declarations of the package can be read
 * where that optional peer is not installed.
 */

/** Where onnxruntime-web finds its parts, and how it runs. */
export interface OnnxruntimeOptions {
  /**
   * Where its `ort-wasm-simd-threaded.wasm` is: a folder, or the URL of that file. Needed where the bundler does not
   * copy that file (esbuild).
   */
  readonly wasmPaths?: string | { readonly mjs?: string | URL; readonly wasm?: string | URL };
  /** Bytes of that file, instead of a path. */
  readonly binary?: Uint8Array | ArrayBuffer;
  /** That file precompiled: the only way where no code can be compiled from bytes (Cloudflare Workers). */
  readonly module?: WebAssembly.Module;
  /**
   * Where its JavaScript is, or a function that imports it; default: the package by its name. Needed in module workers without a
   * bundler, which know no names (`…/dist/ort.wasm.bundle.min.mjs`), and for another of its builds.
   */
  readonly library?: string | URL | (() => Promise<unknown>);
  /**
   * Who computes the analysis: `wasm`, the default, or `webgpu`, which needs another build as `library`
   * (`() => import('onnxruntime-web/webgpu')`), or `auto`: `webgpu` where that works, else `wasm`. Only `wasm` gives the
   * same file on every machine; every file decodes to the same pixels everywhere.
   */
  readonly device?: 'wasm' | 'webgpu' | 'auto';
  /** Threads; default 1. More need a page that is cross-origin isolated. */
  readonly numThreads?: number;
}

let settings: OnnxruntimeOptions = {};

/** The options in force. */
export function onnxruntimeOptions(): OnnxruntimeOptions {
  return settings;
}

/** Says where onnxruntime-web finds its parts. Call it before the first call that needs them; later calls have no effect on it. */
export function configureOnnxruntime(options: OnnxruntimeOptions): void {
  settings = { ...options };
}
