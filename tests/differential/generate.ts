/** Valid files that our encoder would never write: any size, mode, latent, mode map, section and pack that the format allows. */

import { readFileSync } from 'node:fs';
import { decodersOf, unitsInUse } from '../../src/adaptation/apply.js';
import type { Adaptation } from '../../src/adaptation/section.js';
import { modeSetOf } from '../../src/core.js';
import { loadPack, type Pack } from '../../src/models/load.js';
import type { DecoderPack } from '../../src/models/pack.js';
import type { ModelFiles } from '../../src/models/source.js';
import { emptyGrids, type FileContents, type MapKind, writeContents } from '../conformance/harness.js';
import { conformanceDecoder, packOfDecoder } from '../conformance/pack.js';
import {
  type AlphaPattern,
  drawAdaptation,
  drawAlpha,
  drawLatent,
  drawModes,
  type LatentKind,
  type ModePattern,
} from '../conformance/plans.js';
import type { Random } from '../conformance/random.js';
import { fromRoot } from '../helpers.js';
import { extremeDecoder } from './extremes.js';
import { type Pack as PlainPack, readPack } from './pack.js';

/** A file, and its pack as each of the two decoders reads it. */
export interface Generated {
  readonly bytes: Uint8Array;
  readonly models: ModelFiles;
  readonly pack: Pack;
  readonly plainPack: PlainPack;
}

type Packs = Omit<Generated, 'bytes'>;

const alphaPatterns: readonly AlphaPattern[] = ['clear', 'mask', 'levels', 'extremes', 'kinds'];

/** Seeds of the random packs; 0 stands for the trained one, those from 6 on are of extremes. */
const packSeeds = [0, 0, 1, 1, 2, 3, 4, 5, 6, 7] as const;
const packs = new Map<number, Promise<Packs>>();

async function readBoth(seed: number): Promise<Packs> {
  const trained = (): Uint8Array => new Uint8Array(readFileSync(fromRoot('models/tessera-1/decoder.bin')));
  const bytes = seed === 0 ? trained() : seed < 6 ? conformanceDecoder(seed) : extremeDecoder(seed);
  const models = packOfDecoder(bytes);
  return { models, pack: await loadPack(models), plainPack: readPack(bytes) };
}

/** Small, so that thousands are decoded by a slow decoder; but across patches and tiles often enough. */
function drawSize(random: Random): [width: number, height: number] {
  const sides: readonly (readonly [most: number, most: number])[] = [
    [8, 8],
    [40, 30],
    [70, 12],
    [330, 3],
    [140, 66],
    [1100, 2],
  ];
  const [a, b] = sides[random.pick([0, 0, 0, 1, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, random.pick([4, 5])])];
  const size: [number, number] = [random.between(1, a), random.between(1, b)];
  return random.once(2) ? size : [size[1], size[0]];
}

const latentKinds: readonly LatentKind[] = [
  'zero',
  'sparse',
  'sparse',
  'noise',
  'noise',
  'wide',
  'largest',
  'smallest',
  'alternating',
  'escapes',
];

/** One file. */
export async function generateFile(random: Random): Promise<Generated> {
  const seed = random.pick(packSeeds);
  if (!packs.has(seed)) packs.set(seed, readBoth(seed));
  const both = await (packs.get(seed) as Promise<Packs>);
  const { decoder, hash } = both.pack;
  const [width, height] = drawSize(random);
  const modes = random.pick([1, 2, 4, 8] as const);
  const patch = random.pick([64, 64, 128, 256] as const);
  const pattern: ModePattern = random.once(4) ? random.below(modes) : random.pick(['random', 'turns', 'runs']);
  const maps: readonly MapKind[] = typeof pattern === 'number' ? ['fixed', 'adaptive', 'uniform'] : ['fixed', 'adaptive'];
  const kindOfGrid = random.once(2) ? [random.pick(latentKinds)] : emptyGrids(1, 1).map(() => random.pick(latentKinds));
  const anchor = random.below(decoder.anchors);
  const listed = modes > 1 && random.once(3) ? { codecs: drawCodecs(random, decoder, modes) } : {};
  const { codecs = modeSetOf(decoder, modes).subset } = listed;
  const contents: FileContents = {
    header: {
      ...{ version: 0, width, height, modes, patch, lanes: random.pick([1, 2, 4, 8] as const), packId: decoder.id, packHash: hash },
      ...{ anchor, step: random.below(decoder.steps.length) },
    },
    modes: drawModes(random, pattern, Math.ceil(width / patch) * Math.ceil(height / patch), modes),
    map: modes === 1 ? 'none' : random.pick(maps),
    grids: emptyGrids(width, height).map((grid, index) =>
      grid.map((_, position) => drawLatent(random, kindOfGrid[index % kindOfGrid.length], index, position)),
    ),
    sections: drawSections(random),
    ...(random.once(2) ? { scales: emptyGrids(1, 1).map(() => random.between(-8, 7)) } : {}),
    ...(random.once(3) ? { alpha: drawAlpha(random, random.pick(alphaPatterns), width, height) } : {}),
    ...listed,
    ...(random.once(2) ? drawFitting(random, decoder, codecs, anchor) : {}),
  };
  return { ...both, bytes: writeContents(decoder, contents) };
}

/** Codecs of the file's choice, alike as often as not. */
function drawCodecs(random: Random, decoder: DecoderPack, modes: number): number[] {
  const alike = random.once(2) ? random.below(decoder.modes) : undefined;
  return Array.from({ length: modes }, () => alike ?? random.below(decoder.modes));
}

/** An adaptation, unless it makes weights of the pack too large. */
function drawFitting(random: Random, decoder: DecoderPack, codecs: readonly number[], anchor: number): { adaptation?: Adaptation } {
  const units = unitsInUse(decoder.decoders[codecs[0]][anchor]).length;
  const adaptation = drawAdaptation(random, random.pick(['mixing', 'last', 'both', 'each', 'all and each']), codecs.length, units);
  try {
    decodersOf(decoder, codecs, { anchor, step: 0 }, adaptation);
    return { adaptation };
  } catch {
    return {};
  }
}

/** Sections that a reader may skip, by ascending tag; with picture, alpha and adaptation at most 32. */
function drawSections(random: Random): { tag: number; payload: Uint8Array }[] {
  const tags = new Set(Array.from({ length: random.once(3) ? random.below(random.pick([4, 30])) : 0 }, () => 0x40 | random.below(256)));
  return [...tags].sort((a, b) => a - b).map((tag) => ({ tag, payload: random.bytes(random.pick([0, 1, 20, 130])) }));
}
