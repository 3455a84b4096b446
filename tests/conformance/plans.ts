/** What the conformance vectors are: one plan per file, and the random contents that a plan stands for. */

import { type Adaptation, type Changes, type LayerChanges, lastChanges } from '../../src/adaptation/section.js';
import { patchLayout } from '../../src/geometry.js';
import type { Scales } from '../../src/scales.js';
import type { Header, ModeCount } from '../../src/types.js';
import { emptyGrids, type FileContents, type MapKind } from './harness.js';
import { conformancePackId } from './pack.js';
import { Random } from './random.js';

/** How the latents of a file are drawn. */
export type LatentKind = 'zero' | 'sparse' | 'noise' | 'wide' | 'largest' | 'smallest' | 'alternating' | 'escapes';

/** How the modes of a file are drawn: at random, all in turn, in runs, or one for all patches. */
export type ModePattern = 'random' | 'turns' | 'runs' | number;

/** One file. */
export interface Plan {
  readonly name: string;
  /** In a sentence. */
  readonly purpose: string;
  readonly width: number;
  readonly height: number;
  readonly modes: ModeCount;
  readonly patch: Header['patch'];
  readonly lanes: Header['lanes'];
  readonly anchor: number;
  readonly step: number;
  readonly map: MapKind;
  readonly pattern: ModePattern;
  readonly latents: LatentKind;
  readonly sections: readonly (readonly [tag: number, length: number])[];
  readonly alpha?: AlphaPattern;
  readonly adaptation?: AdaptationKind;
  readonly scales?: Scales;
  readonly codecs?: readonly number[];
}

/** Which layers an adaptation changes, and whether for each mode in its own way, or on top of what is changed for all. */
export type AdaptationKind = 'mixing' | 'last' | 'both' | 'each' | 'all and each';

/** How the alpha of a file is drawn; `kinds` goes through the kinds of tiles. */
export type AlphaPattern = 'clear' | 'mask' | 'levels' | 'extremes' | 'kinds';

const usual: Omit<Plan, 'name' | 'purpose'> = {
  width: 65,
  height: 33,
  modes: 8,
  patch: 64,
  lanes: 2,
  anchor: 0,
  step: 0,
  map: 'fixed',
  pattern: 'random',
  latents: 'sparse',
  sections: [],
};

const plan = (name: string, purpose: string, fields: Partial<Plan>): Plan => ({ ...usual, name, purpose, ...fields });

const everyLaneCount = [1, 2, 4, 8] as const;

