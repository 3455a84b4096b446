/**
 * The modes of a file, once its patches are settled: as few as there is a use for, the most frequent ones first among those of the first one's
 * codec, which says which units an adaptation changes, and then among the others.
 */

import { weightsOf } from '../adaptation/apply.js';
import type { Fitted } from '../adaptation/fit.js';
import { forModes } from '../adaptation/section.js';
import { type Core, modeSetOf } from '../core.js';
import type { DecoderPack } from '../models/pack.js';
import type { Rate } from '../quality.js';
import type { ModeCount } from '../types.js';

/** Numbers the modes of the core's map anew, without those that no patch has. @returns codec of each */
export function compactModes(core: Core, codecs: readonly number[]): number[] {
  const map = core.modes();
  const used = Array.from(codecs.keys()).filter((mode) => map.includes(mode));
  map.set(map.map((mode) => used.indexOf(mode)));
  return used.map((mode) => codecs[mode]);
}

/**
 * Numbers the modes of the core's map anew and gives it the codecs of those that are left. Without changes for each, patches of one codec have
 * one mode; files of the generalist alone have no map.
 */
export function settleModes(core: Core, pack: DecoderPack, rate: Rate, { codecs, adaptation }: Fitted): Fitted {
  const map = core.modes();
  const differ = adaptation?.mixing?.each ?? adaptation?.last?.each;
  const merged = differ ? codecs.map((_, mode) => mode) : codecs.map((codec) => codecs.indexOf(codec));
  const counts = codecs.map((_, mode) => map.reduce((sum, own) => sum + (merged[own] === mode ? 1 : 0), 0));
  const used = Array.from(counts.keys())
    .filter((mode) => counts[mode] > 0)
    .sort((a, b) => Number(codecs[b] === codecs[0]) - Number(codecs[a] === codecs[0]) || counts[b] - counts[a]);
  const [generalist] = modeSetOf(pack, 1).subset;
  const count = used.length === 1 && codecs[used[0]] !== generalist ? 2 : ((2 ** Math.ceil(Math.log2(used.length))) as ModeCount);
  /** Modes beyond those in use are like the first. */
  const listed = Array.from({ length: count }, (_, mode) => codecs[used[mode] ?? used[0]]);
  const settled = adaptation && forModes(adaptation, differ ? listed.map((_, mode) => used[mode]) : []);
  map.set(map.map((mode) => used.indexOf(merged[mode])));
  core.setModes(pack, count);
  core.adapt(weightsOf(pack, listed, rate, settled));
  return { codecs: listed, adaptation: settled };
}
