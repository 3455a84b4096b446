/** What is fuzzed: how a case is made from random numbers, and what must hold when it is run. */

import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join as joinPath } from 'node:path';
import { readPicture } from '../../src/cli/pictures.js';
import { engineOfPackage } from '../../src/codec.js';
import { crc32, parseHeader } from '../../src/container.js';
import { decodeFile, decodePartially } from '../../src/decode.js';
import { defaultLimits, resolveLimits } from '../../src/limits.js';
import { loadPack } from '../../src/models/load.js';
import type { ModeCount, Region } from '../../src/types.js';
import { conformanceDecoderFile, conformanceModels as models } from '../conformance/files.js';
import { emptyGrids, type FileContents, pixelsOf, writeContents } from '../conformance/harness.js';
import { conformanceAnchors, conformancePackId, conformanceSteps, packOfDecoder } from '../conformance/pack.js';
import { drawLatent, drawModes, type LatentKind } from '../conformance/plans.js';
import { Random } from '../conformance/random.js';
import { codecsOf } from '../differential/adaptation.js';
import { Refusal } from '../differential/bytes.js';
import { readContainer } from '../differential/container.js';
import { readPack } from '../differential/pack.js';
import { crop, fromRoot, sameBytes } from '../helpers.js';
import { checkTables, decodeGuarded } from './guarded.js';
import { inputPictures } from './inputs.js';
import { type Outcome, outcomeOf } from './outcome.js';
import { decoderFiles, manifests } from './packs.js';
import { alphas, anyBytes, headerFields, modeMaps, sections, segments } from './pictures.js';
import { isSoundDecoder, type Reader, verdictOnFile } from './verdict.js';

/** One thing to fuzz. */
export interface Target {
  readonly name: string;
  /** How many of a campaign's cases are its own, in proportion; 0 for targets that run only when asked for. */
  readonly share: number;
  /** Whether its cases are Tessera files, so that their time can be compared with that of sound files. */
  readonly files: boolean;
  make(random: Random): Uint8Array;
  /** @throws whatever is a finding */
  run(bytes: Uint8Array): Promise<Outcome>;
  /** What else must hold, outside the time that is taken. @throws whatever is a finding */
  check?(bytes: Uint8Array, outcome: Outcome): void | Promise<void>;
}

/** Limits of the decoded cases: what a header may claim here costs milliseconds. */
export const fuzzLimits = { maxPixels: 2 ** 16 } as const;

const engine = engineOfPackage();
const scales = [0.5, 0.25, 0.125] as const;

/** The whole library on a file. */
async function runFile(bytes: Uint8Array): Promise<Outcome> {
  return outcomeOf(() => decodeFile(engine, bytes, { models, limits: fuzzLimits }), [2, 3, 4]);
}

/** Any damage to a file. */
function anyDamage(random: Random): Uint8Array {
  return random.pick([anyBytes, headerFields, sections, modeMaps, segments, alphas])(random);
}

/** A region of a picture, the same for the same bytes. */
function regionFor(bytes: Uint8Array): Region {
  const random = new Random(crc32(bytes));
  const { width, height } = claimedSize(bytes) ?? { width: 1, height: 1 };
  const [x, y] = [random.below(width), random.below(height)];
  return { x, y, width: random.between(1, width - x), height: random.between(1, height - y) };
}

async function runRegion(bytes: Uint8Array): Promise<Outcome> {
  return outcomeOf(() => decodeFile(engine, bytes, { models, limits: fuzzLimits, region: regionFor(bytes) }), [2, 3, 4]);
}

/** A region is the crop of the whole; damage that does not touch it may go unnoticed. */
async function checkRegion(bytes: Uint8Array, outcome: Outcome): Promise<void> {
  const whole = await runFile(bytes);
  await checkReduced(bytes, whole);
  if (whole !== outcome && !(whole === 'entropyDesync' && outcome === 'accepted')) throw new Error(`${outcome} of a file that is ${whole}`);
  if (whole !== 'accepted') return;
  const options = { models, limits: fuzzLimits };
  const region = regionFor(bytes);
  const expected = crop(await decodeFile(engine, bytes, options), region.x, region.y, region.width, region.height);
  if (!sameBytes((await decodeFile(engine, bytes, { ...options, region })).data, expected.data))
    throw new Error('not the crop of the whole');
}

/** A reduced picture is refused for what the whole is refused for. */
async function checkReduced(bytes: Uint8Array, whole: Outcome): Promise<void> {
  const scale = scales[crc32(bytes) % 3];
  const outcome = await outcomeOf(() => decodeFile(engine, bytes, { models, limits: fuzzLimits, scale }), [2, 3, 4]);
  if (whole !== outcome) throw new Error(`${outcome} of a file that is ${whole}`);
}

