import { describe, expect, test } from 'vitest';
import { msSsim, psnr, squaredError } from '../src/metrics.js';
import type { PixelSource } from '../src/types.js';
import { synthetic } from './helpers.js';

/** The same picture with every level changed by `change`, a function of the byte's position. */
function changed(image: PixelSource, change: (position: number) => number): PixelSource {
  const data = Uint8ClampedArray.from(image.data, (level, position) => (position % 4 === 3 ? level : level + change(position)));
  return { ...image, data };
}

function grey(width: number, height: number, level: number): PixelSource {
  const data = new Uint8ClampedArray(width * height * 4).fill(level);
  for (let i = 3; i < data.length; i += 4) data[i] = 255;
  return { data, width, height };
}

describe('PSNR', () => {
  test('of a constant difference', () => {
    expect(squaredError(grey(10, 10, 100), grey(10, 10, 104))).toBe(16 * 300);
    expect(psnr(grey(10, 10, 100), grey(10, 10, 104))).toBeCloseTo(10 * Math.log10(255 ** 2 / 16), 10);
    expect(psnr(grey(10, 10, 1), grey(10, 10, 1))).toBe(Number.POSITIVE_INFINITY);
  });

  test('of pictures of different sizes is refused', () => {
    expect(() => psnr(grey(10, 10, 0), grey(10, 11, 0))).toThrow(expect.objectContaining({ code: 'invalidArgument' }));
  });
});

describe('MS-SSIM', () => {
  test('is 1 for equal pictures of any size', () => {
    for (const size of [1, 5, 11, 40, 176, 200]) expect(msSsim(synthetic(size, size + 3), synthetic(size, size + 3))).toBeCloseTo(1, 12);
  });

  test('of flat pictures is the luminance term alone, with the weight of the last scale', () => {
    const c1 = (0.01 * 255) ** 2;
    const luminance = (2 * 100 * 120 + c1) / (100 ** 2 + 120 ** 2 + c1);
    expect(msSsim(grey(176, 176, 100), grey(176, 176, 120))).toBeCloseTo(luminance ** (0.1333 / 1.0001), 10);
    // 175 has four scales: the fifth would be 10 samples wide.
    expect(msSsim(grey(175, 175, 100), grey(175, 175, 120))).toBeCloseTo(luminance ** (0.2363 / (0.0448 + 0.2856 + 0.3001 + 0.2363)), 10);
  });

  test('agrees with an independent computation in NumPy', () => {
    const image = synthetic(200, 180);
    const other = changed(image, (position) => ((position * 7919) % 23) - 11);
    expect(msSsim(image, other)).toBeCloseTo(expectedMsSsim, 6);
  });

  test('falls as the error grows', () => {
    const image = synthetic(200, 180);
    const values = [2, 8, 32].map((amount) =>
      msSsim(
        image,
        changed(image, (position) => ((position * 7919) % (2 * amount + 1)) - amount),
      ),
    );
    expect(values[0]).toBeGreaterThan(values[1]);
    expect(values[1]).toBeGreaterThan(values[2]);
  });
});

/** From scipy.signal.convolve2d with an outer-product window, mode 'valid', and 2×2 block means; see the test above for the pictures. */
const expectedMsSsim = 0.9874150685344278;
