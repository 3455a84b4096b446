/** Explains the bytes of a small file, field by field: the appendix of FORMAT.md is made of this, and checked against it. */

import { parseHeader, parsePictureSection, parseSections, readLeb128 } from '../../src/container.js';
import { writeScales } from '../../src/scales.js';

/** Bytes of a line at most. */
const lineBytes = 8;

/** The lines of a table: offset, bytes, meaning. */
export function annotate(file: Uint8Array): string {
  const header = parseHeader(file);
  const sections = parseSections(header, file);
  const picture = parsePictureSection(header, sections);
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const lines: string[] = [];
  let position = 0;

  const put = (length: number, meaning: string): void => {
    for (let done = 0; done < length; done += lineBytes) {
      const part = file.subarray(position, position + Math.min(lineBytes, length - done));
      const hex = Array.from(part, (byte) => byte.toString(16).padStart(2, '0')).join(' ');
      const text = done === 0 ? `  ${meaning}` : '';
      lines.push(`${String(position).padStart(4)}  ${hex.padEnd(3 * lineBytes - 1)}${text}`.trimEnd());
      position += part.length;
    }
  };
  const stream = (bytes: Uint8Array, lanes: number, what: string): void => {
    for (let lane = 0; lane < lanes; lane++) {
      const state = view.getUint32(position, true);
      put(4, `${what}: state of lane ${lane}, 0x${state.toString(16).padStart(8, '0')}${state === 2 ** 23 ? ' (as at the end)' : ''}`);
    }
    put(bytes.length - 4 * lanes, `${what}: bytes for all lanes, in the order of need`);
  };

  put(4, 'magic');
  put(1, `version ${header.version}`);
  put(1, `profile: M = ${header.modes}, P = ${header.patch}, N = ${header.lanes}`);
  put(2, `width ${header.width}, minus one`);
  put(2, `height ${header.height}, minus one`);
  put(2, `pack id ${header.packId}`);
  put(8, 'first bytes of the SHA-256 of decoder.bin');
  put(1, `anchor ${header.anchor}`);
  put(1, `step ${header.step}`);
  put(1, `${header.sections} section${header.sections === 1 ? '' : 's'}, border filter: none`);
  put(4, `CRC-32 of bytes 0…22: 0x${view.getUint32(23, true).toString(16).padStart(8, '0')}`);
  for (const section of sections) {
    const name = section === sections[0] ? 'picture' : `tag 0x${section.tag.toString(16)}, may be skipped`;
    put(1, `section: ${name}`);
    put(readLeb128(file, position).next - position, `its length ${section.payload.length}`);
    put(4, `CRC-32 of tag, length and payload: 0x${view.getUint32(position, true).toString(16).padStart(8, '0')}`);
    if (section !== sections[0]) {
      put(section.payload.length, 'payload, not looked into');
      continue;
    }
    const length = (part: Uint8Array, what: string): void =>
      put(readLeb128(file, position).next - position, `length of ${what}: ${part.length}`);
    const scales = writeScales(picture.scales);
    length(scales, 'the scales');
    length(picture.modeMap, 'the mode map');
    length(picture.coarse, 'the coarse segment');
    picture.tiles.forEach((tile, index) => {
      length(tile, `tile segment ${index}`);
    });
    if (scales.length > 0) put(scales.length, `scales of grids 0 to 6: ${picture.scales.join(', ')}`);
    if (picture.modeMap.length > 0) {
      const kind = picture.modeMap[0] & 3;
      put(1, `mode map: ${['fixed', 'adaptive', `uniform, mode ${picture.modeMap[0] >> 2}`][kind]}, no list of codecs`);
      if (kind === 1) stream(picture.modeMap.subarray(1), 1, 'mode map');
      else put(picture.modeMap.length - 1, 'mode map: modes, least significant bits first');
    }
    stream(picture.coarse, header.lanes, 'coarse segment');
    for (const tile of picture.tiles) stream(tile, header.lanes, 'tile segment');
  }
  return lines.join('\n');
}

/** The vectors that the appendix explains. */
export const annotatedVectors = ['pixel-one-codec', 'two-patches'] as const;

/** First and last line of the generated part of FORMAT.md. */
export const appendixStart = '## Appendix A. Two small files';
const introduction = `Written by \`scripts/make-vectors.mjs\`, checked by \`tests/conformance/format.test.ts\`; the files and what they decode to are in
\`tests/conformance/vectors\`. Offsets are decimal, bytes hexadecimal.`;

/** The appendix, from its heading to the end of FORMAT.md. */
export function appendix(files: readonly { readonly name: string; readonly purpose: string; readonly bytes: Uint8Array }[]): string {
  const parts = files.map(
    ({ name, purpose, bytes }, index) =>
      `### A.${index + 1} \`${name}.tsr\`, ${bytes.length} bytes\n\n${purpose}.\n\n\`\`\`\n${annotate(bytes)}\n\`\`\`\n`,
  );
  return `${appendixStart}\n\n${introduction}\n\n${parts.join('\n')}`;
}
