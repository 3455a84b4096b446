/** The core from the bytes inside this package: no bundler can lose them, and no request is made. */

import { type CoreSource, compileSource } from './core.js';
import { codecWasm } from './generated/codec-wasm.js';

export { Core, type CoreSource, modeSetOf } from './core.js';

/** Compiles the core: by default from the bytes inside this package. */
export function compileCore(source?: CoreSource): Promise<WebAssembly.Module> {
  return compileSource(source ?? codecWasm());
}
