/**
 * Runs cases one after the other. Case number n of a seed is always the same, whatever ran before it, so a finding is repeated
 * with `--seed S --first n --count 1`.
 */

import { Random } from '../conformance/random.js';
import { bases } from './pictures.js';
import { claimedPixels, fingerprint, type Target, targets } from './targets.js';

/** What to run. */
export interface Campaign {
  readonly seed: number;
  readonly first: number;
  readonly count: number;
  /** Only this target. */
  readonly target?: string;
  /** Called before each case. */
  readonly onCase?: (number: number) => void;
}

/** A case that did what none may do. */
export interface Finding {
  readonly number: number;
  readonly target: string;
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly message: string;
}

/** Counts of one target. */
export interface Tally {
  cases: number;
  /** How often each outcome came up. */
  readonly outcomes: Record<string, number>;
  /** Of the slowest case, in milliseconds. */
  slowest: number;
  /** Time of a case over that of a sound file with as many pixels, the largest; 0 where there is no such file. */
  ratio: number;
  slowestCase: number;
  ratioCase: number;
}

/** What came out. */
export interface Report {
  readonly tallies: Readonly<Record<string, Tally>>;
  readonly findings: readonly Finding[];
}

/** Runs a campaign. Findings are collected, not thrown. */
export async function runCampaign({ seed, first, count, target: only, onCase }: Campaign): Promise<Report> {
  const chosen = targets.filter(({ name, share }) => (only === undefined ? share > 0 : name === only));
  if (chosen.length === 0) throw new Error(`there is no target ${only}; there are ${targets.map(({ name }) => name).join(', ')}`);
  const wheel = chosen.flatMap((target) => new Array<Target>(Math.max(1, target.share)).fill(target));
  const tallies: Record<string, Tally> = {};
  for (const { name } of chosen) tallies[name] = { cases: 0, outcomes: {}, slowest: 0, ratio: 0, slowestCase: -1, ratioCase: -1 };
  const findings: Finding[] = [];
  let soundTime = await timeOfSoundFiles();

  for (let number = first; number < first + count; number++) {
    onCase?.(number);
    const random = new Random((Math.imul(seed, 0x9e3779b1) ^ Math.imul(number, 0x85ebca6b)) >>> 0);
    const target = random.pick(wheel);
    const bytes = target.make(random);
    const tally = tallies[target.name];
    tally.cases++;
    const start = processorTime();
    let time = 0;
    try {
      const outcome = await target.run(bytes);
      time = processorTime() - start;
      await target.check?.(bytes, outcome);
      tally.outcomes[outcome] = (tally.outcomes[outcome] ?? 0) + 1;
    } catch (error) {
      const message = error instanceof Error ? `${error.name}: ${error.message}\n${error.stack ?? ''}` : String(error);
      findings.push({ number, target: target.name, name: `${target.name}-${fingerprint(bytes)}.bin`, bytes, message });
      tally.outcomes.finding = (tally.outcomes.finding ?? 0) + 1;
    }
    let expected = target.files ? soundTime(claimedPixels(bytes)) : Number.POSITIVE_INFINITY;
    // A busy machine or a garbage collection makes any case slow once; what counts is the case itself.
    for (let again = 0; again < 12 && time > 2 * expected; again++) time = Math.min(time, await timeOf(target, bytes));
    for (let round = 0; round < 6 && time > 2.5 * expected; round++) {
      // Or the machine has become slower, sound files and all, since they were timed: the two take turns.
      soundTime = await timeOfSoundFiles();
      expected = soundTime(claimedPixels(bytes));
      for (let again = 0; again < 6 && time > 2 * expected; again++) time = Math.min(time, await timeOf(target, bytes));
    }
    if (time > tally.slowest) {
      tally.slowest = time;
      tally.slowestCase = number;
    }
    if (time / expected > tally.ratio) {
      tally.ratio = time / expected;
      tally.ratioCase = number;
    }
  }
  return { tallies, findings };
}

/** Milliseconds of one run, whatever comes of it. */
async function timeOf(target: Target, bytes: Uint8Array): Promise<number> {
  const start = processorTime();
  await target.run(bytes).catch(() => undefined);
  return processorTime() - start;
}

/** Time of this process in milliseconds: what else the machine does is not in it. */
function processorTime(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** Milliseconds that a sound file of a number of pixels takes: a straight line through the quickest of four runs of each base file. */
async function timeOfSoundFiles(): Promise<(pixels: number) => number> {
  const times: { pixels: number; time: number }[] = [];
  for (const bytes of bases) {
    let time = Number.POSITIVE_INFINITY;
    for (let run = 0; run < 4; run++) time = Math.min(time, await timeOf(targets[0], bytes));
    times.push({ pixels: claimedPixels(bytes), time });
  }
  const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  const pixels = mean(times.map((entry) => entry.pixels));
  const time = mean(times.map((entry) => entry.time));
  const covariance = mean(times.map((entry) => (entry.pixels - pixels) * (entry.time - time)));
  const variance = mean(times.map((entry) => (entry.pixels - pixels) ** 2));
  const slope = Math.max(0, covariance / variance);
  const base = Math.max(0.1, time - slope * pixels);
  return (claimed) => base + slope * claimed;
}

/** A report for people. */
export function describe({ tallies, findings }: Report): string {
  const lines = Object.entries(tallies).map(([name, { cases, outcomes, slowest, slowestCase, ratio, ratioCase }]) => {
    const counts = Object.entries(outcomes)
      .toSorted(([, a], [, b]) => b - a)
      .map(([outcome, times]) => `${outcome} ${times}`)
      .join(', ');
    const time = `slowest ${slowest.toFixed(1)} ms (case ${slowestCase})${ratio > 0 ? `, at most ${ratio.toFixed(1)} × a sound file (case ${ratioCase})` : ''}`;
    return `${name}: ${cases} cases: ${counts}; ${time}`;
  });
  const found = findings.map(({ number, target, name, message }) => `FINDING case ${number}, ${target}, ${name}\n${message}`);
  return [...lines, ...found].join('\n');
}
