/**
 * The adaptation section (FORMAT.md §1.2): what is added to the weights of two layers of the synthesis, for one picture. The bytes of an
 * untrusted file, and back.
 *
 *     layer `mixing` │ layer `last` │ zeros up to a whole byte
 *     layer: changes of all modes; with several modes 1 bit, whether there are more for each; those of each
 *     changes: 1 bit, whether there are any; exponent 4 bits, order 3 bits, Exp-Golomb codes
 *
 * Read me first: the lowest bit of a byte is its first. How many changes there are follows from the pack, so nothing is allocated by a number
 * that the file states.
 */

import { adaptationTag, type Section } from '../container.js';
import { TesseraError } from '../errors.js';

/** Changes of the weights of one layer. */
export interface LayerChanges {
  /** A change of 2^exponent is as much as the weights themselves: 0 to 15. */
  readonly exponent: number;
  /** Of the Exp-Golomb codes, 0 to 7. */
  readonly order: number;
  readonly changes: readonly number[];
}

/** Of one layer: those of all modes, and what comes on top of them for each of several. */
export interface Changes {
  readonly all?: LayerChanges;
  /** By mode. */
  readonly each?: readonly (LayerChanges | undefined)[];
}

/** How the synthesis of one picture differs from that of the pack. */
export interface Adaptation {
  /** Of w2: [output][unit in use]. */
  readonly mixing?: Changes;
  /** Of w4: [output][input][middle, four sides, four corners]; then of b4: [output]. */
  readonly last?: Changes;
}

/** The same for other modes, each of which is one of the modes so far, or has no changes of its own. */
export function forModes({ mixing, last }: Adaptation, modes: readonly (number | undefined)[]): Adaptation {
  const renumbered = ({ all, each }: Changes): Changes => ({
    ...(all && { all }),
    ...(each && { each: modes.map((mode) => (mode === undefined ? undefined : each[mode])) }),
  });
  return { ...(mixing && { mixing: renumbered(mixing) }), ...(last && { last: renumbered(last) }) };
}

/** Changes of the last layer. */
export const lastChanges = 30;
/** Ones in front of a code; more are damage. */
const longestPrefix = 12;
const names = ['mixing', 'last'] as const;

/** The adaptation section of a file, which need not have one. */
export function adaptationSection(sections: readonly Section[]): Section | undefined {
  return sections.find(({ tag }) => tag === adaptationTag);
}

/**
 * Reads the adaptation section.
 *
 * @param units - how many hidden units are in use (`unitsInUse`)
 * @throws TesseraError `corruptSection`
 */
export function parseAdaptation({ payload, offset }: Pick<Section, 'payload' | 'offset'>, modes: number, units: number): Adaptation {
  let position = 0;
  const damage = (what: string): TesseraError =>
    new TesseraError('corruptSection', `the adaptation ${what}`, { offset: offset + (position >> 3) });
  const bit = (): number => {
    if (position >= 8 * payload.length) throw damage('ends too early');
    const value = (payload[position >> 3] >> (position & 7)) & 1;
    position++;
    return value;
  };
  const bits = (count: number): number => {
    let value = 0;
    for (let index = 0; index < count; index++) value += bit() * 2 ** index;
    return value;
  };
  const change = (order: number): number => {
    let prefix = 0;
    while (bit() === 1) if (++prefix > longestPrefix) throw damage('has a change that is too large');
    const code = 2 ** (prefix + order) - 2 ** order + bits(prefix + order);
    return code % 2 ? (code + 1) / 2 : -code / 2 || 0;
  };
  const changes = (count: number): LayerChanges | undefined => {
    if (bit() === 0) return undefined;
    const exponent = bits(4);
    const order = bits(3);
    return { exponent, order, changes: Array.from({ length: count }, () => change(order)) };
  };
  const layer = (count: number): Changes | undefined => {
    const all = changes(count);
    const each = modes > 1 && bit() === 1 ? Array.from({ length: modes }, () => changes(count)) : undefined;
    return all || each?.some((one) => one) ? { ...(all && { all }), ...(each && { each }) } : undefined;
  };
  const [mixing, last] = [layer(3 * units), layer(lastChanges)];
  if (mixing === undefined && last === undefined) throw damage('changes nothing');
  while (position & 7) if (bit() === 1) throw damage('ends in a 1');
  if (position !== 8 * payload.length) throw damage('goes on behind its end');
  return { ...(mixing && { mixing }), ...(last && { last }) };
}

/** Bits of the code of a change. */
export function bitsOfChange(change: number, order: number): number {
  return 1 + order + 2 * prefixOf(codeOf(change) + 2 ** order, order);
}

/** 0, 1, −1, 2, −2 … as 0, 1, 2, 3, 4 … */
const codeOf = (change: number): number => (change > 0 ? 2 * change - 1 : -2 * change);

/** Ones in front of a code, of which `code` has the 2^order already. */
const prefixOf = (code: number, order: number): number => 31 - Math.clz32(code) - order;

/** The largest magnitude of a change with a code of some order. */
export const largestChange = (order: number): number => 2 ** (longestPrefix + order - 1);

/** Writes the payload of the adaptation section. */
export function writeAdaptation(adaptation: Adaptation, modes: number): Uint8Array {
  const out: number[] = [];
  const bits = (value: number, count: number): void => {
    for (let index = 0; index < count; index++) out.push(Math.floor(value / 2 ** index) % 2);
  };
  const changes = (layer: LayerChanges | undefined): void => {
    bits(layer ? 1 : 0, 1);
    if (layer === undefined) return;
    bits(layer.exponent, 4);
    bits(layer.order, 3);
    for (const change of layer.changes) {
      const code = codeOf(change) + 2 ** layer.order;
      const prefix = prefixOf(code, layer.order);
      bits(2 ** prefix - 1, prefix + 1);
      bits(code - 2 ** (prefix + layer.order), prefix + layer.order);
    }
  };
  for (const name of names) {
    const { all, each } = adaptation[name] ?? {};
    changes(all);
    if (modes === 1) continue;
    bits(each ? 1 : 0, 1);
    each?.forEach(changes);
  }
  const bytes = new Uint8Array(Math.ceil(out.length / 8));
  out.forEach((value, position) => {
    bytes[position >> 3] |= value << (position & 7);
  });
  return bytes;
}
