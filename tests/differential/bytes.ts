/** Bytes, for the decoder of this folder. Written from FORMAT.md alone, like its neighbours: nothing here comes from src/ or assembly/. */

/** A file or pack is not as FORMAT.md has it. */
export class Refusal extends Error {
  constructor(readonly code: string) {
    super(code);
  }
}

/** @throws Refusal unless the condition holds */
export function demand(condition: boolean, code: string): asserts condition {
  if (!condition) throw new Refusal(code);
}

/** Reads little-endian numbers one after the other. */
export class Reader {
  at = 0;

  /** @param atEnd - the error when the bytes end too early */
  constructor(
    readonly bytes: Uint8Array,
    readonly atEnd: string,
  ) {}

  take(length: number): Uint8Array {
    demand(this.at + length <= this.bytes.length, this.atEnd);
    this.at += length;
    return this.bytes.subarray(this.at - length, this.at);
  }

  u8 = (): number => this.take(1)[0];
  u16 = (): number => this.u8() + 256 * this.u8();
  u32 = (): number => this.u16() + 65_536 * this.u16();
  i16 = (): number => (this.u16() << 16) >> 16;
  i32 = (): number => this.u32() | 0;

  leb128(): number {
    let value = 0;
    for (let count = 0; count < 5; count++) {
      const byte = this.u8();
      value += (byte % 128) * 128 ** count;
      if (byte >= 128) continue;
      demand(value < 2 ** 32 && (byte > 0 || count === 0), 'corruptSection');
      return value;
    }
    throw new Refusal('corruptSection');
  }
}

/** CRC-32, bit by bit. */
export function checksum(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc >>> 0;
}

export const list = <Value>(count: number, make: (index: number) => Value): Value[] =>
  Array.from({ length: count }, (_, index) => make(index));
export const clamp = (value: number, low: number, high: number): number => Math.min(Math.max(value, low), high);
export const f = Math.fround;
