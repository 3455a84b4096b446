/** FORMAT.md §1: header, sections, and the parts of the picture section. */

import { checksum, demand, list, Reader } from './bytes.js';

/** Everything in a file but what the streams say. */
export interface FileParts {
  readonly width: number;
  readonly height: number;
  /** M, P and N. */
  readonly modes: number;
  readonly patch: number;
  readonly lanes: number;
  readonly packId: number;
  /** The first 8 bytes of the pack's SHA-256, in hexadecimal. */
  readonly packHash: string;
  readonly anchor: number;
  readonly step: number;
  readonly sections: ReadonlyMap<number, Uint8Array>;
  /** By how many classes each grid is wider. */
  readonly scales: readonly number[];
  readonly modeMap: Uint8Array;
  readonly coarse: Uint8Array;
  readonly tiles: readonly Uint8Array[];
}

/** @throws Refusal */
export function readContainer(file: Uint8Array): FileParts {
  demand(
    [0x8b, 0x54, 0x53, 0x0a].every((byte, index) => index >= file.length || file[index] === byte),
    'notOurFormat',
  );
  const reader = new Reader(file, 'truncated');
  const header = new Reader(reader.take(27).subarray(4), 'truncated');
  demand(header.u8() === 0, 'unsupportedVersion');
  demand(checksum(file.subarray(0, 23)) === new Reader(file.subarray(23), 'truncated').u32(), 'corruptHeader');
  const profile = header.u8();
  const [width, height] = [header.u16() + 1, header.u16() + 1];
  const packId = header.u16();
  const packHash = Buffer.from(header.take(8)).toString('hex');
  const [anchor, step, sectionByte] = [header.u8(), header.u8(), header.u8()];
  const patchCode = (profile >> 2) & 3;
  demand((profile & 0x40) === 0 && patchCode < 3 && sectionByte < 32, 'unsupportedFeature');

  const sections = new Map<number, Uint8Array>();
  let lastTag = -1;
  for (let count = sectionByte + 1; count > 0; count--) {
    const start = reader.at;
    const tag = reader.u8();
    demand(tag > lastTag, 'corruptSection');
    const length = reader.leb128();
    const head = file.subarray(start, reader.at);
    const stated = reader.u32();
    const payload = reader.take(length);
    demand(stated === checksum(Buffer.concat([head, payload])), 'checksumMismatch');
    demand(tag <= 2 || (tag & 0x40) !== 0, 'unsupportedFeature');
    sections.set(tag, payload);
    lastTag = tag;
  }
  const picture = sections.get(1);
  demand(reader.at === file.length && picture !== undefined && sections.has(2) === profile >= 0x80, 'corruptSection');

  const modes = 2 ** (profile & 3);
  const parts = new Reader(picture, 'corruptSection');
  const lengths = list(3 + Math.ceil(width / 512) * Math.ceil(height / 512), () => parts.leb128());
  const [scaleBytes, modeMap, coarse, ...tiles] = lengths.map((length) => parts.take(length));
  demand(parts.at === picture.length && (modeMap.length === 0) === (modes === 1), 'corruptSection');
  demand(
    scaleBytes.length === 0 || (scaleBytes.length === 4 && scaleBytes.some((byte) => byte > 0) && scaleBytes[3] < 16),
    'corruptSection',
  );
  const scales = list(7, (grid) => {
    const bits = ((scaleBytes[Math.floor(grid / 2)] ?? 0) / 16 ** (grid % 2)) & 15;
    return bits < 8 ? bits : bits - 16;
  });
  return {
    ...{ width, height, modes, patch: [128, 64, 256][patchCode], lanes: 2 ** ((profile >> 4) & 3) },
    ...{ packId, packHash, anchor, step, sections, scales, modeMap, coarse, tiles },
  };
}
