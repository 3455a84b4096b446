/** Compiles a copy of `assembly/`, as it is or changed. */

import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fromRoot } from '../helpers.js';

/**
 * Compiles with the flags of the build.
 *
 * @param entry - path in `assembly/`
 * @param changes - new texts of sources, by path, from the old ones; an absent source is empty
 */
export function compileAssembly(entry: string, changes: Readonly<Record<string, (text: string) => string>> = {}): Uint8Array<ArrayBuffer> {
  const folder = mkdtempSync(join(tmpdir(), 'tessera-assembly-'));
  try {
    cpSync(fromRoot('assembly'), join(folder, 'assembly'), { recursive: true });
    for (const [path, change] of Object.entries(changes)) {
      const file = join(folder, 'assembly', path);
      const text = existsSync(file) ? readFileSync(file, 'utf8') : '';
      if (change(text) === text) throw new Error(`nothing to change in ${path}`);
      writeFileSync(file, change(text));
    }
    const flags = ['-O3', '--noAssert', '--runtime', 'stub', '--enable', 'simd', '--use', 'abort=', '-o', 'out.wasm'];
    const compiler = fromRoot('node_modules/assemblyscript/bin/asc.js');
    execFileSync(process.execPath, [compiler, `assembly/${entry}`, ...flags], { cwd: folder });
    return new Uint8Array(readFileSync(join(folder, 'out.wasm')));
  } finally {
    rmSync(folder, { recursive: true });
  }
}
