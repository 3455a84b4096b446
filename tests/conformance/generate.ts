/** Writes every generated file of the tests; run by `scripts/make-vectors.mjs`. */

import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { parseDecoderPack } from '../../src/models/pack.js';
import { corruptFiles } from '../corrupt/damages.js';
import { annotatedVectors, appendix, appendixStart } from './annotate.js';
import { latentBytes, pixelsOf, writeContents } from './harness.js';
import { conformanceDecoder, conformanceManifest } from './pack.js';
import { contentsOf, plans } from './plans.js';

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;

/** @param root - the repository's root, with a slash at the end */
export function generate(root: string): void {
  const at = (path: string): string => `${root}tests/${path}`;
  for (const folder of ['conformance/pack', 'conformance/vectors', 'corrupt/files']) {
    rmSync(at(folder), { recursive: true, force: true });
    mkdirSync(at(folder), { recursive: true });
  }

  const decoder = conformanceDecoder();
  const hash = sha256(decoder).slice(0, 16);
  const pack = parseDecoderPack(decoder);
  writeFileSync(at('conformance/pack/decoder.bin'), decoder);
  writeFileSync(at('conformance/pack/manifest.json'), json(conformanceManifest(decoder)));

  let total = 0;
  const files = new Map<string, Uint8Array>();
  for (const plan of plans) {
    const contents = contentsOf(plan, hash);
    const bytes = writeContents(pack, contents);
    files.set(plan.name, bytes);
    total += bytes.length;
    const { name, purpose, width, height, modes, patch, lanes, anchor, step, map, sections } = plan;
    writeFileSync(at(`conformance/vectors/${name}.tsr`), bytes);
    writeFileSync(
      at(`conformance/vectors/${name}.json`),
      json({
        purpose,
        licence: 'CC0-1.0, random numbers',
        writer: 'scripts/make-vectors.mjs',
        formatVersion: 0,
        ...{ width, height, modes, patch, lanes, anchor, step, modeMap: map },
        pack: { id: contents.header.packId, sha256: sha256(decoder) },
        sections: { picture: 1, skipped: sections.length },
        bytes: bytes.length,
        sha256: {
          file: sha256(bytes),
          modeMap: sha256(contents.modes),
          latents: sha256(latentBytes(contents.grids)),
          pixels: sha256(pixelsOf(pack, contents)),
        },
      }),
    );
  }
  console.error(`${plans.length} vectors, ${total} bytes`);

  const corrupt = corruptFiles(decoder, (name) => files.get(name) as Uint8Array);
  for (const { name, bytes } of corrupt) writeFileSync(at(`corrupt/files/${name}`), bytes);
  writeFileSync(
    at('corrupt/files/index.json'),
    json(
      Object.fromEntries(corrupt.map(({ name, code, why, limits }) => [name, { code, why, ...(limits === undefined ? {} : { limits }) }])),
    ),
  );
  console.error(`${corrupt.length} damaged files`);

  const path = `${root}FORMAT.md`;
  const document = readFileSync(path, 'utf8');
  const start = document.indexOf(appendixStart);
  const body = (start < 0 ? document : document.slice(0, start)).trimEnd();
  const annotated = annotatedVectors.map((name) => ({
    name,
    purpose: plans.find((plan) => plan.name === name)?.purpose as string,
    bytes: files.get(name) as Uint8Array,
  }));
  writeFileSync(path, `${body}\n\n${appendix(annotated)}`);
}
