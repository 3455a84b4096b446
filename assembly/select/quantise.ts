/**
 * Quantisation: analysed values to latents. Encoder only, so floating point is free here (DESIGN.md §3).
 */
import { FINE_GRIDS, gridHeight, gridWidth, packedSets, planePointer } from "../memory";
import { BLOCK_SIDE, blockScratch, clearBlockScratch, packBlock } from "../packed";
import { Status } from "../status";

const LIMIT: f32 = 32767;

/**
 * Rounds `source · gain`, halves away from zero, into a rectangle of a grid; parts outside the grid are left out.
 * @param source  f32, rows `sourceStride` floats apart
 * @param x, y, width, height  the rectangle, in samples of the grid; x and y are multiples of `BLOCK_SIDE` where the grid is packed,
 *   and nothing has been read of the grid yet
 * @returns ok, invalidArgument or limitMemory
 */
export function quantise(set: i32, grid: i32, source: usize, sourceStride: i32, x: i32, y: i32, width: i32, height: i32, gain: f32): i32 {
  const plane = planePointer(set, grid);
  if (plane == 0 || x < 0 || y < 0) return Status.invalidArgument;
  const columns = min(width, gridWidth(grid) - x);
  const rows = min(height, gridHeight(grid) - y);
  if (!packedSets || grid >= FINE_GRIDS) {
    const stride = <usize>gridWidth(grid) << 1;
    quantiseRows(source, sourceStride, plane + <usize>y * stride + (<usize>x << 1), stride, columns, rows, gain);
    return Status.ok;
  }
  if (((x | y) & (BLOCK_SIDE - 1)) != 0) return Status.invalidArgument;
  for (let top = 0; top < rows; top += BLOCK_SIDE) {
    for (let left = 0; left < columns; left += BLOCK_SIDE) {
      const from = source + (<usize>(top * sourceStride + left) << 2);
      clearBlockScratch();
      quantiseRows(from, sourceStride, blockScratch(), BLOCK_SIDE << 1, min(BLOCK_SIDE, columns - left), min(BLOCK_SIDE, rows - top), gain);
      if (!packBlock(set, grid, x + left, y + top)) return Status.limitMemory;
    }
  }
  return Status.ok;
}

/** @param stride  bytes from one row of `target` to the next */
function quantiseRows(source: usize, sourceStride: i32, target: usize, stride: usize, columns: i32, rows: i32, gain: f32): void {
  for (let row = 0; row < rows; ++row) {
    for (let column = 0; column < columns; ++column) {
      const scaled = load<f32>(source + (<usize>column << 2)) * gain;
      const rounded = copysign<f32>(floor<f32>(abs<f32>(scaled) + 0.5), scaled);
      // Not a number (a broken analysis) becomes 0.
      const latent = rounded == rounded ? <i32>min<f32>(max<f32>(rounded, -LIMIT), LIMIT) : 0;
      store<i16>(target + (<usize>column << 1), <i16>latent);
    }
    source += <usize>sourceStride << 2;
    target += stride;
  }
}
