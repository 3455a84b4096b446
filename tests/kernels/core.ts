/** The bare WASM core for kernel tests: no facade between the test and the ABI. */
import { readFileSync } from 'node:fs';
import { instantiateSync } from '@assemblyscript/loader';
import type { CoreExports } from '../../src/core-exports.js';

/** What the core has beside the exports that the library uses. */
export interface Core extends CoreExports {
  version(): number;
  gridWidth(grid: number): number;
  gridHeight(grid: number): number;
  patchCount(): number;
  tileCount(): number;
  patchDistortion(patch: number, mode: number): number;
  ransEncode(symbols: number, rows: number, count: number, lanes: number, out: number, capacity: number): number;
  ransDecode(bytes: number, length: number, rows: number, count: number, lanes: number, symbols: number): number;
  contextRows(plane: number, width: number, height: number, codec: number, rows: number, integers: number): number;
}

const code = readFileSync(new URL('../../build/codec.wasm', import.meta.url));

/** A fresh instance with the rows of the reference vectors loaded. */
export function startCore(): Core {
  const core = instantiateSync<Core>(code, {}).exports as unknown as Core;
  const tables = tableBytes();
  const pointer = copyIn(core, tables);
  const status = core.loadTables(pointer, pointer + 128);
  if (status !== 0) throw new Error(`loadTables: ${status}`);
  core.loadCosts();
  return core;
}

/** Block 1 of decoder.bin, as the Python exporter writes it. */
export function tableBytes(): Uint8Array {
  const file = readFileSync(new URL('../vectors/tables.json', import.meta.url), 'utf8');
  return fromBase64(JSON.parse(file).tables);
}

export function fromBase64(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, 'base64'));
}

export function bytesOf(core: Core, pointer: number, length: number): Uint8Array {
  return new Uint8Array(core.memory.buffer, pointer >>> 0, length);
}

export function copyIn(core: Core, bytes: Uint8Array): number {
  const pointer = core.allocate(bytes.length) >>> 0;
  if (pointer === 0) throw new Error('no memory');
  bytesOf(core, pointer, bytes.length).set(bytes);
  return pointer;
}

export function copyIn16(core: Core, values: ArrayLike<number>): number {
  return copyIn(core, new Uint8Array(Int16Array.from(values, (value) => (value << 16) >> 16).buffer));
}

export function plane(core: Core, set: number, grid: number): Int16Array {
  const count = core.gridWidth(grid) * core.gridHeight(grid);
  return new Int16Array(core.memory.buffer, core.planePointer(set, grid) >>> 0, count);
}

export function modes(core: Core): Uint8Array {
  return bytesOf(core, core.modesPointer(), core.patchCount());
}

/** Small seeded generator (mulberry32): numbers in [0, 1). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Hidden units of the synthesis. */
export const hiddenUnits = 48;
/** Bytes of a decoder block (FORMAT.md §7.5) from b1 to its end. */
const fromBiases = 2 * hiddenUnits + 2 + 6 * hiddenUnits + 12 + 2 * 176;

/** A decoder block whose hidden unit `unit` is what unit `order[unit]` was, without a weight to any colour if that is −1. */
export function rearranged(block: Uint8Array, order: readonly number[]): Uint8Array<ArrayBuffer> {
  const result = Uint8Array.from(block);
  const biases = block.length - fromBiases;
  const inputs = biases - 14 * hiddenUnits;
  const mixing = biases + 2 * hiddenUnits + 2;
  order.forEach((from, unit) => {
    for (let output = 0; output < 3; output++) {
      const row = mixing + 2 * hiddenUnits * output;
      result.set(from < 0 ? [0, 0] : block.subarray(row + 2 * from, row + 2 * from + 2), row + 2 * unit);
    }
    if (from < 0) return;
    result.set(block.subarray(inputs + 14 * from, inputs + 14 * (from + 1)), inputs + 14 * unit);
    result.set(block.subarray(biases + 2 * from, biases + 2 * (from + 1)), biases + 2 * unit);
  });
  return result;
}
