/**
 * What a trade of one latent for a neighbouring whole number is judged by, SIMD twins of `trade_kernels.ts` with the same bits.
 *
 * READ ME FIRST
 * - Lanes are neighbouring positions of a row, so every lane does the scalar twin's operations in the scalar twin's order.
 * - A unit that is shut adds +0 instead of nothing, which changes no sum.
 */
import { unitsInUse } from "../codec";
import { plus, splat, times } from "../synthesis/vectors";
import { PROBABILITY_FLOOR } from "./context_kernels";
import { exponentialSimd, logarithmSimd } from "./math";
import { SIGNS_BYTES } from "./scratch";
import { openLanes, shutPixels } from "./signs";
import { SLOPES, codecOf } from "./weights";

// @ts-ignore: decorator
@inline
function tail(x: v128, inverseScale: v128): v128 {
  const half = times(f32x4.splat(0.5), exponentialSimd(times(f32x4.neg(f32x4.abs(x)), inverseScale)));
  return v128.bitselect(half, f32x4.sub(f32x4.splat(1), half), f32x4.ge(x, f32x4.splat(0)));
}

// @ts-ignore: decorator
@inline
function bitsOf(mass: v128): v128 {
  return logarithmSimd(plus(mass, f32x4.splat(PROBABILITY_FLOOR)));
}

/** See `trade_kernels.ts`. */
export function bendOfBits(laplace: usize, own: usize, up: usize, down: usize, stride: i32, from: i32, to: i32): void {
  const end = (to + 7) & ~7;
  for (let x = from; x < end; x += 4) {
    const at = <usize>x << 2;
    const difference = v128.load(laplace + at), inverseScale = v128.load(laplace + at + (<usize>stride << 2));
    const distance = f32x4.abs(difference);
    const first = tail(f32x4.sub(distance, f32x4.splat(1.5)), inverseScale), second = tail(f32x4.sub(distance, f32x4.splat(0.5)), inverseScale);
    const third = tail(plus(distance, f32x4.splat(0.5)), inverseScale), fourth = tail(plus(distance, f32x4.splat(1.5)), inverseScale);
    const bits = bitsOf(f32x4.sub(second, third));
    const nearer = f32x4.sub(bits, bitsOf(f32x4.sub(first, second)));
    const further = f32x4.sub(bits, bitsOf(f32x4.sub(third, fourth)));
    const slope = v128.load(own + at);
    const above = f32x4.ge(difference, f32x4.splat(0));
    v128.store(up + at, f32x4.sub(v128.bitselect(further, nearer, above), slope));
    v128.store(down + at, plus(v128.bitselect(nearer, further, above), slope));
  }
}

/** See `trade_kernels.ts`. */
export function colourSlopes(weights: usize, signs: usize, target: usize, targetPlane: usize, width: i32): void {
  const units = <usize>unitsInUse(codecOf(weights));
  const zero = f32x4.splat(0);
  for (let x = 0; x < width; x += 8) {
    const first = i32x4(1, 2, 4, 8), second = i32x4(16, 32, 64, 128);
    for (let half: usize = 0; half < 2; ++half) {
      const bits = half == 0 ? first : second;
      let a = zero, b = zero, c = zero, d = zero, e = zero, f = zero, g = zero;
      let slopes = weights + SLOPES;
      for (let unit: usize = 0; unit < units; ++unit) {
        if (load<u8>(signs + unit) == 255) {
          slopes += 32;
          continue;
        }
        const open = openLanes(shutPixels(signs, unit), bits);
        a = plus(a, v128.and(open, splat(slopes, 0)));
        b = plus(b, v128.and(open, splat(slopes, 1)));
        c = plus(c, v128.and(open, splat(slopes, 2)));
        d = plus(d, v128.and(open, splat(slopes, 3)));
        e = plus(e, v128.and(open, splat(slopes, 4)));
        f = plus(f, v128.and(open, splat(slopes, 5)));
        g = plus(g, v128.and(open, splat(slopes, 6)));
        slopes += 32;
      }
      let out = target + (<usize>x << 2) + (half << 4);
      v128.store(out, times(a, a));
      out += targetPlane;
      v128.store(out, times(b, b));
      out += targetPlane;
      v128.store(out, times(c, c));
      out += targetPlane;
      v128.store(out, times(d, d));
      out += targetPlane;
      v128.store(out, times(e, e));
      out += targetPlane;
      v128.store(out, times(f, f));
      out += targetPlane;
      v128.store(out, times(g, g));
    }
    signs += SIGNS_BYTES;
  }
}
