/**
 * PSNR and MS-SSIM between two pictures of equal size, on 8-bit sRGB levels.
 *
 * MS-SSIM after Wang, Simoncelli and Bovik 2003, with the choices of the usual learned-codec tools: Gaussian window of 11 samples,
 * σ 1.5, no padding; 5 scales, each half the one before by means of 2×2 samples; computed on red, green and blue apart, then averaged.
 * A picture whose shorter side is below 176 has fewer scales (the window must fit), with the weights rescaled to sum 1, and below
 * 11 samples the window shrinks to the picture. Such values are good for comparing with each other only.
 */

import { TesseraError } from './errors.js';
import type { PixelSource } from './types.js';

const scaleWeights = [0.0448, 0.2856, 0.3001, 0.2363, 0.1333] as const;
const windowLength = 11;
const sigma = 1.5;
const c1 = (0.01 * 255) ** 2;
const c2 = (0.03 * 255) ** 2;

/** Sum of squared level differences over red, green and blue. */
export function squaredError(a: PixelSource, b: PixelSource): number {
  checkSameSize(a, b);
  let sum = 0;
  for (let i = 0; i < a.data.length; i += 4) {
    for (let c = 0; c < 3; c++) sum += (a.data[i + c] - b.data[i + c]) ** 2;
  }
  return sum;
}

/** Peak signal-to-noise ratio in dB over red, green and blue together; Infinity for equal pictures. */
export function psnr(a: PixelSource, b: PixelSource): number {
  return 10 * Math.log10(255 ** 2 / (squaredError(a, b) / (3 * a.width * a.height)));
}

/** Multi-scale structural similarity, at most 1. */
export function msSsim(a: PixelSource, b: PixelSource): number {
  checkSameSize(a, b);
  const shorter = Math.min(a.width, a.height);
  let scales = 1;
  while (scales < scaleWeights.length && Math.floor(shorter / 2 ** scales) >= windowLength) scales++;
  const used = scaleWeights.slice(0, scales);
  const weightSum = used.reduce((sum, weight) => sum + weight, 0);

  let mean = 0;
  for (let c = 0; c < 3; c++) {
    let planeA = channel(a, c);
    let planeB = channel(b, c);
    let product = 1;
    used.forEach((weight, scale) => {
      if (scale > 0) {
        planeA = halve(planeA);
        planeB = halve(planeB);
      }
      const { structure, similarity } = ssim(planeA, planeB);
      const term = scale === scales - 1 ? similarity : structure;
      product *= Math.max(term, 0) ** (weight / weightSum);
    });
    mean += product / 3;
  }
  return mean;
}

interface Plane {
  readonly width: number;
  readonly height: number;
  readonly samples: Float64Array;
}

function checkSameSize(a: PixelSource, b: PixelSource): void {
  if (a.width !== b.width || a.height !== b.height) {
    throw new TesseraError('invalidArgument', `the pictures have different sizes: ${a.width}×${a.height} and ${b.width}×${b.height}`);
  }
}

function channel({ data, width, height }: PixelSource, c: number): Plane {
  const samples = new Float64Array(width * height);
  for (let i = 0; i < samples.length; i++) samples[i] = data[4 * i + c];
  return { width, height, samples };
}

/** Means of 2×2 samples; an odd last row or column is dropped. */
function halve({ width, height, samples }: Plane): Plane {
  const half = { width: width >> 1, height: height >> 1, samples: new Float64Array((width >> 1) * (height >> 1)) };
  for (let y = 0; y < half.height; y++) {
    for (let x = 0; x < half.width; x++) {
      const i = 2 * y * width + 2 * x;
      half.samples[y * half.width + x] = (samples[i] + samples[i + 1] + samples[i + width] + samples[i + width + 1]) / 4;
    }
  }
  return half;
}

/** Mean contrast-structure term and mean SSIM of one scale. */
function ssim(a: Plane, b: Plane): { structure: number; similarity: number } {
  const meanA = blur(a);
  const meanB = blur(b);
  const squareA = blur(multiply(a, a)).samples;
  const squareB = blur(multiply(b, b)).samples;
  const cross = blur(multiply(a, b)).samples;
  const count = meanA.samples.length;
  let structureSum = 0;
  let similaritySum = 0;
  for (let i = 0; i < count; i++) {
    const mA = meanA.samples[i];
    const mB = meanB.samples[i];
    const structure = (2 * (cross[i] - mA * mB) + c2) / (squareA[i] - mA * mA + (squareB[i] - mB * mB) + c2);
    structureSum += structure;
    similaritySum += (structure * (2 * mA * mB + c1)) / (mA * mA + mB * mB + c1);
  }
  return { structure: structureSum / count, similarity: similaritySum / count };
}

function multiply(a: Plane, b: Plane): Plane {
  return { ...a, samples: a.samples.map((value, i) => value * b.samples[i]) };
}

/** Gaussian window without padding: the result is smaller by the window's length less one. */
function blur(plane: Plane): Plane {
  return transpose(blurRows(transpose(blurRows(plane))));
}

function blurRows({ width, height, samples }: Plane): Plane {
  const kernel = gaussian(Math.min(windowLength, width));
  const outWidth = width - kernel.length + 1;
  const out = new Float64Array(outWidth * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < outWidth; x++) {
      let sum = 0;
      for (let k = 0; k < kernel.length; k++) sum += kernel[k] * samples[y * width + x + k];
      out[y * outWidth + x] = sum;
    }
  }
  return { width: outWidth, height, samples: out };
}

function transpose({ width, height, samples }: Plane): Plane {
  const out = new Float64Array(samples.length);
  for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) out[x * height + y] = samples[y * width + x];
  return { width: height, height: width, samples: out };
}

function gaussian(length: number): number[] {
  const weights = Array.from({ length }, (_, i) => Math.exp(-((i - (length - 1) / 2) ** 2) / (2 * sigma ** 2)));
  const sum = weights.reduce((total, weight) => total + weight, 0);
  return weights.map((weight) => weight / sum);
}