async function runPartially(bytes: Uint8Array): Promise<Outcome> {
  return outcomeOf(() => decodePartially(engine, bytes, { models, limits: fuzzLimits }), [2, 3, 4]);
}

/** What strict decoding accepts is whole, and what it refuses is not without damage. */
async function checkPartially(bytes: Uint8Array, outcome: Outcome): Promise<void> {
  const strict = await runFile(bytes);
  if (outcome !== 'accepted') {
    if (strict === 'accepted') throw new Error(`${outcome} of a sound file`);
    return;
  }
  const options = { models, limits: fuzzLimits };
  const { picture, missing, damage } = await decodePartially(engine, bytes, options);
  if ((damage.length === 0) !== (strict === 'accepted')) throw new Error(`${damage.length} damages of a file that is ${strict}`);
  if (damage.length > 0 && damage[0].code !== strict) throw new Error(`${damage[0].code} first in a file that is ${strict}`);
  if (missing.some(({ x, y, width, height }) => x < 0 || y < 0 || x + width > picture.width || y + height > picture.height))
    throw new Error('a missing area outside the picture');
  if (strict === 'accepted' && (missing.length > 0 || !sameBytes(picture.data, (await decodeFile(engine, bytes, options)).data)))
    throw new Error('a sound file is not whole');
}

const reader: Reader = {
  pack: {
    id: conformancePackId,
    hash: createHash('sha256').update(conformanceDecoderFile).digest('hex').slice(0, 16),
    anchors: conformanceAnchors,
    ...{ codecs: 8, subsets: { 2: '5,1', 4: '7,0,2,6', 8: '2,7,4,0,6,1,5,3' } },
    steps: conformanceSteps.length,
  },
  maxPixels: fuzzLimits.maxPixels,
  maxDimension: defaultLimits.maxDimension,
};

/** The library's outcome against the second opinion, and the entropy decoder once more in watched memory. */
function checkFile(bytes: Uint8Array, outcome: Outcome): void {
  const verdict = verdictOnFile(bytes, reader);
  if (verdict !== undefined && outcome !== verdict) throw new Error(`${outcome} where FORMAT.md has ${verdict}`);
  if (verdict !== undefined) return;
  const refused = isAdaptationRefused(bytes);
  if (refused !== (outcome === 'corruptSection')) throw new Error(`${outcome} where the adaptation is ${refused ? 'refused' : 'accepted'}`);
  if (refused) return;
  if (outcome !== 'accepted' && outcome !== 'entropyDesync') throw new Error(`${outcome} where FORMAT.md leaves it to the streams`);
  if (decodeGuarded(bytes) !== (outcome === 'accepted')) throw new Error(`${outcome}, but not in watched memory`);
  checkTables();
}

const plainPack = readPack(conformanceDecoderFile);

/** Whether the plain decoder refuses the adaptation of a file that is sound otherwise. */
function isAdaptationRefused(bytes: Uint8Array): boolean {
  try {
    codecsOf(readContainer(bytes), plainPack);
    return false;
  } catch (error) {
    if (error instanceof Refusal && error.code === 'corruptSection') return true;
    throw error;
  }
}

/** A pack is accepted if and only if it is sound. */
function checkDecoder(bytes: Uint8Array, outcome: Outcome): void {
  if (isSoundDecoder(bytes) !== (outcome === 'accepted')) throw new Error(`${outcome}, which FORMAT.md §7 does not say`);
}

/** A pack that is accepted must carry any latents through a file, and show the same pixels from both sets of kernels. */
async function runDecoder(bytes: Uint8Array): Promise<Outcome> {
  const source = packOfDecoder(bytes);
  const outcome = await outcomeOf(() => loadPack(source), [5]);
  if (outcome !== 'accepted') return outcome;
  const { decoder, hash } = await loadPack(source);
  const random = new Random(crc32(bytes));
  const modes = random.pick([1, 2, 4, 8].filter((count) => count <= decoder.modes)) as ModeCount;
  const [width, height] = [random.between(1, 90), random.between(1, 12)];
  const kind: LatentKind = random.pick(['zero', 'sparse', 'noise', 'wide', 'escapes', 'alternating']);
  const contents: FileContents = {
    header: {
      ...{ version: 0, width, height, modes, patch: 64, lanes: random.pick([1, 2, 4, 8]), packId: decoder.id, packHash: hash },
      ...{ anchor: random.below(decoder.anchors), step: random.below(decoder.steps.length) },
    },
    modes: drawModes(random, 'random', Math.ceil(width / 64), modes),
    map: modes === 1 ? 'none' : random.pick(['fixed', 'adaptive']),
    grids: emptyGrids(width, height).map((grid, index) => grid.map((_, position) => drawLatent(random, kind, index, position))),
  };
  const file = writeContents(decoder, contents);
  const picture = await decodeFile(engine, file, { models: source });
  if (!sameBytes(picture.data, pixelsOf(decoder, contents))) throw new Error('scalar and SIMD pixels differ');
  await decodeFile(engine, file, { models: source, scale: random.pick(scales) });
  return outcome;
}

