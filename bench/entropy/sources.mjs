// Tables and symbols to code: the rows of the pack, and single distributions from uniform to 1 in 2^15.
import { BareCore } from '../lib/core.mjs';
import { seeded } from '../lib/measure.mjs';
import { pictureFiles, pictureFolder, readPicture } from '../lib/pictures.mjs';

const slots = 2 ** 15;
const classCount = 64;
const fractionCount = 9;
export const rowCount = 1024;
export const rowEntries = 72;

/** Integer frequencies that add up to 2^15, each at least 1, near the given weights. */
function toFrequencies(weights) {
  const sum = weights.reduce((total, weight) => total + weight, 0);
  const frequencies = weights.map((weight) => 1 + Math.floor((weight / sum) * (slots - weights.length)));
  const largest = frequencies.indexOf(Math.max(...frequencies));
  frequencies[largest] += slots - frequencies.reduce((total, frequency) => total + frequency, 0);
  return frequencies;
}

const shapes = {
  uniform: () => 1,
  geometric: (index) => 0.7 ** index,
  // The first symbol takes all that the others, one slot each, leave over.
  'all but one slot each': (index) => (index === 0 ? 1 : 0),
};

/** Block 1 of decoder.bin (FORMAT.md §7.2) with the same distribution in every row that is not mirrored. */
function blockOf(frequencies) {
  const reach = (frequencies.length - 3) / 2;
  const classes = new Uint8Array(2 * classCount);
  for (let index = 0; index < classCount; index++) classes[2 * index] = reach;
  const rows = new Uint16Array(classCount * fractionCount * frequencies.length);
  for (let row = 0; row < classCount * fractionCount; row++) rows.set(frequencies, row * frequencies.length);
  return { classes, frequencies: new Uint8Array(rows.buffer) };
}

/** The 1024 rows as the core has them, rebuilt without it: −1, last slots, padding. */
export function rowsOf({ classes, frequencies }) {
  const view = new DataView(frequencies.buffer, frequencies.byteOffset, frequencies.byteLength);
  const tables = new Int16Array(rowCount * rowEntries).fill(slots - 1);
  let offset = 0;
  for (let index = 0; index < classCount; index++) {
    const symbols = 2 * classes[2 * index] + 3;
    for (let fraction = 0; fraction < fractionCount; fraction++) {
      const stored = Array.from({ length: symbols }, (_, symbol) => view.getUint16(offset + 2 * symbol, true));
      offset += 2 * symbols;
      fillRow(tables, index * 16 + fraction, stored);
      if (fraction > 0 && fraction < 8) fillRow(tables, index * 16 + 16 - fraction, stored.toReversed());
    }
  }
  return tables;
}

function fillRow(tables, row, frequencies) {
  const start = row * rowEntries;
  tables[start] = -1;
  let last = -1;
  frequencies.forEach((frequency, symbol) => {
    last += frequency;
    tables[start + 1 + symbol] = last;
  });
}

/** Symbols drawn from the tables. @returns rows, symbols and their cross-entropy in bits */
function draw(tables, count, chooseRow, random) {
  const rows = new Uint16Array(count);
  const symbols = new Uint16Array(count);
  let bits = 0;
  for (let index = 0; index < count; index++) {
    const row = chooseRow(random);
    const slot = Math.floor(random() * slots);
    let entry = row * rowEntries + 1;
    while (tables[entry] < slot) entry++;
    rows[index] = row;
    symbols[index] = entry - row * rowEntries - 1;
    bits += 15 - Math.log2(tables[entry] - tables[entry - 1]);
  }
  return { rows, symbols, bits };
}

/** Rows and symbols of a real picture of about 0.5 bit per pixel, in coding order, as often as fills `count`; escapes are left out. */
export async function pictureSource(inner, code, pack, count) {
  const folder = pictureFolder();
  const image = await readPicture(pictureFiles(folder.path)[0]);
  const { bytes } = await inner.encodeDetailed(inner.engineOfPackage(), image, { quality: 40, modes: 1, effort: 1 }, { cost: false });
  const core = new BareCore(code, pack);
  core.decodeLatents(core.open(inner, bytes));
  const { exports } = core;
  const out = core.allocate(16 * 256 * 256);
  const { classes } = pack.decoder;
  const rows = [];
  const symbols = [];
  for (let patch = 0; patch < exports.patchCount(); patch++) {
    const end = exports.contextPatch(patch, out) >>> 0;
    const entries = new DataView(exports.memory.buffer, out, end - out);
    for (let at = 0; at < entries.byteLength; at += 8) {
      const row = entries.getUint16(at, true);
      const reach = classes[2 * (row >> 4)];
      const symbol = entries.getInt32(at + 4, true) - entries.getInt16(at + 2, true) + reach + 1;
      if (symbol < 1 || symbol > 2 * reach + 1) continue;
      rows.push(row);
      symbols.push(symbol);
    }
  }
  const block = { classes: pack.decoder.classes, frequencies: pack.decoder.frequencies };
  const tables = rowsOf(block);
  const repeated = (values) => Uint16Array.from({ length: count }, (_, index) => values[index % values.length]);
  const all = { rows: repeated(rows), symbols: repeated(symbols) };
  const bits = all.rows.reduce((sum, row, index) => {
    const entry = row * rowEntries + all.symbols[index];
    return sum + 15 - Math.log2(tables[entry + 1] - tables[entry]);
  }, 0);
  return { name: `picture ${image.name}`, block, tables, ...all, bits };
}

/** All sources: {name, block, tables, rows, symbols, bits}. */
export function* sources(pack, count) {
  const block = { classes: pack.decoder.classes, frequencies: pack.decoder.frequencies };
  const tables = rowsOf(block);
  const anyRow = (random) => Math.floor(random() * rowCount);
  // Fine grids are mostly zeros: nine symbols of ten from narrow classes.
  const mostlyNarrow = (random) => Math.floor(random() * (random() < 0.9 ? rowCount / 8 : rowCount));
  yield { name: 'pack, all rows alike', block, tables, ...draw(tables, count, anyRow, seeded(1)) };
  yield { name: 'pack, mostly narrow rows', block, tables, ...draw(tables, count, mostlyNarrow, seeded(2)) };
  for (const symbols of [5, 9, 17, 33, 65]) {
    for (const [shape, weight] of Object.entries(shapes)) {
      const made = blockOf(toFrequencies(Array.from({ length: symbols }, (_, index) => weight(index))));
      const rows = rowsOf(made);
      yield { name: `${symbols} symbols, ${shape}`, block: made, tables: rows, ...draw(rows, count, () => 0, seeded(symbols)) };
    }
  }
}
