/**
 * What the trials of the refinement's kernels share: where inputs and results lie, and how results are compared.
 *
 * READ ME FIRST
 * - Inputs lie in one pool that is drawn anew every `REFILL` cases; a case takes its rows from anywhere in it.
 * - Both outputs start equal. A twin may fill the last vector of a row (`allowSlack`); whatever else differs is a difference, to the
 *   last bit and wherever it lies.
 * - Addresses have every alignment, odd ones too.
 */
import { allocate } from "../../memory";
import { anyFloat, below, between, next } from "../random";

const REFILL: i32 = 64;
/** Floats of the pool: ten planes of the largest case, and as much again to choose from. */
const POOL_FLOATS: i32 = 8192;
/** Pixels of the pool of RGBA8. */
const POOL_PIXELS: i32 = 1024;
/** Seven planes of the largest case, or sixteen rows of it. */
const OUTPUT_BYTES: usize = 8192;
const SCRATCH_BYTES: usize = 8192;
/** Bytes before the results that must stay as they are. */
const BEFORE: usize = 32;
const UNTOUCHED: u8 = 0x5a;

let pool: usize = 0;
let pixelPool: usize = 0;
let outputs: usize = 0;
let expected: usize = 0;
let scratchArea: usize = 0;
let source: usize = 0;

/** Where the SIMD kernel writes its results, and its scalar twin. */
export let target: usize = 0;
export let twin: usize = 0;
/** Inputs that a case makes for itself. */
export let scratch: usize = 0;

/** @returns false without memory */
export function openCases(): bool {
  pool = allocate(POOL_FLOATS * 4 + 64);
  pixelPool = allocate(POOL_PIXELS * 4 + 64);
  outputs = allocate(<u32>OUTPUT_BYTES + 128);
  expected = allocate(<u32>OUTPUT_BYTES + 128);
  scratchArea = allocate(<u32>SCRATCH_BYTES + 64);
  return pool != 0 && pixelPool != 0 && outputs != 0 && expected != 0 && scratchArea != 0;
}

/** Draws addresses, and new pools every `REFILL` cases. */
export function openCase(index: i32): void {
  if (index % REFILL == 0) {
    source = pool + <usize>below(16);
    drawFloats(source, POOL_FLOATS);
    for (let at: usize = 0; at < <usize>POOL_PIXELS << 2; at += 4) store<u32>(pixelPool + at, anyPixel());
  }
  target = outputs + BEFORE + <usize>below(16);
  twin = expected + BEFORE + <usize>below(16);
  scratch = scratchArea + <usize>below(16);
  memory.fill(outputs, UNTOUCHED, OUTPUT_BYTES + 128);
  memory.fill(expected, UNTOUCHED, OUTPUT_BYTES + 128);
}

/** Floats of every size, with stretches of zeros as in the fine grids. */
function drawFloats(address: usize, count: i32): void {
  let at = 0;
  while (at < count) {
    const end = min(at + between(4, 32), count);
    const empty = below(4) == 0;
    for (; at < end; ++at) store<f32>(address + (<usize>at << 2), empty ? 0 : anyFloat());
  }
}

function anyPixel(): u32 {
  const kind = below(8);
  return kind == 0 ? 0 : kind == 1 ? 0xffffffff : next();
}

/** A place in the pool from which `floats` can be read. */
export function drawSource(floats: i32): usize {
  return source + (<usize>below(<u32>(POOL_FLOATS - floats)) << 2);
}

/** A place in the pool from which `count` pixels can be read. */
export function drawPixels(count: i32): usize {
  return pixelPool + <usize>below(<u32>(POOL_PIXELS - count) << 2);
}

/** Bits of any kind, with stretches of zeros and of ones. */
export function drawSigns(address: usize, bytes: usize): void {
  for (let at: usize = 0; at < bytes; ++at) {
    const kind = below(4);
    store<u8>(address + at, kind == 0 ? 0 : kind == 1 ? 0xff : <u8>next());
  }
}

/** Writes a float to the results of both twins, for a kernel that changes what it finds. @param at  bytes behind their beginning */
// @ts-ignore: decorator
@inline
export function putBoth(at: usize, value: f32): void {
  store<f32>(target + at, value);
  store<f32>(twin + at, value);
}

/**
 * Lets the SIMD kernel write what it likes from the end of each row to the next multiple of `lanes`: the slack that its callers leave.
 * @param plane  bytes from one plane to the next
 * @param stride  floats from one row to the next
 */
export function allowSlack(planes: i32, plane: usize, rows: i32, stride: i32, width: i32, lanes: i32): void {
  const bytes = <usize>(((width + lanes - 1) & -lanes) - width) << 2;
  for (let index = 0; index < planes; ++index) {
    for (let y = 0; y < rows; ++y) {
      const at = <usize>index * plane + (<usize>(y * stride + width) << 2);
      memory.copy(twin + at, target + at, bytes);
    }
  }
}

/** @returns whether both areas of results are the same, with what lies before and behind the results, and no float in them is NaN */
export function sameResults(): bool {
  const left = target - BEFORE, right = twin - BEFORE;
  for (let at: usize = 0; at < OUTPUT_BYTES + BEFORE + 48; at += 16) {
    const a = v128.load(left + at), b = v128.load(right + at);
    if (v128.any_true(v128.or(v128.xor(a, b), f32x4.ne(a, a)))) return false;
  }
  return true;
}
