// The files of a pack in a folder, for the scripts that fit a part of its manifest to real files.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

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
