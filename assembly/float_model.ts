/**
 * The synthesis of FORMAT.md §6 as floats, without its roundings and clamps: for gradients, which need no exact pixels.
 *
 * READ ME FIRST
 * - Features are as the upsampling leaves them. Hidden units stay in the units of the integers, colours and the third layer are in 32768 of
 *   these, the last layer gives levels / 255. The 3×3 layers add their inputs to their results: both must be of one size, or that costs
 *   the last bits.
 * - The integers' biases hold the halves that round; here they are taken out.
 */
import {
  FEATURE_LIMITS, HIDDEN, POINTWISE, POINTWISE_END, RESIDUAL_LAST, RESIDUAL_TAPS, RESIDUAL_THIRD, SYNTHESIS_B1, SYNTHESIS_B2, SYNTHESIS_B3,
  SYNTHESIS_B4, SYNTHESIS_LAST, SYNTHESIS_THIRD, SYNTHESIS_TRANSPOSED, SYNTHESIS_W1, SYNTHESIS_W2, SYNTHESIS_W3, SYNTHESIS_W4, UNIT_PAIR_BYTES,
} from "./codec";

/** Integers in a unit of colours. */
const UNIT: f64 = 32768;

/** Fills the floats of a codec from its integers. */
export function fillFloatModel(codec: usize): void {
  hiddenUnits(codec);
  mixing(codec);
  residual(codec + RESIDUAL_THIRD, codec + SYNTHESIS_W3, codec + SYNTHESIS_B3, 1.0 / UNIT);
  residual(codec + RESIDUAL_LAST, codec + SYNTHESIS_W4, codec + SYNTHESIS_B4, 1.0 / 255);
  transpose(codec + SYNTHESIS_W3, codec + SYNTHESIS_THIRD);
  transpose(codec + SYNTHESIS_W4, codec + SYNTHESIS_LAST);
}

// @ts-ignore: decorator
@inline
function put(address: usize, index: i32, value: f32): void {
  store<f32>(address + (<usize>index << 2), value);
}

function hiddenUnits(codec: usize): void {
  for (let unit = 0; unit < HIDDEN; ++unit) {
    const integers = codec + POINTWISE + <usize>(unit >> 1) * UNIT_PAIR_BYTES + (<usize>(unit & 1) << 4);
    // 2^14 times the bias, of which 2^15 is the half that rounds; then the upper 16 bits.
    put(codec + SYNTHESIS_B1, unit, <f32>(load<i16>(integers) - 2) / 4);
    for (let feature = 0; feature < 7; ++feature) {
      const limit = load<f32>(codec + FEATURE_LIMITS + (<usize>feature << 2));
      const weight = <f32>load<i16>(integers + (<usize>feature << 1), 2) * (32767 / limit) / 65536;
      put(codec + SYNTHESIS_W1, unit * 7 + feature, weight);
      put(codec + SYNTHESIS_TRANSPOSED, (unit >> 2) * 28 + feature * 4 + (unit & 3), weight);
    }
  }
}

function mixing(codec: usize): void {
  const end = codec + POINTWISE_END;
  const scale = <f64>(1 << load<i32>(end, 12)) * UNIT;
  for (let output = 0; output < 3; ++output) {
    put(codec + SYNTHESIS_B2, output, <f32>(<f64>load<i32>(end + (<usize>output << 2)) / scale - 0.5 / UNIT));
    for (let unit = 0; unit < HIDDEN; ++unit) {
      const pair = codec + POINTWISE + <usize>(unit >> 1) * UNIT_PAIR_BYTES + 32 + (<usize>output << 2);
      put(codec + SYNTHESIS_W2, output * HIDDEN + unit, <f32>(<f64>load<i16>(pair + (<usize>(unit & 1) << 1)) / scale));
    }
  }
}

/** A 3×3 layer from its pairs; `factor` is what its results count, in integers. */
function residual(layer: usize, target: usize, biases: usize, factor: f64): void {
  const scale = factor / <f64>(1 << load<i32>(layer, 12));
  const weightScale = scale * UNIT;
  for (let output = 0; output < 3; ++output) {
    put(biases, output, <f32>(<f64>load<i32>(layer + (<usize>output << 2)) * scale - 0.5 * factor));
    for (let tap = 0; tap < 9; ++tap) {
      // The lines of red and green are 0, 2 and 4; of blue, line 1 has row 0, line 3 rows 1 and 2.
      const row = tap / 3, dx = tap % 3;
      const colours = pairAt(layer, 2 * row, dx, output);
      const blue = row == 0 ? pairAt(layer, 1, dx, output) : pairAt(layer, 3, dx, output) + (<usize>(row - 1) << 1);
      putResidual(target, output, 0, tap, <f64>load<i16>(colours) * weightScale);
      putResidual(target, output, 1, tap, <f64>load<i16>(colours, 2) * weightScale);
      putResidual(target, output, 2, tap, <f64>load<i16>(blue) * weightScale);
    }
  }
}

// @ts-ignore: decorator
@inline
function pairAt(layer: usize, line: i32, dx: i32, output: i32): usize {
  return layer + RESIDUAL_TAPS + (<usize>((line * 3 + dx) * 3 + output) << 2);
}

/** Without what the layer adds to its result. */
function putResidual(target: usize, output: i32, input: i32, tap: i32, weight: f64): void {
  const own: f64 = output == input && tap == 4 ? 1 : 0;
  put(target, output * 27 + input * 9 + tap, <f32>(weight - own));
}

function transpose(source: usize, target: usize): void {
  for (let output = 0; output < 3; ++output) {
    for (let tap = 0; tap < 27; ++tap) put(target, tap * 3 + output, load<f32>(source + (<usize>(output * 27 + tap) << 2)));
  }
}
