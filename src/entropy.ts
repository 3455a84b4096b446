/**
 * `tessera-codec/entropy`: the entropy coder alone, for other codecs and for measurements: 64 × 16 rows of frequencies and interleaved
 * rANS lanes (FORMAT.md §4 "Row", §5).
 *
 * A row is `class · 16 + fraction + 8`, with class 0…63 and fraction −8…7 (sixteenths of the mean). Its symbols are
 * 0 "below", 1…2n+1 the residuals −n…n, 2n+2 "above"; what follows an escape is the caller's.
 */

import { checkStatus, TesseraError } from './errors.js';
import { type CoreSource, compileCore } from './wasm.js';

export { type ErrorCode, TesseraError } from './errors.js';

/** The rows of a coder, as block 1 of decoder.bin stores them (FORMAT.md §7.2). */
export interface EntropyTables {
  /** 64 × {n, escape order}. */
  readonly classes: Uint8Array;
  /** For each class the frequencies of the fractions −8…0, 2n + 3 each, adding up to 32768. */
  readonly frequencies: Uint16Array;
}

/** Codes symbols by rows. */
export interface EntropyCoder {
  /** Number of symbols of a row. */
  symbolCount(row: number): number;
  /** Codes `symbols[i]` by row `rows[i]`. */
  encode(symbols: Uint16Array, rows: Uint16Array, lanes?: 1 | 2 | 4 | 8): Uint8Array<ArrayBuffer>;
  /** Reads as many symbols as there are rows. Throws `entropyDesync` for damaged bytes. */
  decode(bytes: Uint8Array, rows: Uint16Array, lanes?: 1 | 2 | 4 | 8): Uint16Array<ArrayBuffer>;
}

const classCount = 64;
const total = 32_768;
const largestReach = 31;
const tail = 2 ** -12;

/** Rows of a Laplace distribution: class c stands for ln b = −3 + (c + ½)/8, fraction f for a mean of f/16. */
export function laplaceTables(): EntropyTables {
  const classes = new Uint8Array(2 * classCount);
  const frequencies: number[] = [];
  for (let index = 0; index < classCount; index++) {
    const scale = Math.exp(-3 + (index + 0.5) / 8);
    let reach = 1;
    while (reach < largestReach && escapeMass(scale, reach) >= tail) reach++;
    classes[2 * index] = reach;
    classes[2 * index + 1] = Math.min(15, Math.round(Math.log2(Math.max(1, scale * Math.LN2))));
    for (let fraction = -8; fraction <= 0; fraction++) frequencies.push(...wholeNumbers(probabilities(scale, fraction, reach)));
  }
  return { classes, frequencies: Uint16Array.from(frequencies) };
}

/** Probability that a Laplace variable of mean 0 is below x. */
function below(x: number, scale: number): number {
  return x < 0 ? 0.5 * Math.exp(x / scale) : 1 - 0.5 * Math.exp(-x / scale);
}

/** Probability of [low, high], accurate in both tails. */
function interval(low: number, high: number, scale: number): number {
  return low >= 0 ? below(-low, scale) - below(-high, scale) : below(high, scale) - below(low, scale);
}

function probabilities(scale: number, fraction: number, reach: number): number[] {
  const mean = fraction / 16;
  const row = [below(-reach - 0.5 - mean, scale)];
  for (let residual = -reach; residual <= reach; residual++) row.push(interval(residual - 0.5 - mean, residual + 0.5 - mean, scale));
  row.push(below(-(reach + 0.5 - mean), scale));
  return row;
}

/** The largest probability of an escape over all fractions; the mean furthest from the middle has it. */
function escapeMass(scale: number, reach: number): number {
  const row = probabilities(scale, -8, reach);
  return row[0] + row[row.length - 1];
}

