/** FORMAT.md §1.2: the codecs of a file with its changes. */

import { clamp, demand, list } from './bytes.js';
import type { FileParts } from './container.js';
import type { Codec, Pack } from './pack.js';

interface Values {
  readonly exponent: number;
  readonly values: readonly number[];
}

/** The codecs of the modes of a file. @throws Refusal */
export function codecsOf(parts: FileParts, pack: Pack): Codec[] {
  const codecs = listOf(parts, pack).map((codec) => pack.codecs[codec][parts.anchor]);
  const section = parts.sections.get(0);
  if (section === undefined) return codecs;
  const inUse = list(48, (unit) => unit).filter((unit) =>
    list(3, (o) => codecs[0].synthesis[1].weights[48 * o + unit]).some((w) => w !== 0),
  );

  const stream = [...section].flatMap((byte) => list(8, (index) => (byte >> index) & 1));
  const bit = (): number => {
    demand(stream.length > 0, 'corruptSection');
    return stream.shift() as number;
  };
  const number = (bits: number): number => list(bits, (index) => bit() * 2 ** index).reduce((sum, value) => sum + value, 0);
  const changesOf = (count: number): Values | undefined => {
    if (bit() === 0) return undefined;
    const [exponent, order] = [number(4), number(3)];
    const values = list(count, () => {
      let ones = 0;
      for (; bit() === 1; ones++) demand(ones < 12, 'corruptSection');
      const code = 2 ** (ones + order) - 2 ** order + number(ones + order);
      return code % 2 === 1 ? (code + 1) / 2 : 0 - code / 2;
    });
    return { exponent, values };
  };
  /** Of each mode: what is added for all, then for it. */
  const layerOf = (count: number): Values[][] => {
    const all = changesOf(count);
    const each = parts.modes > 1 && bit() === 1 ? list(parts.modes, () => changesOf(count)) : [];
    return list(parts.modes, (mode) => [all, each[mode]].filter((values) => values !== undefined));
  };
  const [mixing, last] = [layerOf(3 * inUse.length), layerOf(30)];
  demand([...mixing, ...last].some((values) => values.length > 0) && stream.length < 8 && !stream.includes(1), 'corruptSection');
  return codecs.map((codec, mode) => changed(codec, inUse, mixing[mode], last[mode]));
}

/** §3: the numbers of the codecs. */
function listOf({ modes, modeMap }: FileParts, pack: Pack): readonly number[] {
  const { subset } = pack.modeSets.get(modes) as { subset: readonly number[] };
  if (modes === 1 || modeMap[0] < 128) return subset;
  demand(modeMap.length > modes / 2, 'corruptSection');
  const codecs = list(modes, (mode) => Math.floor(modeMap[1 + Math.floor(mode / 2)] / 16 ** (mode % 2)) % 16);
  demand(codecs.every((codec) => codec < pack.codecs.length) && codecs.join() !== subset.join(), 'corruptSection');
  return codecs;
}

function changed(codec: Codec, inUse: readonly number[], mixing: readonly Values[], last: readonly Values[]): Codec {
  const [first, second, third, fourth] = codec.synthesis;
  const w2 = [...second.weights];
  const w4 = [...fourth.weights];
  const b4 = [...fourth.biases];
  const scaled = (value: number, exponent: number): number =>
    Math.floor((value + (exponent > 0 ? 2 ** (exponent - 1) : 0)) / 2 ** exponent);
  const inRange = (values: readonly number[]): boolean => values.every((value) => clamp(value, -32_768, 32_767) === value);
  for (const { exponent, values } of mixing) {
    values.forEach((value, index) => {
      const unit = inUse[index % inUse.length];
      const norm = Math.max(...list(3, (o) => Math.abs(second.weights[48 * o + unit])));
      w2[48 * Math.floor(index / inUse.length) + unit] += scaled(value * norm, exponent);
    });
    demand(inRange(w2), 'corruptSection');
  }
  const norm = list(9, (tap) => fourth.weights[36 + tap]).reduce((sum, weight) => sum + weight, 0);
  for (const { exponent, values } of last) {
    values.forEach((value, index) => {
      if (index >= 27) b4[index - 27] += Math.floor((value * 2 ** fourth.shift) / 8);
      else
        for (let tap = 0; tap < 9; tap++) {
          const ring = tap === 4 ? 0 : tap % 2 === 1 ? 1 : 2;
          if (ring === index % 3) w4[9 * Math.floor(index / 3) + tap] += scaled(value * norm, exponent);
        }
    });
    demand(inRange(w4) && b4.every((bias) => Math.abs(bias) < 2 ** 31), 'corruptSection');
  }
  for (const [weights, biases] of [[w2, second.biases] as const, [w4, b4] as const]) {
    const inputs = weights.length / 3;
    for (let o = 0; o < 3; o++) {
      const reach = weights.slice(o * inputs, (o + 1) * inputs).reduce((sum, weight) => sum + Math.abs(weight), 0);
      demand(reach * 32_768 + Math.abs(biases[o]) < 2 ** 31, 'corruptSection');
    }
  }
  return { ...codec, synthesis: [first, { ...second, weights: w2 }, third, { ...fourth, weights: w4, biases: b4 }] };
}
