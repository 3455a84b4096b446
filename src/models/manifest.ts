/** Reads manifest.json, which describes a model pack to encoders (FORMAT.md §7). */

import { TesseraError } from '../errors.js';
import { gridCount } from '../geometry.js';

/** A file of the pack. */
export interface PackFile {
  readonly bytes: number;
  /** In hexadecimal. */
  readonly sha256: string;
}

/** Anchor and step of each of 101 qualities. */
export type Scale = readonly (readonly [anchor: number, step: number])[];

/** What encoders need to know, checked. */
export interface Manifest {
  readonly id: number;
  readonly name: string;
  readonly modes: number;
  readonly anchors: number;
  /** λ per anchor for J = MSE on [0, 1] + λ · bits per pixel, at a step gain of 1. */
  readonly lambda: readonly number[];
  /** [codec][anchor][grid]: factor from the analysis output to the latent before rounding, at a step gain of 1. */
  readonly gains: readonly (readonly (readonly number[])[])[];
  /** [codec][anchor][grid]: by how much the squared error on [0, 1], mean of the channels, bends along one latent, at a step gain of 1; a pack may have none. */
  readonly curvatures: Manifest['gains'] | undefined;
  /** Anchor and step for the qualities 0…100. */
  readonly quality: Scale;
  /** The same for the small analyses. */
  readonly quickQuality: Scale;
  /** Name of the analysis model of each anchor; anchors may share one. */
  readonly analysis: readonly string[];
  /** The same models in floats alone, for GPUs; without them those of `analysis`. */
  readonly floatAnalysis: readonly string[];
  /** The same for small analyses of the codec of M = 1 alone, which the lowest effort takes; a pack may have none. */
  readonly quick: readonly string[] | undefined;
  readonly files: Readonly<Record<string, PackFile>>;
}

/** Most bytes of a manifest.json: 256 KiB, over twenty times what that of a pack with all codecs needs. */
export const mostManifestBytes = 2 ** 18;

/** Most bytes that a manifest may state for a file: 64 MiB. */
const mostFileBytes = 2 ** 26;

/**
 * Parses and checks manifest.json.
 *
 * @throws TesseraError `corruptModel`, naming the field
 */
export function parseManifest(bytes: Uint8Array): Manifest {
  if (bytes.length > mostManifestBytes) throw damage(`more than ${mostManifestBytes} bytes`);
  let root: unknown;
  try {
    root = JSON.parse(new TextDecoder().decode(bytes));
  } catch (cause) {
    throw new TesseraError('corruptModel', 'manifest.json is not JSON', { cause });
  }
  const fields = object(root, 'the manifest');
  if (fields.format !== 0) throw damage(`format is ${String(fields.format)}; this package reads 0`);
  const modes = integer(fields.modes, 'modes', 1, 8);
  const anchors = integer(fields.anchors, 'anchors', 1, 16);
  // Without a prototype: `toString` and `__proto__` are names like any other.
  const files: Record<string, PackFile> = Object.create(null);
  for (const [name, value] of Object.entries(object(fields.files, 'files'))) {
    const file = object(value, `files.${name}`);
    if (!/^[\w-]+(\.[\w-]+)*$/.test(name)) throw damage(`files names ${name}, which is not a plain file name`);
    const sha256 = string(file.sha256, `files.${name}.sha256`);
    if (!/^[0-9a-f]{64}$/.test(sha256)) throw damage(`files.${name}.sha256 is not a SHA-256`);
    files[name] = { bytes: integer(file.bytes, `files.${name}.bytes`, 0, mostFileBytes), sha256 };
  }
  if (files['decoder.bin'] === undefined) throw damage('files does not name decoder.bin');
  const quality = scale(fields.quality, 'quality', anchors);
  const analysis = fileNames(fields.analysis, 'analysis', anchors, files);
  return {
    id: integer(fields.id, 'id', 0, 65_535),
    name: string(fields.name, 'name'),
    modes,
    anchors,
    lambda: array(fields.lambda, 'lambda', anchors).map((value) => positive(value, 'lambda')),
    gains: perGrid(fields.gains, 'gains', modes, anchors),
    curvatures: fields.curvatures === undefined ? undefined : perGrid(fields.curvatures, 'curvatures', modes, anchors),
    quality,
    quickQuality: fields.quickQuality === undefined ? quality : scale(fields.quickQuality, 'quickQuality', anchors),
    analysis,
    floatAnalysis: fields.floatAnalysis === undefined ? analysis : fileNames(fields.floatAnalysis, 'floatAnalysis', anchors, files),
    quick: fields.quick === undefined ? undefined : fileNames(fields.quick, 'quick', anchors, files),
    files,
  };
}

function scale(value: unknown, name: string, anchors: number): Scale {
  return array(value, name, 101).map((entry) => {
    const [anchor, step] = array(entry, name, 2);
    return [integer(anchor, name, 0, anchors - 1), integer(step, name, 0, 254)] as const;
  });
}

/** Positive numbers [codec][anchor][grid]. */
function perGrid(value: unknown, name: string, modes: number, anchors: number): number[][][] {
  return array(value, name, modes).map((codec) =>
    array(codec, name, anchors).map((anchor) => array(anchor, name, gridCount).map((number) => positive(number, name))),
  );
}

function damage(text: string): TesseraError {
  return new TesseraError('corruptModel', `manifest.json: ${text}`);
}

function object(value: unknown, name: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw damage(`${name} is not an object`);
  return value as Record<string, unknown>;
}

function array(value: unknown, name: string, length: number): unknown[] {
  if (!Array.isArray(value) || value.length !== length) throw damage(`${name} is not a list of ${length}`);
  return value;
}

function string(value: unknown, name: string): string {
  if (typeof value !== 'string') throw damage(`${name} is not a string`);
  return value;
}

function integer(value: unknown, name: string, least: number, most: number): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < least || value > most) {
    throw damage(`${name} is not a whole number from ${least} to ${most}`);
  }
  return value;
}

function fileNames(value: unknown, name: string, length: number, files: Record<string, PackFile>): string[] {
  return array(value, name, length).map((entry) => {
    const file = string(entry, name);
    if (files[file] === undefined) throw damage(`${name} names ${file}, which is not among the files`);
    return file;
  });
}

function positive(value: unknown, name: string): number {
  if (typeof value !== 'number' || !Number.isFinite(value) || value <= 0) throw damage(`${name} is not a positive number`);
  return value;
}
