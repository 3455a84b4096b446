// Entropy coders from npm on the same symbols.
//
// - compressjs: a range coder that takes frequencies, so it codes with the very same tables; its symbols are found by the same scan.
// - @thi.ng/range-coder: takes bytes and adapts its own model of order 0 to them, so it sees the symbols alone, not their tables.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { decodeBytes, encodeBytes } from '@thi.ng/range-coder';
import { fromRoot } from '../../scripts/setup.mjs';
import { rowEntries } from './sources.mjs';

const RangeCoder = createRequire(import.meta.url)('compressjs/lib/RangeCoder.js');
const shift = 15;

const versionOf = (name) => JSON.parse(readFileSync(fromRoot('node_modules', name, 'package.json'), 'utf8')).version;

function encodeWithTables(tables, rows, symbols, buffer) {
  let length = 0;
  const coder = new RangeCoder({
    writeByte: (byte) => {
      buffer[length++] = byte;
    },
  });
  coder.encodeStart(0, 0);
  for (let index = 0; index < rows.length; index++) {
    const entry = rows[index] * rowEntries + symbols[index];
    coder.encodeShift(tables[entry + 1] - tables[entry], tables[entry] + 1, shift);
  }
  coder.encodeFinish();
  return buffer.subarray(0, length);
}

function decodeWithTables(tables, rows, result, bytes) {
  let place = 0;
  const coder = new RangeCoder({ readByte: () => bytes[place++] ?? 0 });
  coder.decodeStart();
  for (let index = 0; index < rows.length; index++) {
    const slot = coder.decodeCulShift(shift);
    const row = rows[index] * rowEntries;
    let entry = row + 1;
    while (tables[entry] < slot) entry++;
    result[index] = entry - row - 1;
    coder.decodeUpdate(tables[entry] - tables[entry - 1], tables[entry - 1] + 1, 2 ** shift);
  }
  return result;
}

/** @returns name → {encode() → bytes, decode(bytes) → symbols} of one source */
export function packageCoders({ tables, rows, symbols }) {
  const buffer = new Uint8Array(64 + 4 * rows.length);
  const alone = Uint8Array.from(symbols);
  return {
    [`compressjs ${versionOf('compressjs')}`]: {
      encode: () => encodeWithTables(tables, rows, symbols, buffer),
      decode: (bytes) => decodeWithTables(tables, rows, new Uint16Array(rows.length), bytes),
    },
    [`@thi.ng/range-coder ${versionOf('@thi.ng/range-coder')}`]: {
      encode: () => encodeBytes(alone),
      decode: (bytes) => Uint16Array.from(decodeBytes(bytes)),
    },
  };
}
