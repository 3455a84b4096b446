/** rANS over the pack's rows: exact round trips, size against the tables' cross-entropy, damage. */
import { beforeAll, describe, expect, it } from 'vitest';
import { bytesOf, type Core, copyIn, copyIn16, seeded, startCore, tableBytes } from './core.js';

/** Frequencies of the 1024 rows, rebuilt from the table bytes without the core. */
function rowsOfTables(): number[][] {
  const table = tableBytes();
  const view = new DataView(table.buffer, table.byteOffset);
  const rows: number[][] = [];
  let offset = 128;
  for (let index = 0; index < 64; index++) {
    const symbols = 2 * table[2 * index] + 3;
    const stored: number[][] = [];
    for (let fraction = -8; fraction <= 0; fraction++) {
      stored.push(Array.from({ length: symbols }, (_, symbol) => view.getUint16(offset + 2 * symbol, true)));
      offset += 2 * symbols;
    }
    for (let fraction = -8; fraction < 8; fraction++) {
      rows.push(fraction <= 0 ? stored[fraction + 8] : stored[8 - fraction].toReversed());
    }
  }
  return rows;
}

const frequencies = rowsOfTables();

function draw(random: () => number, count: number): { rows: number[]; symbols: number[]; bits: number } {
  const rows: number[] = [];
  const symbols: number[] = [];
  let bits = 0;
  for (let index = 0; index < count; index++) {
    const row = Math.floor(random() * 1024);
    let slot = Math.floor(random() * 32768);
    let symbol = 0;
    while (slot >= frequencies[row][symbol]) slot -= frequencies[row][symbol++];
    rows.push(row);
    symbols.push(symbol);
    bits += 15 - Math.log2(frequencies[row][symbol]);
  }
  return { rows, symbols, bits };
}

describe('rANS', () => {
  let core: Core;
  beforeAll(() => {
    core = startCore();
  });

  const roundTrip = (count: number, lanes: number, seed: number) => {
    const mark = core.mark();
    const { rows, symbols, bits } = draw(seeded(seed), count);
    const rowPointer = copyIn16(core, rows);
    const symbolPointer = copyIn16(core, symbols);
    const capacity = 64 + 4 * count;
    const out = core.allocate(capacity) >>> 0;
    const length = core.ransEncode(symbolPointer, rowPointer, count, lanes, out, capacity);
    const decoded = core.allocate(2 * count) >>> 0;
    const status = core.ransDecode(out, length, rowPointer, count, lanes, decoded);
    const result = Array.from(new Uint16Array(core.memory.buffer, decoded, count));
    core.release(mark);
    return { length, status, result, symbols, bits };
  };

  it.each([1, 2, 4, 8])('brings back 0 to 70 symbols with %i lanes', (lanes) => {
    for (let count = 0; count <= 70; count++) {
      const { status, result, symbols } = roundTrip(count, lanes, 100 * lanes + count);
      expect(status).toBe(0);
      expect(result).toEqual(symbols);
    }
  });

  it.each([1, 2, 4, 8])('stays within 0.1 % and 4 bytes a lane of the cross-entropy with %i lanes', (lanes) => {
    const { length, status, result, symbols, bits } = roundTrip(100_000, lanes, lanes);
    expect(status).toBe(0);
    expect(result).toEqual(symbols);
    expect(length).toBeLessThanOrEqual((bits / 8) * 1.001 + 4 * lanes);
    expect(length).toBeGreaterThanOrEqual((bits / 8) * 0.9999);
  });

  it('finds the same symbols with the scalar search', () => {
    const { rows, symbols } = draw(seeded(9), 20_000);
    const mark = core.mark();
    const rowPointer = copyIn16(core, rows);
    const out = core.allocate(100_000) >>> 0;
    const length = core.ransEncode(copyIn16(core, symbols), rowPointer, rows.length, 2, out, 100_000);
    const decoded = core.allocate(2 * rows.length) >>> 0;
    core.useSimd(0);
    expect(core.ransDecode(out, length, rowPointer, rows.length, 2, decoded)).toBe(0);
    core.useSimd(1);
    expect(Array.from(new Uint16Array(core.memory.buffer, decoded, rows.length))).toEqual(symbols);
    core.release(mark);
  });

  it('says entropyDesync for every prefix, every appended byte and almost every changed byte', () => {
    const { rows, symbols } = draw(seeded(5), 300);
    const mark = core.mark();
    const rowPointer = copyIn16(core, rows);
    const out = core.allocate(4096) >>> 0;
    const length = core.ransEncode(copyIn16(core, symbols), rowPointer, rows.length, 2, out, 4096);
    const stream = bytesOf(core, out, length + 1).slice();
    const decoded = core.allocate(2 * rows.length) >>> 0;
    const decode = (bytes: Uint8Array) => core.ransDecode(copyIn(core, bytes), bytes.length, rowPointer, rows.length, 2, decoded);
    for (let prefix = 0; prefix < length; prefix++) expect(decode(stream.subarray(0, prefix))).toBe(34);
    expect(decode(stream)).toBe(34);
    let accepted = 0;
    for (let at = 0; at < length; at++) {
      const damaged = stream.slice(0, length);
      damaged[at] ^= 1 << (at % 8);
      if (decode(damaged) === 0) accepted++;
    }
    expect(accepted).toBe(0);
    core.release(mark);
  });

  it('refuses what cannot be encoded', () => {
    const one = (symbol: number, row: number, lanes: number, capacity: number) =>
      core.ransEncode(copyIn16(core, [symbol]), copyIn16(core, [row]), 1, lanes, core.allocate(64) >>> 0, capacity);
    expect(one(0, 0, 1, 64)).toBeGreaterThan(0);
    expect(one(0, 0, 3, 64)).toBe(-2);
    expect(one(0, 1024, 1, 64)).toBe(-2);
    expect(one(frequencies[0].length, 0, 1, 64)).toBe(-2);
    expect(one(0, 0, 1, 3)).toBe(-1);
  });
});