/** All vectors, in the order in which they are named. */
export const plans: readonly Plan[] = [
  // One pixel: seven symbols, most lanes without any.
  plan('pixel-one-codec', 'One pixel, one codec, one lane: the smallest file', {
    ...{ width: 1, height: 1, modes: 1, lanes: 1, map: 'none', pattern: 0, patch: 128 },
  }),
  plan('pixel-uniform', 'One pixel, eight lanes for seven symbols, uniform mode map', {
    ...{ width: 1, height: 1, lanes: 8, map: 'uniform', pattern: 7, patch: 256 },
  }),
  plan('pixel-adaptive', 'One pixel, adaptive mode map of one patch', { width: 1, height: 1, modes: 2, map: 'adaptive', pattern: 1 }),
  plan('pixel-fixed', 'One pixel, fixed mode map of two bits', { width: 1, height: 1, modes: 4, map: 'fixed', pattern: 3, lanes: 4 }),

  plan('two-patches', 'Two patches of different codecs, adaptive mode map, a metadata section', {
    ...{ width: 65, height: 1, modes: 2, map: 'adaptive', pattern: 'turns', latents: 'zero', sections: [[0x41, 3]] },
  }),

  // Patch sides with every number of lanes.
  ...([64, 128, 256] as const).flatMap((patch) =>
    everyLaneCount.map((lanes) =>
      plan(`patch-${patch}-lanes-${lanes}`, `Patches of ${patch}, ${lanes} lanes, cut at both edges`, {
        ...{ width: patch + 3, height: 70, patch, lanes, map: 'adaptive', anchor: lanes % 3 },
      }),
    ),
  ),

  // Every codec at every anchor, by itself.
  ...[0, 1, 2, 3, 4, 5, 6, 7].flatMap((mode) =>
    [0, 1, 2].map((anchor) =>
      plan(`mode-${mode}-anchor-${anchor}`, `Every patch has mode ${mode} of 8, anchor ${anchor}`, {
        ...{ anchor, map: 'uniform', pattern: mode, latents: 'noise', lanes: everyLaneCount[mode % 4] },
      }),
    ),
  ),

  // Fewer codecs, every kind of map.
  ...([1, 2, 4] as const).flatMap((modes) =>
    [0, 1, 2].map((anchor) =>
      plan(`codecs-${modes}-anchor-${anchor}`, `${modes} of the pack's 8 codecs, anchor ${anchor}`, {
        ...{ width: 150, height: 140, modes, anchor, pattern: modes === 1 ? 0 : 'runs' },
        map: modes === 1 ? 'none' : (['fixed', 'adaptive', 'fixed'] as const)[anchor],
      }),
    ),
  ),
  plan('map-turns-fixed', 'All eight modes in turn, bits of a mode across byte boundaries', {
    ...{ width: 330, height: 140, pattern: 'turns', latents: 'zero' },
  }),
  plan('map-turns-adaptive', 'All eight modes in turn, against the adaptive map', {
    ...{ width: 330, height: 140, map: 'adaptive', pattern: 'turns', latents: 'zero' },
  }),
  plan('map-one-fixed', 'One mode for all patches, written patch by patch', { width: 330, height: 140, pattern: 5, latents: 'zero' }),
  plan('map-one-adaptive', 'One mode for all patches, written adaptively', {
    ...{ width: 330, height: 140, map: 'adaptive', pattern: 5, latents: 'zero' },
  }),
  plan('map-counts-limit', 'More than 255 patches of a mode: the adaptive counts stop', {
    ...{ width: 64 * 270, height: 1, map: 'adaptive', pattern: 6, latents: 'zero' },
  }),
  plan('map-unlikely', 'The mode that its prior makes unlikely, everywhere', {
    ...{ width: 330, height: 140, modes: 2, map: 'adaptive', pattern: 0, latents: 'zero' },
  }),

  // Steps, and the ends of their fields.
  ...[1, 2, 3, 4, 5].map((step) =>
    plan(`step-${step}`, `Row ${step} of the step table`, { step, latents: 'noise', anchor: 1, width: 90, height: 66 }),
  ),

  // Latents.
  plan('latents-zero', 'All latents 0, several tiles', { width: 530, height: 30, map: 'uniform', pattern: 2, latents: 'zero' }),
  plan('latents-wide', 'Latents far outside the reach of most classes', { latents: 'wide' }),
  plan('latents-largest', 'All latents 32767', { latents: 'largest', width: 40, height: 20 }),
  plan('latents-smallest', 'All latents −32768', { latents: 'smallest', width: 40, height: 20, lanes: 8 }),
  plan('latents-alternating', 'Latents 32767 and −32768 in turn', { latents: 'alternating', width: 40, height: 20, lanes: 1 }),
  plan('latents-escapes', 'Latents around the powers of two, where escape codes grow', { latents: 'escapes', patch: 128 }),
  plan('latents-limit-codec', 'The codec whose sums reach 2^31 − 1, wide latents', {
    ...{ map: 'uniform', pattern: 1, anchor: 2, latents: 'wide', step: 5 },
  }),

  // Shapes.
  plan('shape-row', 'One row of 600 pixels', { width: 600, height: 1, map: 'adaptive' }),
  plan('shape-column', 'One column of 600 pixels', { width: 1, height: 600, map: 'adaptive', patch: 128 }),
  plan('shape-tile', 'Exactly one tile', { width: 512, height: 512, patch: 256, anchor: 2, latents: 'sparse', lanes: 4 }),
  plan('shape-tile-and-one', 'One pixel more than a tile, both ways', { width: 513, height: 513, patch: 128, map: 'adaptive', anchor: 1 }),
  plan('shape-long', 'Nine tiles in a row', { width: 4097, height: 33, patch: 64, map: 'adaptive', pattern: 'runs', lanes: 8 }),
  plan('shape-tall', 'Three tiles in a column', { width: 33, height: 1025, patch: 64, map: 'adaptive', pattern: 'runs', lanes: 8 }),
  plan('shape-narrow-patches', 'A last patch column and row of one pixel', { width: 129, height: 65, patch: 64, map: 'fixed' }),

  // Alpha.
  plan('alpha-clear', 'Every alpha is 0', { width: 20, height: 9, alpha: 'clear' }),
  plan('alpha-mask', 'Two levels of alpha, neither of them 0 or 255', { width: 90, height: 70, alpha: 'mask' }),
  plan('alpha-levels', 'Ramps, flat parts and noise in the alpha', { width: 90, height: 70, alpha: 'levels', sections: [[0x41, 3]] }),
  plan('alpha-extremes', 'Alpha that leaps by every difference, over the wrap at 256', { width: 64, height: 33, alpha: 'extremes' }),
  plan('alpha-pixel', 'One pixel that is not opaque', { width: 1, height: 1, alpha: 'levels' }),
  plan('alpha-tiles', 'Tiles of alpha of every kind, an opaque one among them', { width: 1600, height: 20, patch: 128, alpha: 'kinds' }),

  // Adaptations.
  plan('adaptation-mixing', 'One codec whose mixing layer is changed', {
    ...{ modes: 1, map: 'none', pattern: 0, latents: 'noise', adaptation: 'mixing' },
  }),
  plan('adaptation-last', 'Two codecs whose last layers are changed alike', { modes: 2, latents: 'noise', adaptation: 'last' }),
  plan('adaptation-both', 'Eight codecs, both layers changed, and alpha', {
    anchor: 1,
    latents: 'noise',
    adaptation: 'both',
    alpha: 'mask',
  }),
  plan('adaptation-each', 'Every codec with changes of its own or none', {
    ...{ width: 330, height: 140, pattern: 'turns', latents: 'noise', adaptation: 'each', sections: [[0x41, 3]] },
  }),
  plan('adaptation-all-each', 'Changes of all modes, and more for some of them', {
    ...{ width: 200, height: 70, modes: 4, pattern: 'turns', latents: 'noise', adaptation: 'all and each' },
  }),

  // Modes with codecs of the file's choice.
  plan('codecs-alike', 'Four modes of one codec, each adapted in its own way', {
    ...{ width: 200, height: 140, modes: 4, map: 'adaptive', latents: 'noise', adaptation: 'all and each', codecs: [3, 3, 3, 3] },
  }),
  plan('codecs-listed', 'Eight modes of four codecs in no order', {
    ...{ width: 200, height: 140, latents: 'noise', anchor: 1, codecs: [7, 0, 7, 2, 2, 2, 5, 0] },
  }),
  plan('codecs-listed-uniform', 'Two modes, one codec, and the map says the second for all patches', {
    ...{ modes: 2, map: 'uniform', pattern: 1, latents: 'noise', adaptation: 'each', codecs: [6, 6], anchor: 2 },
  }),

  // Scales.
  plan('scales-ends', 'Scales at both ends of their range, one codec', {
    ...{ modes: 1, map: 'none', pattern: 0, latents: 'noise', anchor: 2, scales: [-8, 7, -8, 7, -8, 7, -8] },
  }),
  plan('scales-mixed', 'Other scales for every grid, all modes, two tiles', {
    ...{ width: 530, height: 40, pattern: 'turns', latents: 'noise', scales: [-1, -2, -3, 0, 1, 2, 3], step: 3 },
  }),
  plan('scales-coarsest', 'A scale for the coarsest grid alone', { modes: 2, latents: 'wide', scales: [0, 0, 0, 0, 0, 0, 1] }),

  // Sections that a reader skips.
  plan('section-empty', 'An empty section with the lowest tag that may be skipped', { width: 20, height: 9, sections: [[0x40, 0]] }),
  plan('section-icc-exif', 'The two reserved metadata sections with bytes that mean nothing', {
    ...{ width: 20, height: 9 },
    sections: [
      [0x41, 130],
      [0x42, 17],
    ],
  }),
  plan('section-many', 'Six unknown sections, one of them long enough for a three-byte length', {
    ...{ width: 20, height: 9 },
    sections: [
      [0x43, 1],
      [0x7f, 2],
      [0xc0, 20_000],
      [0xc1, 128],
      [0xe0, 127],
      [0xff, 0],
    ],
  }),
];

