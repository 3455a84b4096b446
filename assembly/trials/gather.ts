/** The kernels of normal equations (`select/gather.ts`) against their scalar twins on random cases. */
import { allocate } from "../memory";
import * as scalar from "../select/gather_kernels";
import { INPUTS } from "../select/gather_kernels";
import * as simd from "../select/gather_kernels_simd";
import { anyFloat, below, between, next } from "./random";

const POOL_BYTES: i32 = 4096;
const INPUTS_BYTES: usize = 768;
/** Sums of 48 inputs. */
const SUMS_BYTES: usize = 16 * (48 * 49 / 2 + 3 * 48 + 1);

let pool: usize = 0;
let sums: usize = 0;
let twins: usize = 0;

/** @returns false without memory */
export function openGather(): bool {
  pool = allocate(POOL_BYTES);
  sums = allocate(<i32>SUMS_BYTES);
  twins = allocate(<i32>SUMS_BYTES);
  return pool != 0 && sums != 0 && twins != 0;
}

/** @param kind  0 hiddenUnits, 1 rings, 2 addSamples */
export function tryGather(kind: i32, count: i32): i32 {
  let differences = 0;
  for (let index = 0; index < count; ++index) {
    for (let at = 0; at < POOL_BYTES; at += 4) store<u32>(pool + <usize>at, next());
    const inputs = between(1, 48);
    if (kind == 2) {
      drawInputs(inputs);
      for (let at: usize = 0; at < SUMS_BYTES; at += 4) store<f32>(sums + at, <f32>below(1000));
      memory.copy(twins, sums, SUMS_BYTES);
      const seen = pool + <usize>below(1024), wanted = pool + 1024 + <usize>below(1024);
      scalar.addSamples(seen, wanted, inputs, twins);
      simd.addSamples(seen, wanted, inputs, sums);
    } else {
      memory.fill(INPUTS, 0x5a, INPUTS_BYTES);
      const place = pool + <usize>below(1024), line = <usize>between(6, 130) << 2, weights = pool + 2048 + <usize>below(256);
      for (let at: usize = 0; at < INPUTS_BYTES >> 2; at += 4) store<f32>(pool + 3072 + at, anyFloat());
      run(kind, false, place, line, weights, inputs);
      memory.copy(twins, INPUTS, INPUTS_BYTES);
      memory.fill(INPUTS, 0x5a, INPUTS_BYTES);
      run(kind, true, place, line, weights, inputs);
      memory.copy(sums, INPUTS, INPUTS_BYTES);
    }
    if (memory.compare(sums, twins, kind == 2 ? SUMS_BYTES : INPUTS_BYTES) != 0) ++differences;
  }
  return differences;
}

function run(kind: i32, withVectors: bool, place: usize, line: usize, weights: usize, inputs: i32): void {
  const scales = pool + 3072;
  if (kind == 0) {
    if (withVectors) simd.hiddenUnits(place, weights, scales, inputs);
    else scalar.hiddenUnits(place, weights, scales, inputs);
  } else {
    const level = load<f32>(scales);
    if (withVectors) simd.rings(place, line, level);
    else scalar.rings(place, line, level);
  }
}

/** Inputs of a layer as they are: many are 0 at all four pixels. */
function drawInputs(count: i32): void {
  for (let input: usize = 0; input < <usize>count; ++input) {
    const shut = below(3) == 0;
    for (let lane: usize = 0; lane < 4; ++lane) store<f32>(INPUTS + (input << 4) + (lane << 2), shut ? <f32>0 : <f32>below(4000) / 16);
  }
}
