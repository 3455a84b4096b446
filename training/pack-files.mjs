// The files of a pack in a folder, for the scripts that fit a part of its manifest to real files.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { crc32 } from 'node:zlib';

/** @returns name → bytes, as `models: { files }` takes them */
export function readPackFiles(folder) {
  return Object.fromEntries(readdirSync(folder).map((name) => [name, new Uint8Array(readFileSync(path.join(folder, name)))]));
}

/** The fields of manifest.json as they stand there. */
export function manifestOf(files) {
  return JSON.parse(new TextDecoder().decode(files['manifest.json']));
}

/** The text of a manifest.json, a line for each field, as `tessera.export` writes it. */
export function manifestText(fields) {
  const lines = Object.entries(fields).map(([name, value]) => `${JSON.stringify(name)}: ${JSON.stringify(value)}`);
  return `{\n${lines.join(',\n')}\n}\n`;
}

export function writeManifest(folder, fields) {
  writeFileSync(path.join(folder, 'manifest.json'), manifestText(fields));
}

/** The files of a pack that has `codec` as the one of M = 1: the first byte of decoder.bin's third block says so (FORMAT.md section 7.4). */
export function packWithFirst(files, codec) {
  const decoder = files['decoder.bin'].slice();
  const view = new DataView(decoder.buffer, decoder.byteOffset, decoder.length);
  let at = 12;
  for (let block = 1; block < 3; block++) at += 8 + view.getUint32(at + 4, true);
  decoder[at + 8] = codec;
  view.setUint32(decoder.length - 4, crc32(decoder.subarray(0, -4)), true);
  const manifest = manifestOf(files);
  const entry = { bytes: decoder.length, sha256: createHash('sha256').update(decoder).digest('hex') };
  const text = manifestText({ ...manifest, files: { ...manifest.files, 'decoder.bin': entry } });
  return { ...files, 'manifest.json': new TextEncoder().encode(text), 'decoder.bin': decoder };
}