/** Frequencies of at least 1 that add up to 2^15 with the least increase of the code length. */
function wholeNumbers(row: readonly number[]): number[] {
  const sum = row.reduce((all, value) => all + value, 0);
  const exact = row.map((value) => (value / sum) * total);
  const counts = exact.map((value) => Math.max(1, Math.floor(value)));
  let missing = total - counts.reduce((all, value) => all + value, 0);
  for (; missing !== 0; missing -= Math.sign(missing)) {
    const direction = Math.sign(missing);
    let best = -1;
    let bestChange = Number.NEGATIVE_INFINITY;
    counts.forEach((count, index) => {
      if (count + direction < 1) return;
      const change = exact[index] * Math.log2((count + direction) / count);
      if (change > bestChange) {
        best = index;
        bestChange = change;
      }
    });
    counts[best] += direction;
  }
  return counts;
}

interface EntropyExports extends Record<string, unknown> {
  readonly memory: WebAssembly.Memory;
  allocate(bytes: number): number;
  mark(): number;
  release(mark: number): void;
  loadTables(classes: number, frequencies: number): number;
  ransEncode(symbols: number, rows: number, count: number, lanes: number, out: number, capacity: number): number;
  ransDecode(bytes: number, length: number, rows: number, count: number, lanes: number, symbols: number): number;
}

/**
 * Makes a coder with its own memory.
 *
 * @param tables - default: `laplaceTables()`
 * @param core - the WASM core; default: the one inside this package
 * @throws TesseraError `corruptModel` for tables that break the rules of FORMAT.md §7.2
 */
export async function createEntropyCoder(tables: EntropyTables = laplaceTables(), core?: CoreSource): Promise<EntropyCoder> {
  const { classes, frequencies } = tables;
  checkTables(tables);
  const exports = (await WebAssembly.instantiate(await compileCore(core))).exports as unknown as EntropyExports;
  const start = exports.mark();
  const allocate = (length: number): number => {
    const pointer = exports.allocate(length) >>> 0;
    if (pointer === 0) throw new TesseraError('limitMemory', `the core has no memory for ${length} bytes`);
    return pointer;
  };
  const copyIn = (values: Uint8Array | Uint16Array): number => {
    const pointer = allocate(values.byteLength);
    new Uint8Array(exports.memory.buffer, pointer, values.byteLength).set(
      new Uint8Array(values.buffer, values.byteOffset, values.byteLength),
    );
    return pointer;
  };
  const scoped = <Result>(work: () => Result): Result => {
    try {
      return work();
    } finally {
      exports.release(start);
    }
  };
  scoped(() => checkStatus(exports.loadTables(copyIn(classes), copyIn(frequencies)), 'loading the tables'));

  return {
    symbolCount: (row) => 2 * classes[2 * (row >> 4)] + 3,
    encode: (symbols, rows, lanes = 2) => {
      if (symbols.length !== rows.length) throw new TesseraError('invalidArgument', `${symbols.length} symbols for ${rows.length} rows`);
      return scoped(() => {
        // A symbol has at most 15 bits; a state has 4 bytes.
        const capacity = 4 * lanes + 2 * symbols.length + 16;
        const pointers = [copyIn(symbols), copyIn(rows)];
        const out = allocate(capacity);
        const length = exports.ransEncode(pointers[0], pointers[1], rows.length, lanes, out, capacity);
        if (length < 0) throw new TesseraError('invalidArgument', 'a symbol, a row or the number of lanes does not exist');
        return new Uint8Array(exports.memory.buffer, out, length).slice();
      });
    },
    decode: (bytes, rows, lanes = 2) =>
      scoped(() => {
        const pointers = [copyIn(bytes), copyIn(rows)];
        const out = allocate(2 * rows.length);
        checkStatus(exports.ransDecode(pointers[0], bytes.length, pointers[1], rows.length, lanes, out), 'decoding the symbols');
        return new Uint16Array(exports.memory.buffer, out, rows.length).slice();
      }),
  };
}

/** The core reads as many frequencies as the classes say, so their number is checked before it does. */
function checkTables({ classes, frequencies }: EntropyTables): void {
  let wanted = 0;
  for (let index = 0; index < classes.length; index += 2) wanted += 9 * (2 * classes[index] + 3);
  if (classes.length !== 2 * classCount || frequencies.length !== wanted) {
    throw new TesseraError(
      'corruptModel',
      `${classes.length} bytes of classes and ${frequencies.length} frequencies do not belong together`,
    );
  }
}
