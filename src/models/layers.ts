/**
 * Shapes of the layers of one decoder, in the order in which decoder.bin stores them (FORMAT.md §7.5).
 *
 * The parser reads by this list and reports the shapes it has read; the operation count (`macs.ts`) is taken from those.
 */

/** A dense integer layer of the context model: `outputs` × `inputs` weights and `outputs` biases. */
export interface ContextShape {
  readonly outputs: number;
  readonly inputs: number;
}

/** A convolution of the synthesis: weights [outputs][inputs][kernel][kernel] and `outputs` biases. */
export interface SynthesisShape {
  readonly outputs: number;
  readonly inputs: number;
  /** Side of the kernel in samples. */
  readonly kernel: number;
}

/** Upsampling kernels: `steps` steps, each with the halves of two symmetric kernels. */
export interface UpsamplingShape {
  readonly steps: number;
  /** Stored coefficients of the doubling kernel, which has twice as many taps. */
  readonly doubling: number;
  /** Stored coefficients of the smoothing kernel, which has 2n − 1 taps for n stored. */
  readonly smoothing: number;
}

/** Everything that one decoder computes. */
export interface DecoderShape {
  readonly context: readonly ContextShape[];
  readonly upsampling: UpsamplingShape;
  readonly synthesis: readonly SynthesisShape[];
}

/** The shapes of format version 0. */
export const decoderShape: DecoderShape = {
  context: [
    { outputs: 16, inputs: 16 },
    { outputs: 16, inputs: 16 },
    { outputs: 2, inputs: 16 },
  ],
  upsampling: { steps: 6, doubling: 4, smoothing: 4 },
  synthesis: [
    { outputs: 48, inputs: 7, kernel: 1 },
    { outputs: 3, inputs: 48, kernel: 1 },
    { outputs: 3, inputs: 3, kernel: 3 },
    { outputs: 3, inputs: 3, kernel: 3 },
  ],
};

/** Where the layers of the synthesis stand in the bytes of one decoder: {start, weights, biases}. The first has no shift in front. */
export const synthesisOffsets: readonly { readonly start: number; readonly weights: number; readonly biases: number }[] = (() => {
  const { context, upsampling, synthesis } = decoderShape;
  let position = 8;
  for (const { outputs, inputs } of context) position += 2 + outputs * inputs * 2 + outputs * 4;
  position += upsampling.steps * (2 + 2 * (upsampling.doubling + upsampling.smoothing)) + 8;
  return synthesis.map(({ outputs, inputs, kernel }, index) => {
    const start = position;
    const weights = start + (index === 0 ? 0 : 2);
    const biases = weights + 2 * outputs * inputs * kernel ** 2;
    position = biases + outputs * (index === 0 ? 2 : 4);
    return { start, weights, biases };
  });
})();
