/**
 * What a step does to each latent: the stand-in for rounding, and Adam. Scalar twins of `steps_kernels_simd.ts`.
 *
 * READ ME FIRST
 * - Soft rounding pulls towards whole numbers: c + ½ tanh((x − c) / T) / tanh(½ / T) with c the middle between two of them; at T → 0
 *   it is rounding. The stand-in is soft rounding, plus noise, soft rounding again (C3, arXiv 2312.02753).
 * - Eight neighbours that are all nearer to 0 than `settled` stay exactly 0: most of a fine grid. There the noise would only blur what
 *   their neighbours see, and the context model skips what is all 0.
 * - Noise comes from a counter scrambled by integer operations, so that every engine gets the same.
 */
import { hyperbolicTangent } from "./math";

/** A whole number to 0…255, one for each position in the plane and step. */
// @ts-ignore: decorator
@inline
export function scramble(counter: u32): u32 {
  let x = counter * 0x9e3779b9;
  x ^= x >> 16;
  x *= 0x7feb352d;
  x ^= x >> 15;
  x *= 0x846ca68b;
  return x >> 24;
}

/**
 * @param values  latents, `count` of them
 * @param symbols  receives the stand-ins
 * @param slopes  receives their derivatives by the latents
 * @param quantiles  f32 × 256: noise by its rank
 * @param counter  number of the first position
 * @param inverse  1 / T
 * @param scale  ½ / tanh(½ / T)
 */
export function noisyRound(
  values: usize, symbols: usize, slopes: usize, count: i32, quantiles: usize, counter: u32, inverse: f32, scale: f32, settled: f32,
): void {
  for (let start = 0; start < count; start += 8) {
    const end = min(start + 8, count);
    if (areSettled(values, start, end, settled)) {
      memory.fill(symbols + (<usize>start << 2), 0, <usize>(end - start) << 2);
      memory.fill(slopes + (<usize>start << 2), 0, <usize>(end - start) << 2);
    } else roundStretch(values, symbols, slopes, start, end, quantiles, counter, inverse, scale);
  }
}

function areSettled(values: usize, start: i32, end: i32, settled: f32): bool {
  for (let index = start; index < end; ++index) {
    if (!(abs<f32>(load<f32>(values + (<usize>index << 2))) < settled)) return false;
  }
  return true;
}

function roundStretch(
  values: usize, symbols: usize, slopes: usize, start: i32, end: i32, quantiles: usize, counter: u32, inverse: f32, scale: f32,
): void {
  for (let index = start; index < end; ++index) {
    const offset = <usize>index << 2;
    const value = load<f32>(values + offset);
    let centre = floor<f32>(value) + <f32>0.5;
    let bend = hyperbolicTangent((value - centre) * inverse);
    const first = <f32>1 - bend * bend;
    const noisy = centre + scale * bend + load<f32>(quantiles + (<usize>scramble(counter + <u32>index) << 2));
    centre = floor<f32>(noisy) + <f32>0.5;
    bend = hyperbolicTangent((noisy - centre) * inverse);
    const steepness = scale * inverse;
    store<f32>(symbols + offset, centre + scale * bend);
    store<f32>(slopes + offset, (steepness * first) * (steepness * (<f32>1 - bend * bend)));
  }
}

/**
 * One step of Adam on `count` latents.
 * @param first, second  decay of the running means of the gradient and of its square
 * @param firstScale, secondScale  what makes up for their start at 0
 */
export function adam(
  values: usize, slopes: usize, gradients: usize, moments: usize, variances: usize, count: i32,
  rate: f32, first: f32, second: f32, firstScale: f32, secondScale: f32, epsilon: f32,
): void {
  for (let index: usize = 0; index < <usize>count << 2; index += 4) {
    const gradient = load<f32>(gradients + index) * load<f32>(slopes + index);
    const moment = first * load<f32>(moments + index) + (<f32>1 - first) * gradient;
    const variance = second * load<f32>(variances + index) + (<f32>1 - second) * (gradient * gradient);
    store<f32>(moments + index, moment);
    store<f32>(variances + index, variance);
    const move = rate * (moment * firstScale) / (sqrt<f32>(variance * secondScale) + epsilon);
    store<f32>(values + index, load<f32>(values + index) - move);
  }
}
