/**
 * Rows of numbers on their way between planes and windows, four at a time. Every number is treated alone, so these serve both sets of kernels.
 *
 * READ ME FIRST
 * - Nothing is read or written beyond the rows.
 */

/** target = source · scale */
export function scaleRow(source: usize, target: usize, count: i32, scale: f32): void {
  const factor = f32x4.splat(scale);
  const end = target + (<usize>count << 2);
  const vectors = target + (<usize>(count & ~3) << 2);
  for (; target < vectors; target += 16) {
    v128.store(target, f32x4.mul(v128.load(source), factor));
    source += 16;
  }
  for (; target < end; target += 4) {
    store<f32>(target, load<f32>(source) * scale);
    source += 4;
  }
}

/** target += source · scale */
export function addScaledRow(source: usize, target: usize, count: i32, scale: f32): void {
  const factor = f32x4.splat(scale);
  const end = target + (<usize>count << 2);
  const vectors = target + (<usize>(count & ~3) << 2);
  for (; target < vectors; target += 16) {
    v128.store(target, f32x4.add(v128.load(target), f32x4.mul(v128.load(source), factor)));
    source += 16;
  }
  for (; target < end; target += 4) {
    store<f32>(target, load<f32>(target) + load<f32>(source) * scale);
    source += 4;
  }
}

/** target += source, where the magnitude of `gate` is at most `limit`. */
export function addRowWithin(source: usize, target: usize, gate: usize, count: i32, limit: f32): void {
  const largest = f32x4.splat(limit);
  const end = target + (<usize>count << 2);
  const vectors = target + (<usize>(count & ~3) << 2);
  for (; target < vectors; target += 16) {
    const open = f32x4.le(f32x4.abs(v128.load(gate)), largest);
    v128.store(target, f32x4.add(v128.load(target), v128.and(v128.load(source), open)));
    source += 16;
    gate += 16;
  }
  for (; target < end; target += 4) {
    if (abs<f32>(load<f32>(gate)) <= limit) store<f32>(target, load<f32>(target) + load<f32>(source));
    source += 4;
    gate += 4;
  }
}

/** target = source, not beyond ±limit. */
export function clampRow(source: usize, target: usize, count: i32, limit: f32): void {
  const high = f32x4.splat(limit);
  const low = f32x4.splat(-limit);
  const end = target + (<usize>count << 2);
  const vectors = target + (<usize>(count & ~3) << 2);
  for (; target < vectors; target += 16) {
    v128.store(target, f32x4.pmin(f32x4.pmax(v128.load(source), low), high));
    source += 16;
  }
  for (; target < end; target += 4) {
    store<f32>(target, min<f32>(max<f32>(load<f32>(source), -limit), limit));
    source += 4;
  }
}

/** Writes a number `count` times. @returns the place behind */
export function repeat(target: usize, count: i32, value: f32): usize {
  for (let index = 0; index < count; ++index) {
    store<f32>(target, value);
    target += 4;
  }
  return target;
}
