/** Sums of `gather.ts` for four pixels. Scalar twins of `gather_kernels_simd.ts`. */

/** f32 [48][4]: the inputs of a layer at the four pixels. */
export const INPUTS: usize = memory.data(768, 16);

// @ts-ignore: decorator
@inline
function put(input: i32, lane: usize, value: f32): void {
  store<f32>(INPUTS + (<usize>input << 4) + (lane << 2), value);
}

/** Sets the inputs to what hidden units are worth. See `gatherMixing`. */
export function hiddenUnits(features: usize, weights: usize, scales: usize, units: i32): void {
  for (let lane: usize = 0; lane < 4; ++lane) {
    for (let unit = 0; unit < units; ++unit) {
      const row = weights + (<usize>unit << 4);
      let value = 0;
      for (let pair: usize = 0; pair < 4; ++pair) {
        const place = features + (pair << 4) + (lane << 2);
        value += <i32>load<i16>(place) * <i32>load<i16>(row + (pair << 2)) + <i32>load<i16>(place, 2) * <i32>load<i16>(row + (pair << 2), 2);
      }
      put(unit, lane, <f32>max(value >> 16, 0) * load<f32>(scales + (<usize>unit << 2)));
    }
  }
}

/** Sets the inputs to the rings around four samples, and 1. @param place  the first one's upper left neighbour; rows `line` bytes apart, by two */
export function rings(place: usize, line: usize, level: f32): void {
  for (let lane: usize = 0; lane < 4; ++lane) {
    for (let channel = 0; channel < 3; ++channel) {
      const above = place + <usize>(channel >> 1) * line + (<usize>(channel & 1) << 1) + (lane << 2);
      const here = above + 2 * line, below = here + 2 * line;
      const sides = <i32>load<i16>(above, 4) + <i32>load<i16>(here) + <i32>load<i16>(here, 8) + <i32>load<i16>(below, 4);
      const corners = <i32>load<i16>(above) + <i32>load<i16>(above, 8) + <i32>load<i16>(below) + <i32>load<i16>(below, 8);
      put(3 * channel, lane, <f32>load<i16>(here, 4) * level);
      put(3 * channel + 1, lane, <f32>sides * level);
      put(3 * channel + 2, lane, <f32>corners * level);
    }
    put(9, lane, 1);
  }
}

// @ts-ignore: decorator
@inline
function addTo(sum: usize, value: f32): void {
  store<f32>(sum, load<f32>(sum) + value);
}

/** Adds the inputs at four pixels, and what these lack, to the sums. */
export function addSamples(seen: usize, wanted: usize, inputs: i32, out: usize): void {
  for (let lane: usize = 0; lane < 4; ++lane) {
    const own = lane << 2;
    let sum = out + own;
    for (let input = 0; input < inputs; ++input) {
      const value = load<f32>(INPUTS + (<usize>input << 4) + own);
      for (let other = 0; other <= input; ++other) {
        addTo(sum, value * load<f32>(INPUTS + (<usize>other << 4) + own));
        sum += 16;
      }
    }
    let energy: f32 = 0;
    for (let channel: usize = 0; channel < 3; ++channel) {
      const lack = <f32>(<i32>load<u8>(wanted + own + channel) - <i32>load<u8>(seen + own + channel));
      for (let input = 0; input < inputs; ++input) {
        addTo(sum, load<f32>(INPUTS + (<usize>input << 4) + own) * lack);
        sum += 16;
      }
      energy += lack * lack;
    }
    addTo(sum, energy);
  }
}
