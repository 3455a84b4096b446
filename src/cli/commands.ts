/** The commands of the command line. Each returns when its output is complete. */

import { engineOfPackage } from '../codec.js';
import { decodeFile, decodePartially } from '../decode.js';
import { defaultOptions, encodeDetailed } from '../encode.js';
import { estimateSegments } from '../estimate.js';
import { resolveLimits } from '../limits.js';
import { msSsim, psnr } from '../metrics.js';
import { flatten, isOpaque } from '../pixels.js';
import type { CommonOptions, ModeCount, PartialPicture, Picture } from '../types.js';
import { type CommandLine, exactFiles, numberFlag, textFlag } from './arguments.js';
import { exitCodes, printable, UsageError } from './exit.js';
import { checkOutput, readInput, writeOutput } from './files.js';
import { readAny, readPicture, writePng } from './pictures.js';
import { progressLine } from './progress.js';

/** Prints the result: one JSON object, or a line for people. Nothing when standard output carries the file. */
export function printResult(line: CommandLine, output: string | undefined, result: object, text: string): void {
  if (line.flags.json) process.stdout.write(`${JSON.stringify(result)}\n`);
  else if (output !== '-' && !line.flags.quiet) process.stdout.write(`${text}\n`);
}

/** Says something on standard error. */
export function warn(line: CommandLine, name: string, warnings: readonly string[]): void {
  if (line.flags.quiet) return;
  for (const warning of warnings) process.stderr.write(`${printable(`tessera: ${name}: warning: ${warning}`)}\n`);
}

/** Options that every command passes on. */
export function commonOptions(
  line: CommandLine,
  signal: AbortSignal,
): CommonOptions & { readonly limits: { readonly maxPixels?: number } } {
  const maxPixels = numberFlag(
    line,
    'limit-pixels',
    (value): value is number => Number.isInteger(value) && value >= 0,
    'a whole number of at least 0',
  );
  const models = textFlag(line, 'model');
  return { signal, limits: maxPixels === undefined ? {} : { maxPixels }, ...(models === undefined ? {} : { models }) };
}

/** Whether a number is a possible number of modes. */
export const isModeCount = (value: number): value is ModeCount => value === 1 || value === 2 || value === 4 || value === 8;

function outputOf(line: CommandLine): string {
  const output = textFlag(line, 'output');
  if (output === undefined || output === '') throw new UsageError('-o OUT is missing');
  checkOutput(output, line.flags.json === true);
  return output;
}

/** `tessera encode` */
export async function encodeCommand(line: CommandLine, signal: AbortSignal): Promise<void> {
  const [input] = exactFiles(line, 'encode', ['one picture']);
  const output = outputOf(line);
  const quality =
    numberFlag(line, 'quality', (value): value is number => value >= 0 && value <= 100, 'a number from 0 to 100') ?? defaultOptions.quality;
  const modes = numberFlag(line, 'modes', isModeCount, '1, 2, 4 or 8');
  const effort = numberFlag(
    line,
    'effort',
    (value): value is number => Number.isInteger(value) && value >= 1 && value <= 9,
    'a whole number from 1 to 9',
  );
  const options = commonOptions(line, signal);

  const { image, warnings } = await readPicture(await readInput(input), input, resolveLimits(options.limits));
  warn(line, input, warnings);
  const progress = progressLine(line.flags.quiet === true);
  const settings = {
    ...options,
    quality,
    ...(modes === undefined ? {} : { modes }),
    ...(effort === undefined ? {} : { effort }),
    ...(progress.onProgress === undefined ? {} : { onProgress: progress.onProgress }),
  };
  const result = await encodeDetailed(engineOfPackage(), image, settings, { cost: false, estimate: estimateSegments }).finally(
    progress.clear,
  );
  await writeOutput(output, result.bytes);

  const { width, height } = image;
  const { bytes, estimatedBytes, lambda, modeShares } = result;
  const ms = Math.round(result.ms);
  const bpp = (8 * bytes.length) / (width * height);
  printResult(
    line,
    output,
    { input, output, width, height, bytes: bytes.length, bpp, estimatedBytes, quality, lambda, modeShares, ms },
    `${input} → ${output}: ${width}×${height}, ${bytes.length} bytes, ${bpp.toFixed(4)} bpp, ${ms} ms`,
  );
}

/** `tessera decode` */
export async function decodeCommand(line: CommandLine, signal: AbortSignal): Promise<void> {
  const [input] = exactFiles(line, 'decode', ['one .tsr file']);
  const output = outputOf(line);
  if (output !== '-' && !/\.png$/i.test(output)) throw new UsageError(`the output is a PNG, so ${output} should end in .png`);
  const transform = textFlag(line, 'transform') ?? 'wasm';
  if (transform !== 'wasm' && transform !== 'ort') throw new UsageError(`--transform is ${transform}; it must be wasm or ort`);
  const options = commonOptions(line, signal);

  const bytes = await readInput(input);
  const progress = progressLine(line.flags.quiet === true);
  const start = performance.now();
  const partial = line.flags.partial === true;
  const decoding = partial ? decodePartially : async (...call: Parameters<typeof decodeFile>) => ({ picture: await decodeFile(...call) });
  const { picture, ...rest }: DecodeOutcome = await decoding(engineOfPackage(), bytes, {
    ...options,
    transform,
    ...(progress.onProgress === undefined ? {} : { onProgress: progress.onProgress }),
  }).finally(progress.clear);
  const ms = Math.round(performance.now() - start);
  await writeOutput(output, await writePng(picture));
  const { width, height } = picture;
  printResult(line, output, { input, output, width, height, ms, ...rest }, `${input} → ${output}: ${width}×${height}, ${ms} ms`);
  const { damage = [], missing = [] } = rest;
  warn(line, input, [
    ...damage.map(({ code, message }) => `${code}: ${message}`),
    ...missing.map((area) => `missing: ${area.width}×${area.height} pixels at ${area.x}, ${area.y}`),
  ]);
  if (damage.length > 0) process.exitCode = exitCodes.damaged;
}

/** A picture, and with `--partial` what is missing of it. */
type DecodeOutcome = { readonly picture: Picture } & Partial<PartialPicture>;

/** `tessera compare` */
export async function compareCommand(line: CommandLine, signal: AbortSignal): Promise<void> {
  const names = exactFiles(line, 'compare', ['one picture', 'another']);
  if (names[0] === '-' && names[1] === '-') throw new UsageError('only one of the pictures can be standard input');
  const options = commonOptions(line, signal);
  const images = [];
  for (const name of names) {
    const { image, warnings } = await readAny(await readInput(name), name, resolveLimits(options.limits), options);
    const opaque = isOpaque(image.data);
    warn(line, name, opaque ? warnings : [...warnings, 'transparency is compared over white']);
    images.push(opaque ? image : flatten(image, [255, 255, 255]));
  }
  const [a, b] = images;
  // JSON has no infinity: the PSNR of equal pictures is null there.
  const result = { psnr: psnr(a, b), msSsim: msSsim(a, b) };
  printResult(line, undefined, result, `PSNR ${result.psnr.toFixed(3)} dB, MS-SSIM ${result.msSsim.toFixed(5)}`);
}
