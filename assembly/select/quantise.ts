/**
 * Quantisation: analysed values to latents. Encoder only, so floating point is free here (DESIGN.md §3).
 */
import { gridHeight, gridWidth, planePointer } from "../memory";

const LIMIT: f32 = 32767;

/**
 * Rounds `source · gain`, halves away from zero, into a rectangle of a plane; parts outside the plane are left out.
 * @param source  f32, rows `sourceStride` floats apart
 * @param x, y, width, height  the rectangle, in samples of the grid
 */
export function quantise(set: i32, grid: i32, source: usize, sourceStride: i32, x: i32, y: i32, width: i32, height: i32, gain: f32): void {
  const plane = planePointer(set, grid);
  if (plane == 0 || x < 0 || y < 0) return;
  const columns = min(width, gridWidth(grid) - x);
  const rows = min(height, gridHeight(grid) - y);
  for (let row = 0; row < rows; ++row) {
    const from = source + (<usize>(row * sourceStride) << 2);
    const to = plane + ((<usize>(y + row) * gridWidth(grid) + <usize>x) << 1);
    for (let column = 0; column < columns; ++column) {
      const scaled = load<f32>(from + (<usize>column << 2)) * gain;
      const rounded = copysign<f32>(floor<f32>(abs<f32>(scaled) + 0.5), scaled);
      // Not a number (a broken analysis) becomes 0.
      const latent = rounded == rounded ? <i32>min<f32>(max<f32>(rounded, -LIMIT), LIMIT) : 0;
      store<i16>(to + (<usize>column << 1), <i16>latent);
    }
  }
}