async function runManifest(bytes: Uint8Array): Promise<Outcome> {
  return outcomeOf(() => loadPack({ files: { ...models.files, 'manifest.json': bytes } }), [5]);
}

async function runInput(bytes: Uint8Array): Promise<Outcome> {
  return outcomeOf(() => readPicture(bytes, 'case', resolveLimits({ maxPixels: 2 ** 20 })), [4]);
}

/** The built command line in a process of its own: exit code, message, and no output but a whole one. */
async function runProcess(bytes: Uint8Array): Promise<Outcome> {
  const folder = mkdtempSync(joinPath(tmpdir(), 'tessera-fuzz-'));
  try {
    const output = joinPath(folder, bytes[0] === 0x8b ? 'out.png' : 'out.tsr');
    const command = bytes[0] === 0x8b ? 'decode' : 'encode';
    const words = [command, '-', '-o', output, '--model', fromRoot('tests/conformance/pack'), '--quiet', '--limit-pixels', '65536'];
    const { code, text } = await runCommand(words, bytes);
    const written = existsSync(output);
    if (code === 0 && written && text === '') return 'accepted';
    const name = /^tessera: (\w+): .*\n$/.exec(text)?.[1];
    if (code === 0 || written || name === undefined || name === 'internal' || ![3, 4, 5].includes(code ?? 1))
      throw new Error(`exit code ${code}, output ${written ? '' : 'not '}written, standard error: ${text}`);
    return name as Outcome;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function runCommand(words: readonly string[], input: Uint8Array): Promise<{ code: number | null; text: string }> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [fromRoot('build/cli.js'), ...words]);
    let text = '';
    child.stderr.on('data', (chunk: Buffer) => {
      text += chunk.toString();
    });
    child.on('close', (code) => resolve({ code, text }));
    // The command may end before it has read everything.
    child.stdin.on('error', () => {});
    child.stdin.end(input);
  });
}

/** All targets. */
export const targets: readonly Target[] = [
  { name: 'bytes', share: 4, files: true, make: anyBytes, run: runFile, check: checkFile },
  { name: 'header', share: 4, files: true, make: headerFields, run: runFile, check: checkFile },
  { name: 'sections', share: 4, files: true, make: sections, run: runFile, check: checkFile },
  { name: 'modes', share: 3, files: true, make: modeMaps, run: runFile, check: checkFile },
  { name: 'latents', share: 5, files: true, make: segments, run: runFile, check: checkFile },
  { name: 'alpha', share: 3, files: true, make: alphas, run: runFile, check: checkFile },
  { name: 'region', share: 2, files: true, make: anyDamage, run: runRegion, check: checkRegion },
  { name: 'partial', share: 3, files: true, make: anyDamage, run: runPartially, check: checkPartially },
  { name: 'decoder', share: 2, files: false, make: decoderFiles, run: runDecoder, check: checkDecoder },
  { name: 'manifest', share: 1, files: false, make: manifests, run: runManifest },
  { name: 'input', share: 1, files: false, make: inputPictures, run: runInput },
  {
    name: 'command',
    share: 0,
    files: false,
    make: (random) => (random.once(3) ? inputPictures(random) : random.pick([anyBytes, headerFields, segments])(random)),
    run: runProcess,
  },
];

/** Pixels that the header of a file claims, at most those that the limits let through; 0 without a header. */
export function claimedPixels(bytes: Uint8Array): number {
  const { width, height } = claimedSize(bytes) ?? { width: 0, height: 0 };
  return width * height <= fuzzLimits.maxPixels ? width * height : 0;
}

function claimedSize(bytes: Uint8Array): { width: number; height: number } | undefined {
  try {
    return parseHeader(bytes);
  } catch {
    return undefined;
  }
}

/** A short name for a case. */
export function fingerprint(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex').slice(0, 12);
}
