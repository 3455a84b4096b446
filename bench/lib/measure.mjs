// Clocks and medians. CPU time counts every thread of the process, so a codec cannot hide work in a background thread.

/** CPU time of this process so far, in milliseconds. */
export function cpuTime() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** Runs `work` once. @returns {value, cpu, wall}, times in milliseconds */
export async function timed(work) {
  const wall = performance.now();
  const cpu = cpuTime();
  const value = await work();
  return { value, cpu: cpuTime() - cpu, wall: performance.now() - wall };
}

/** Like `timed`, for work that returns no promise: no turn of the event loop is inside the measurement. */
export function timedNow(work) {
  const wall = performance.now();
  const cpu = cpuTime();
  const value = work();
  return { value, cpu: cpuTime() - cpu, wall: performance.now() - wall };
}

/** Repeats `work` for half a second, so that the engine has compiled it for good before it is measured. */
export async function warmUp(work) {
  const start = performance.now();
  while (performance.now() - start < 500) await work();
}

/** Middle value; the mean of the two middle ones where the count is even. NaN of nothing. */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** Median, fastest and number of the given times. */
export function summary(values) {
  return { median: round(median(values)), fastest: round(Math.min(...values)), runs: values.length };
}

/** Four significant digits: what a timing on a shared machine can carry. */
export function round(value) {
  return Number.isFinite(value) ? Number(value.toPrecision(4)) : value;
}

/**
 * Times several pieces of work turn by turn, so that a busy moment of the machine hits all of them.
 *
 * @param tasks - name → function without a promise
 * @param rounds - turns; one more comes first and is thrown away
 * @returns name → CPU milliseconds of each turn
 */
export function interleaved(tasks, rounds) {
  const times = Object.fromEntries(Object.keys(tasks).map((name) => [name, []]));
  for (let turn = -1; turn < rounds; turn++) {
    for (const [name, work] of Object.entries(tasks)) {
      const { cpu } = timedNow(work);
      if (turn >= 0) times[name].push(cpu);
    }
  }
  return times;
}

/** Small seeded generator (mulberry32): numbers in [0, 1). */
export function seeded(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
