/**
 * The rANS of FORMAT.md §5 in plain TypeScript: the same lanes, tables and bytes as assembly/entropy/rans.ts.
 *
 * Tables are rows of `rowEntries` numbers: −1, then the last slot of each symbol, padded with 32,767.
 */

export const rowEntries = 72;

const lowestState = 2 ** 23;

/** Encodes backwards into the end of `buffer`. @returns the stream, a part of `buffer` */
export function encode(tables: Int16Array, rows: Uint16Array, symbols: Uint16Array, lanes: number, buffer: Uint8Array): Uint8Array {
  const states = new Int32Array(lanes).fill(lowestState);
  let place = buffer.length;
  for (let index = rows.length - 1; index >= 0; index--) {
    const entry = rows[index] * rowEntries + symbols[index];
    const last = tables[entry];
    const frequency = tables[entry + 1] - last;
    const lane = index & (lanes - 1);
    let state = states[lane];
    // States stay below 2^31, but the limit of the most frequent symbol may be 2^31 itself: compared without the low 16 bits.
    while (state >>> 16 >= frequency) {
      buffer[--place] = state;
      state >>>= 8;
    }
    const quotient = (state / frequency) | 0;
    states[lane] = (quotient << 15) + (state - Math.imul(quotient, frequency)) + last + 1;
  }
  const view = new DataView(buffer.buffer, buffer.byteOffset, buffer.byteLength);
  for (let lane = lanes - 1; lane >= 0; lane--) {
    place -= 4;
    view.setUint32(place, states[lane], true);
  }
  return buffer.subarray(place);
}

/** Decodes into `symbols`. @returns whether the stream ended as it must */
export function decode(tables: Int16Array, rows: Uint16Array, symbols: Uint16Array, lanes: number, bytes: Uint8Array): boolean {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const states = new Int32Array(lanes);
  for (let lane = 0; lane < lanes; lane++) states[lane] = view.getUint32(4 * lane, true);
  let place = 4 * lanes;
  for (let index = 0; index < rows.length; index++) {
    const lane = index & (lanes - 1);
    let state = states[lane];
    const slot = state & 0x7fff;
    const row = rows[index] * rowEntries;
    let entry = row + 1;
    while (tables[entry] < slot) entry++;
    symbols[index] = entry - row - 1;
    const last = tables[entry - 1];
    state = Math.imul(tables[entry] - last, state >> 15) + slot - last - 1;
    while (state < lowestState) {
      if (place === bytes.length) return false;
      state = (state << 8) | bytes[place++];
    }
    states[lane] = state;
  }
  return place === bytes.length && states.every((state) => state === lowestState);
}
