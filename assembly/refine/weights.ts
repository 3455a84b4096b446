/**
 * Weights of one codec as the gradients need them, beside those that `codec.ts` prepares.
 *
 * READ ME FIRST
 * - The integers of the context model stand for reals (FORMAT.md §4): weights for integer · 2^−k, biases for integer · 2^−(k+8).
 * - Dense layers are stored as [outputs / 4][input][output mod 4], the way the kernels read them.
 *
 * ```
 * ┌ codec ┐┌ forward 1, 2 ┐┌ backward 2, 1 ┐┌ biases 1, 2 ┐┌ last weights, biases ┐┌ features ┐┌ mirrored w3, w4 ┐┌ zeros ┐┌ slopes ┐
 * ```
 */
import { HIDDEN, SYNTHESIS_W1, SYNTHESIS_W2, SYNTHESIS_W3, SYNTHESIS_W4, biasesOf, createCodec, fractionBits, weightsOf } from "../codec";
import { fillFloatModel } from "../float_model";
import { allocate } from "../memory";

const DENSE_BYTES: usize = 16 * 16 * 4;
export const FORWARD1: usize = 16;
export const FORWARD2: usize = FORWARD1 + DENSE_BYTES;
/** From gradients of the second hidden layer's sums to those of its inputs. */
export const BACKWARD2: usize = FORWARD2 + DENSE_BYTES;
/** From gradients of the first hidden layer's sums to those of the taps. */
export const BACKWARD1: usize = BACKWARD2 + DENSE_BYTES;
export const BIASES1: usize = BACKWARD1 + DENSE_BYTES;
export const BIASES2: usize = BIASES1 + 64;
/** [2][16]: weights of the mean, then of the log-scale. */
export const LAST: usize = BIASES2 + 64;
export const LAST_BIASES: usize = LAST + 128;
/** w1 as [features / 4][unit][feature mod 4], the eighth feature 0. */
export const FEATURE_WEIGHTS: usize = LAST_BIASES + 16;
const FEATURE_BYTES: usize = 2 * 48 * 4 * 4;
/** The 3×3 layers turned around: [output, dy, dx][input], dy and dx counted from the end. */
export const MIRRORED_W3: usize = FEATURE_WEIGHTS + FEATURE_BYTES;
const MIRRORED_BYTES: usize = 336;
export const MIRRORED_W4: usize = MIRRORED_W3 + MIRRORED_BYTES;
/** Biases of layers that have none. */
export const ZEROS: usize = MIRRORED_W4 + MIRRORED_BYTES;
/** What a feature adds through an open unit to the mixture of colours that follows it most, as [unit][8]. */
export const SLOPES: usize = ZEROS + 64;
const BYTES: usize = SLOPES + 48 * 32;

/** Handle of the codec that the weights belong to. */
// @ts-ignore: decorator
@inline
export function codecOf(weights: usize): usize {
  return <usize>load<u32>(weights);
}

/**
 * Prepares the weights of a codec from the bytes of one decoder, which the caller has checked.
 * @returns a handle, or 0 when there is no memory
 */
export function createWeights(block: usize): usize {
  const weights = allocate(<u32>BYTES);
  if (weights == 0) return 0;
  memory.fill(weights, 0, BYTES);
  const codec = createCodec(block);
  if (codec == 0) return 0;
  fillFloatModel(codec);
  store<u32>(weights, <u32>codec);
  denseLayer(codec, 0, weights + FORWARD1, weights + BACKWARD1, weights + BIASES1);
  denseLayer(codec, 1, weights + FORWARD2, weights + BACKWARD2, weights + BIASES2);
  const bits = fractionBits(codec, 2);
  for (let output = 0; output < 2; ++output) {
    for (let input = 0; input < 16; ++input) put(weights + LAST, 16 * output + input, weightAt(codec, 2, output, input));
    put(weights + LAST_BIASES, output, biasAt(codec, 2, output, bits));
  }
  for (let unit = 0; unit < HIDDEN; ++unit) {
    for (let feature = 0; feature < 7; ++feature) {
      put(weights + FEATURE_WEIGHTS, ((feature >> 2) * HIDDEN + unit) * 4 + (feature & 3), firstWeight(codec, unit, feature));
    }
  }
  for (let feature = 0; feature < 7; ++feature) mixSlopes(codec, feature, weights + SLOPES);
  mirror(codec + SYNTHESIS_W3, weights + MIRRORED_W3);
  mirror(codec + SYNTHESIS_W4, weights + MIRRORED_W4);
  return weights;
}

// @ts-ignore: decorator
@inline
function put(address: usize, index: i32, value: f32): void {
  store<f32>(address + (<usize>index << 2), value);
}

/** The mixture is that of the colours' slopes when all units are open, with its squared weights adding up to 1. */
function mixSlopes(codec: usize, feature: i32, slopes: usize): void {
  let red: f32 = 0, green: f32 = 0, blue: f32 = 0;
  for (let unit = 0; unit < HIDDEN; ++unit) {
    const weight = firstWeight(codec, unit, feature);
    red += weight * mixWeight(codec, 0, unit);
    green += weight * mixWeight(codec, 1, unit);
    blue += weight * mixWeight(codec, 2, unit);
  }
  const size = sqrt<f32>(red * red + green * green + blue * blue);
  if (size == 0) return;
  for (let unit = 0; unit < HIDDEN; ++unit) {
    const mixture = red * mixWeight(codec, 0, unit) + green * mixWeight(codec, 1, unit) + blue * mixWeight(codec, 2, unit);
    put(slopes, unit * 8 + feature, (firstWeight(codec, unit, feature) * mixture) / size);
  }
}

// @ts-ignore: decorator
@inline
function firstWeight(codec: usize, unit: i32, feature: i32): f32 {
  return load<f32>(codec + SYNTHESIS_W1 + (<usize>(unit * 7 + feature) << 2));
}

// @ts-ignore: decorator
@inline
function mixWeight(codec: usize, colour: i32, unit: i32): f32 {
  return load<f32>(codec + SYNTHESIS_W2 + (<usize>(colour * HIDDEN + unit) << 2));
}

function weightAt(codec: usize, layer: i32, output: i32, input: i32): f32 {
  const integer = load<i16>(weightsOf(codec, layer) + (<usize>(16 * output + input) << 1));
  return <f32>integer / <f32>(1 << fractionBits(codec, layer));
}

function biasAt(codec: usize, layer: i32, output: i32, bits: i32): f32 {
  return <f32>(<f64>load<i32>(biasesOf(codec, layer) + (<usize>output << 2)) / <f64>(1 << (bits + 8)));
}

function denseLayer(codec: usize, layer: i32, forward: usize, backward: usize, biases: usize): void {
  const bits = fractionBits(codec, layer);
  for (let output = 0; output < 16; ++output) {
    for (let input = 0; input < 16; ++input) {
      const weight = weightAt(codec, layer, output, input);
      put(forward, ((output >> 2) * 16 + input) * 4 + (output & 3), weight);
      put(backward, ((input >> 2) * 16 + output) * 4 + (input & 3), weight);
    }
    put(biases, output, biasAt(codec, layer, output, bits));
  }
}

function mirror(source: usize, target: usize): void {
  for (let output = 0; output < 3; ++output) {
    for (let input = 0; input < 3; ++input) {
      for (let tap = 0; tap < 9; ++tap) {
        put(target, (output * 9 + 8 - tap) * 3 + input, load<f32>(source + (<usize>((output * 3 + input) * 9 + tap) << 2)));
      }
    }
  }
}