/** The contents that a plan stands for: always the same ones. */
export function contentsOf(plan: Plan, packHash: string): FileContents {
  // The name is the seed, so that adding a plan changes no other file.
  const random = new Random([...plan.name].reduce((hash, letter) => (Math.imul(hash, 31) + letter.charCodeAt(0)) >>> 0, 7));
  const { width, height, modes, patch, lanes, anchor, step } = plan;
  const { count } = patchLayout(width, height, patch);
  return {
    header: { version: 0, width, height, modes, patch, lanes, packId: conformancePackId, packHash, anchor, step },
    modes: drawModes(random, plan.pattern, count, modes),
    map: plan.map,
    grids: emptyGrids(width, height).map((grid, index) => grid.map((_, position) => drawLatent(random, plan.latents, index, position))),
    ...(plan.scales && { scales: plan.scales }),
    ...(plan.codecs && { codecs: plan.codecs }),
    sections: plan.sections.map(([tag, length]) => ({ tag, payload: random.bytes(length) })),
    ...(plan.alpha === undefined ? {} : { alpha: drawAlpha(random, plan.alpha, width, height) }),
    ...(plan.adaptation === undefined ? {} : { adaptation: drawAdaptation(random, plan.adaptation, modes, conformanceUnits) }),
  };
}

