/**
 * Random tiles of alpha through both of their coders, and back. For tests: not part of build/codec.wasm.
 */
import { decodeLevels, encodeLevels } from "../alpha/levels";
import { decodeMask, encodeMask } from "../alpha/mask";
import { allocate } from "../memory";
import { below, between } from "./random";

/** Side of the largest tile. */
const SIDE: i32 = 512;
const SAMPLES: i32 = SIDE * SIDE;
const STREAM_BYTES: u32 = 64 + 24 * SAMPLES;
/** Tiles of fewer samples are written into buffers of exactly their length, too, and into shorter ones. */
const SMALL: i32 = 2048;
/** Stands behind what is written. */
const GUARD: u8 = 0x5a;

let drawn: usize = 0;
let decoded: usize = 0;
let stream: usize = 0;

/** @returns false without memory */
export function openAlpha(): bool {
  drawn = allocate(SAMPLES);
  decoded = allocate(SAMPLES + 1);
  stream = allocate(STREAM_BYTES);
  return stream != 0;
}

/** A side of a tile: mostly short, sometimes that of a whole tile or one less. */
function drawSide(): i32 {
  const kind = below(16);
  if (kind == 0) return SIDE - below(2);
  if (kind < 3) return between(1, SIDE);
  return kind < 10 ? between(1, 4) : between(1, 70);
}

/** Noise, near one level, a slope that wraps around, the extremes, or copies of the sample before or above. */
function drawSamples(width: i32, height: i32, levels: i32): void {
  const kind = below(5);
  const base = below(<u32>levels);
  const stepX = below(7);
  const stepY = below(7);
  const changes = <u32>1 << below(9);
  for (let y = 0; y < height; ++y) {
    for (let x = 0; x < width; ++x) {
      const here = drawn + <usize>(y * width + x);
      let level = base;
      if (kind == 0) level = below(<u32>levels);
      else if (kind == 1) level = base + levels + below(3) - 1;
      else if (kind == 2) level = base + x * stepX + y * stepY;
      else if (kind == 3) level = below(2) * (levels - 1);
      else if (below(changes) == 0) level = below(<u32>levels);
      else if (x > 0) level = <i32>load<u8>(here - 1);
      else if (y > 0) level = <i32>load<u8>(here - width);
      store<u8>(here, <u8>(level % levels));
    }
  }
}

function encode(levels: i32, width: i32, height: i32, capacity: u32): i32 {
  return levels == 2 ? encodeMask(drawn, width, height, stream, capacity) : encodeLevels(drawn, width, height, stream, capacity);
}

/** @returns whether the first `bytes` of the stream decode to what was drawn, and to no sample more */
function comesBack(levels: i32, bytes: i32, width: i32, height: i32): bool {
  const samples = <usize>(width * height);
  memory.fill(decoded, GUARD, samples + 1);
  const status =
    levels == 2
      ? decodeMask(stream, <u32>bytes, width, height, decoded)
      : decodeLevels(stream, <u32>bytes, width, height, decoded);
  return status == 0 && memory.compare(decoded, drawn, samples) == 0 && load<u8>(decoded + samples) == GUARD;
}

/**
 * Random tiles until there are `count` samples.
 * @param levels  2 for the coder of masks, 256 for that of any levels
 * @returns tiles that did not come back
 */
export function tryAlpha(levels: i32, count: i32): i32 {
  let mismatches = 0;
  for (let done = 0; done < count; ) {
    const width = drawSide();
    const height = drawSide();
    const samples = width * height;
    drawSamples(width, height, levels);
    const bytes = encode(levels, width, height, STREAM_BYTES);
    if (bytes < 0 || !comesBack(levels, bytes, width, height)) ++mismatches;
    else if (samples < SMALL) {
      if (encode(levels, width, height, <u32>(bytes - 1 - below(<u32>bytes))) != -1) ++mismatches;
      if (encode(levels, width, height, <u32>bytes) != bytes || !comesBack(levels, bytes, width, height)) ++mismatches;
    }
    done += samples;
  }
  return mismatches;
}
