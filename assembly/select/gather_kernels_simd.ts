/** Sums of `gather.ts` for four pixels, one per lane. SIMD twins of `gather_kernels.ts` with the same bits. */
import { INPUTS } from "./gather_kernels";

// @ts-ignore: decorator
@inline
function products(features: v128, row: usize, pair: usize): v128 {
  return i32x4.dot_i16x8_s(features, v128.load32_splat(row + (pair << 2)));
}

/** See `gather_kernels.ts`. */
export function hiddenUnits(features: usize, weights: usize, scales: usize, units: i32): void {
  const f0 = v128.load(features), f1 = v128.load(features, 16), f2 = v128.load(features, 32), f3 = v128.load(features, 48);
  const end = INPUTS + (<usize>units << 4);
  for (let place = INPUTS; place < end; place += 16) {
    const value = i32x4.add(i32x4.add(products(f0, weights, 0), products(f1, weights, 1)), i32x4.add(products(f2, weights, 2), products(f3, weights, 3)));
    const whole = i32x4.max_s(i32x4.shr_s(value, 16), i32x4.splat(0));
    v128.store(place, f32x4.mul(f32x4.convert_i32x4_s(whole), v128.load32_splat(scales)));
    weights += 16;
    scales += 4;
  }
}

/** The first or the second number of four pairs. */
// @ts-ignore: decorator
@inline
function numbers(place: usize, second: bool): v128 {
  const pairs = v128.load(place);
  return i32x4.shr_s(second ? pairs : i32x4.shl(pairs, 16), 16);
}

/** See `gather_kernels.ts`. */
export function rings(place: usize, line: usize, level: f32): void {
  const scale = f32x4.splat(level);
  let input = INPUTS;
  for (let channel = 0; channel < 3; ++channel) {
    const second = (channel & 1) != 0;
    const above = place + <usize>(channel >> 1) * line;
    const here = above + 2 * line, below = here + 2 * line;
    const sides = i32x4.add(i32x4.add(numbers(above + 4, second), numbers(here, second)), i32x4.add(numbers(here + 8, second), numbers(below + 4, second)));
    const corners = i32x4.add(i32x4.add(numbers(above, second), numbers(above + 8, second)), i32x4.add(numbers(below, second), numbers(below + 8, second)));
    v128.store(input, f32x4.mul(f32x4.convert_i32x4_s(numbers(here + 4, second)), scale));
    v128.store(input, f32x4.mul(f32x4.convert_i32x4_s(sides), scale), 16);
    v128.store(input, f32x4.mul(f32x4.convert_i32x4_s(corners), scale), 32);
    input += 48;
  }
  v128.store(input, f32x4.splat(1));
}

// @ts-ignore: decorator
@inline
function addTo(sum: usize, value: v128): void {
  v128.store(sum, f32x4.add(v128.load(sum), value));
}

/** One channel of four pixels of RGBA8. */
// @ts-ignore: decorator
@inline
function channelOf(pixels: v128, channel: i32): v128 {
  return v128.and(i32x4.shr_u(pixels, 8 * channel), i32x4.splat(255));
}

/** See `gather_kernels.ts`. */
export function addSamples(seen: usize, wanted: usize, inputs: i32, out: usize): void {
  const end = INPUTS + (<usize>inputs << 4);
  let sum = out;
  for (let place = INPUTS; place < end; place += 16) {
    const value = v128.load(place);
    // A unit that is shut at all four adds nothing.
    if (v128.any_true(value)) {
      for (let other = INPUTS; other <= place; other += 16) {
        addTo(sum, f32x4.mul(value, v128.load(other)));
        sum += 16;
      }
    } else sum += place - INPUTS + 16;
  }
  const has = v128.load(seen), wants = v128.load(wanted);
  let energy = f32x4.splat(0);
  for (let channel = 0; channel < 3; ++channel) {
    const lack = f32x4.convert_i32x4_s(i32x4.sub(channelOf(wants, channel), channelOf(has, channel)));
    for (let place = INPUTS; place < end; place += 16) {
      addTo(sum, f32x4.mul(v128.load(place), lack));
      sum += 16;
    }
    energy = f32x4.add(energy, f32x4.mul(lack, lack));
  }
  addTo(sum, energy);
}