/** Units in use of the conformance pack's codec 0. */
const conformanceUnits = 48;

/** Changes that are too small to break the range of most packs. */
export function drawAdaptation(random: Random, kind: AdaptationKind, modes: number, units: number): Adaptation {
  const layer = (count: number): LayerChanges => ({
    ...{ exponent: random.between(9, 15), order: random.below(8) },
    changes: Array.from({ length: count }, () => (random.once(3) ? 0 : random.spread(random.pick([1, 3, 60])))),
  });
  const each = (count: number): Changes => ({
    each: Array.from({ length: modes }, (_, mode) => (mode > 0 && random.once(3) ? undefined : layer(count))),
  });
  const changes = (count: number): Changes => {
    if (modes === 1 || !/each/.test(kind)) return { all: layer(count) };
    return kind === 'each' ? each(count) : { all: layer(count), ...each(count) };
  };
  return { ...(kind !== 'last' && { mixing: changes(3 * units) }), ...(kind !== 'mixing' && { last: changes(lastChanges) }) };
}

/** Alpha of every pixel. */
export function drawAlpha(random: Random, pattern: AlphaPattern, width: number, height: number): Uint8Array {
  const inside = (x: number, y: number): boolean => (x - 40) ** 2 + (y - 30) ** 2 < 600;
  const level = (kind: AlphaPattern, x: number, y: number): number => {
    if (kind === 'clear') return 0;
    if (kind === 'mask') return inside(x, y) || random.once(60) ? 200 : 17;
    if (kind === 'extremes') return (x * x + 37 * y) & 255;
    if (kind === 'kinds') return x < 512 ? 255 : level(x < 1024 ? 'mask' : x < 1536 ? 'levels' : 'clear', x % 512, y);
    if (inside(x, y)) return 255;
    return y > 40 ? Math.min(255, 3 * x) : random.once(3) ? random.below(256) : 0;
  };
  return Uint8Array.from({ length: width * height }, (_, index) => level(pattern, index % width, Math.floor(index / width)));
}

/** Modes of `count` patches. */
export function drawModes(random: Random, pattern: ModePattern, count: number, modes: number): Uint8Array {
  const map = new Uint8Array(count);
  for (let patch = 0; patch < count; patch++) {
    if (typeof pattern === 'number') map[patch] = pattern;
    else if (pattern === 'turns') map[patch] = patch % modes;
    else if (pattern === 'runs' && patch > 0 && !random.once(6)) map[patch] = map[patch - 1];
    else map[patch] = random.below(modes);
  }
  return map;
}

/** One latent of a grid. */
export function drawLatent(random: Random, kind: LatentKind, grid: number, position: number): number {
  switch (kind) {
    case 'zero':
      return 0;
    case 'sparse':
      return random.once(grid > 2 ? 2 : 12) ? random.spread(1 + grid) : 0;
    case 'noise':
      return random.once(400) ? random.spread(3000) : random.spread(2 + grid);
    case 'wide':
      return random.between(-300, 300);
    case 'largest':
      return 32_767;
    case 'smallest':
      return -32_768;
    case 'alternating':
      return position % 2 === 0 ? 32_767 : -32_768;
    case 'escapes':
      return (random.once(2) ? 1 : -1) * 2 ** random.below(15) + random.between(-1, 1);
  }
}
