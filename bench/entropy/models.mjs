// What feeds the entropy coder, alone: the context model on whole planes, and the mode map.
import { BareCore } from '../lib/core.mjs';
import { interleaved, median, round, seeded } from '../lib/measure.mjs';

const side = 512;

/** Latents with the given part of zeros, the others small and of both signs. */
function plane(zeros, random) {
  return Int16Array.from({ length: side * side }, () => (random() < zeros ? 0 : Math.round((random() + random() - 1) * 12) || 1));
}

/**
 * The context model on planes from dense to almost empty, SIMD and scalar in turns.
 *
 * @returns ns per symbol of both, and their ratio; both must give the same rows
 */
export function measureContext(code, pack, rounds) {
  const core = new BareCore(code, pack);
  const { exports } = core;
  exports.setStep(16_384, 0);
  const handle = exports.createCodec(core.copyIn(pack.decoder.decoders[0][0].bytes));
  return [0, 0.5, 0.9, 0.98, 1].map((zeros) => {
    const latents = core.copyIn16(plane(zeros, seeded(7)));
    const rows = core.allocate(2 * side * side);
    const integers = core.allocate(2 * side * side);
    const run = (simd) => () => {
      exports.useSimd(simd);
      core.check(exports.contextRows(latents, side, side, handle, rows, integers));
    };
    const result = (simd) => {
      run(simd)();
      return Buffer.concat([rows, integers].map((pointer) => Buffer.from(core.bytes(pointer, 2 * side * side))));
    };
    if (!result(1).equals(result(0))) throw new Error('the two context models differ');
    const times = interleaved({ simd: run(1), scalar: run(0) }, rounds);
    const nanoseconds = (values) => round((median(values) * 1e6) / (side * side));
    return {
      zeros,
      nsPerSymbol: nanoseconds(times.simd),
      scalarNsPerSymbol: nanoseconds(times.scalar),
      scalarOverSimd: round(median(times.scalar) / median(times.simd)),
    };
  });
}

/** The adaptive mode map of 4096 patches, from random modes to long runs. */
export function measureModeMap(code, pack, inner, rounds) {
  const width = 4096;
  const modes = pack.decoder.modes;
  if (modes === 1) return [];
  const set = inner.modeSetOf(pack.decoder, modes);
  return [0, 0.5, 0.9].map((stay) => {
    const core = new BareCore(code, pack);
    const { exports } = core;
    core.check(exports.beginPicture(width, width, 6, modes, false));
    const patches = exports.patchCount();
    const priors = core.copyIn16([...set.prior, ...set.bonus, set.increment]);
    exports.setPriors(priors);
    const room = core.allocate(64 + patches);
    const map = () => core.bytes(exports.modesPointer(), patches);
    const random = seeded(3);
    const wanted = new Uint8Array(patches);
    for (let patch = 0; patch < patches; patch++) {
      wanted[patch] = patch > 0 && random() < stay ? wanted[patch - 1] : Math.floor(random() * modes);
    }
    map().set(wanted);
    let length = 0;
    const times = interleaved(
      {
        encode: () => {
          length = exports.encodeModeMap(1, priors, room, 64 + patches);
        },
        decode: () => core.check(exports.decodeModeMap(room, length, priors)),
      },
      rounds,
    );
    if (length < 0 || !Buffer.from(map()).equals(Buffer.from(wanted))) throw new Error('the mode map does not come back');
    const nanoseconds = (values) => round((median(values) * 1e6) / patches);
    return {
      modeRepeats: stay,
      bitsPerPatch: round((8 * length) / patches),
      fixedBitsPerPatch: Math.log2(modes),
      encodeNsPerPatch: nanoseconds(times.encode),
      decodeNsPerPatch: nanoseconds(times.decode),
    };
  });
}
