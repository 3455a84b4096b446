/** Means of squares of pixels. Scalar twin of `reduce_kernels_simd.ts`. */

/**
 * A row of means of squares of 2^level pixels, of fewer at the right and lower end; rounded half up.
 * @param pixels  RGBA8, rows `stride` bytes apart
 * @param rows  how many of them the squares have, at most 2^level
 * @param out  RGBA8
 */
export function meanOfRow(pixels: usize, stride: usize, width: i32, rows: i32, level: i32, out: usize): void {
  const side = 1 << level;
  for (let x = 0; x < width; x += side) {
    const columns = min(side, width - x);
    const count = rows * columns;
    for (let channel: usize = 0; channel < 4; ++channel) {
      let sum = 0;
      for (let row = 0; row < rows; ++row) {
        const start = pixels + <usize>row * stride + (<usize>x << 2) + channel;
        for (let column = 0; column < columns; ++column) sum += <i32>load<u8>(start + (<usize>column << 2));
      }
      store<u8>(out + channel, <u8>((2 * sum + count) / (2 * count)));
    }
    out += 4;
  }
}
