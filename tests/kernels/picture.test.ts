/** Segments, mode maps, rates and pixels of whole pictures with random codecs, latents and modes. */
import { describe, expect, it } from 'vitest';
import { bytesOf, type Core, copyIn, copyIn16, hiddenUnits, modes, plane, rearranged, seeded, startCore } from './core.js';

/** One decoder block (FORMAT.md §7.5) with random weights that keep the sums inside i32. */
function randomBlock(random: () => number): Uint8Array {
  const bytes: number[] = new Array(8).fill(0);
  const i16 = (value: number) => bytes.push(value & 255, (value >> 8) & 255);
  const i32 = (value: number) => bytes.push(value & 255, (value >> 8) & 255, (value >> 16) & 255, (value >> 24) & 255);
  const spread = (size: number) => Math.round((random() + random() + random() - 1.5) * size);
  for (const outputs of [16, 16, 2]) {
    const bits = 8 + Math.floor(random() * 5);
    bytes.push(bits, 0);
    const scale = 2 ** bits;
    for (let output = 0; output < outputs; output++) {
      for (let input = 0; input < 16; input++) i16(spread(0.25 * scale) + (outputs === 16 && input === output ? scale : 0));
    }
    for (let output = 0; output < outputs; output++) i32(spread(256 * scale));
  }
  for (let step = 0; step < 6; step++) {
    bytes.push(15, 0);
    for (const value of [-0.035, -0.105, 0.262, 0.879]) i16(Math.round(value * 32768) + spread(900));
    for (let tap = 0; tap < 4; tap++) i16(spread(2000));
  }
  const values = (count: number, size: number) => {
    for (let index = 0; index < count; index++) i16(spread(size));
  };
  const biases = (size: number) => {
    for (let index = 0; index < 3; index++) i32(spread(size));
  };
  bytes.push(6, 6, 6, 6, 5, 5, 4, 0);
  values(48 * 7, 3000);
  values(48, 300);
  bytes.push(10, 0);
  values(3 * 48, 800);
  biases(2 ** 18);
  for (const shift of [12, 14]) {
    bytes.push(shift, 0);
    values(81, 1500);
    biases(2 ** shift * 40);
  }
  return Uint8Array.from(bytes);
}

interface Setup {
  width: number;
  height: number;
  patchLog2: number;
  modes: number;
  separate: boolean;
  seed: number;
}

/** A picture with random latents (sparse fine grids, wide coarse ones, some escapes) and a random mode map. */
function open(core: Core, setup: Setup, change = (block: Uint8Array): Uint8Array => block): void {
  const random = seeded(setup.seed);
  const handles = Array.from({ length: setup.modes }, () => core.createCodec(copyIn(core, change(randomBlock(random)))));
  expect(core.beginPicture(setup.width, setup.height, setup.patchLog2, setup.modes, setup.separate ? 1 : 0)).toBe(0);
  handles.forEach((handle, mode) => {
    core.setCodec(mode, handle);
  });
  core.setStep(15000, -20);
  for (let grid = 0; grid < 7; grid++) core.setScale(grid, ((grid * 5 + setup.seed) % 16) - 8);
  const map = modes(core);
  map.forEach((_, patch) => {
    map[patch] = patch > 0 && random() < 0.4 ? map[patch - 1] : Math.floor(random() * setup.modes);
  });
  for (let set = 0; set < (setup.separate ? setup.modes : 1); set++) {
    for (let grid = 0; grid < 7; grid++) {
      const samples = plane(core, set, grid);
      samples.forEach((_, index) => {
        const wide = random() < 0.002 ? 3000 : 1 + grid;
        samples[index] = Math.round((random() + random() - 1) * wide);
      });
    }
  }
}

function segments(core: Core, lanes: number): Uint8Array[] {
  const capacity = 1 << 22;
  const out: Uint8Array[] = [];
  for (let segment = 0; segment <= core.tileCount(); segment++) {
    const mark = core.mark();
    const pointer = core.allocate(capacity) >>> 0;
    const length = core.encodeSegment(segment, pointer, capacity, lanes);
    expect(length).toBeGreaterThan(0);
    out.push(bytesOf(core, pointer, length).slice());
    core.release(mark);
  }
  return out;
}

function latents(core: Core): number[][] {
  return Array.from({ length: 7 }, (_, grid) => Array.from(plane(core, 0, grid)));
}

function pixels(core: Core, setup: Setup): Uint8Array {
  const mark = core.mark();
  const pointer = core.allocate(setup.width * setup.height * 4) >>> 0;
  const side = 1 << setup.patchLog2;
  const columns = Math.ceil(setup.width / side);
  for (let patch = 0; patch < core.patchCount(); patch++) {
    const x = (patch % columns) * side;
    const y = Math.floor(patch / columns) * side;
    expect(core.synthesisePatch(patch, pointer + 4 * (y * setup.width + x), setup.width * 4)).toBe(0);
  }
  const result = bytesOf(core, pointer, setup.width * setup.height * 4).slice();
  core.release(mark);
  return result;
}

/** The picture at 1/2^level of the size. */
function reducedPixels(core: Core, setup: Setup, level: number): Uint8Array {
  const mark = core.mark();
  const width = Math.ceil(setup.width / 2 ** level);
  const length = width * Math.ceil(setup.height / 2 ** level) * 4;
  const pointer = core.allocate(length) >>> 0;
  const side = 2 ** (setup.patchLog2 - level);
  const columns = Math.ceil(setup.width / 2 ** setup.patchLog2);
  for (let patch = 0; patch < core.patchCount(); patch++) {
    const first = Math.floor(patch / columns) * side * width + (patch % columns) * side;
    expect(core.reducePatch(patch, level, pointer + 4 * first, width * 4)).toBe(0);
  }
  const result = bytesOf(core, pointer, length).slice();
  core.release(mark);
  return result;
}

const pictures: Setup[] = [
  { width: 1, height: 1, patchLog2: 7, modes: 1, separate: false, seed: 1 },
  { width: 1, height: 300, patchLog2: 6, modes: 2, separate: false, seed: 2 },
  { width: 301, height: 3, patchLog2: 6, modes: 4, separate: false, seed: 3 },
  { width: 129, height: 257, patchLog2: 7, modes: 8, separate: false, seed: 4 },
  { width: 600, height: 530, patchLog2: 7, modes: 8, separate: false, seed: 5 },
  { width: 520, height: 515, patchLog2: 8, modes: 2, separate: false, seed: 6 },
  { width: 530, height: 200, patchLog2: 6, modes: 8, separate: false, seed: 7 },
];

describe.each(pictures)('a picture of $width x $height, patch 2^$patchLog2, $modes modes', (setup) => {
  it('comes back from its segments, scalar and SIMD, with the same bytes', () => {
    const core = startCore();
    open(core, setup);
    const expected = latents(core);
    const streams = segments(core, 2);
    core.useSimd(0);
    segments(core, 2).forEach((stream, index) => {
      expect(Buffer.compare(stream, streams[index])).toBe(0);
    });
    for (const simd of [0, 1]) {
      core.useSimd(simd);
      for (let grid = 0; grid < 7; grid++) plane(core, 0, grid).fill(77);
      streams.forEach((stream, segment) => {
        expect(core.decodeSegment(segment, copyIn(core, stream), stream.length, 2)).toBe(0);
      });
      expect(latents(core)).toEqual(expected);
    }
  });

  it('has the same pixels scalar and SIMD', () => {
    const core = startCore();
    open(core, setup);
    const simd = pixels(core, setup);
    core.useSimd(0);
    expect(Buffer.compare(simd, pixels(core, setup))).toBe(0);
    expect(new Set(simd).size).toBeGreaterThan(1);
  });

  it('has the same reduced pixels scalar and SIMD', () => {
    const core = startCore();
    open(core, setup);
    for (const level of [1, 2, 3]) {
      core.useSimd(1);
      const simd = reducedPixels(core, setup, level);
      core.useSimd(0);
      expect(Buffer.compare(simd, reducedPixels(core, setup, level))).toBe(0);
      expect(new Set(simd).size).toBeGreaterThan(1);
    }
    for (const level of [0, 4]) expect(core.reducePatch(0, level, 0, 0)).toBe(10);
  });

  it('costs what its patches are said to cost', () => {
    const core = startCore();
    open(core, setup);
    const bits = Array.from(modes(core)).reduce((sum, mode, patch) => sum + core.patchRate(patch, mode), 0);
    const bytes = segments(core, 1).reduce((sum, stream) => sum + stream.length, 0);
    expect(bytes - bits / 8).toBeGreaterThan(0);
    expect(bytes - bits / 8).toBeLessThan(4.5 * (1 + core.tileCount()) + 0.001 * bytes);
  });

  it('brings back its mode map in every kind that can hold it', () => {
    const core = startCore();
    open(core, setup);
    if (setup.modes === 1) return;
    const priors = copyIn16(core, [...new Array(setup.modes).fill(12), 60, 60, 10, 25, 20]);
    const map = modes(core);
    const random = map.slice();
    const out = core.allocate(4096) >>> 0;
    for (const wanted of [random, random.slice().fill(setup.modes - 1)]) {
      for (const kind of [0, 1, 2]) {
        modes(core).set(wanted);
        const length = core.encodeModeMap(kind, priors, out, 4096);
        const uniform = wanted.every((mode) => mode === wanted[0]);
        if (kind === 2 && !uniform) {
          expect(length).toBe(-1);
          continue;
        }
        if (kind === 0) expect(length).toBe(1 + Math.ceil((wanted.length * Math.log2(setup.modes)) / 8));
        modes(core).fill(0);
        expect(core.decodeModeMap(out, length, priors)).toBe(0);
        expect(Array.from(modes(core))).toEqual(Array.from(wanted));
        for (let prefix = 1; prefix < length; prefix++) expect(core.decodeModeMap(out, prefix, priors)).not.toBe(0);
      }
    }
  });
});

describe('the encoder side', () => {
  it('reads each mode from its own set of latents', () => {
    const setup: Setup = { width: 300, height: 280, patchLog2: 7, modes: 4, separate: true, seed: 11 };
    const core = startCore();
    open(core, setup);
    const streams = segments(core, 1);
    const rendered = pixels(core, setup);
    const map = modes(core).slice();
    // A decoder has one set; after decoding it must hold the winners' latents and give the same pixels.
    const decoder = startCore();
    open(decoder, { ...setup, separate: false });
    modes(decoder).set(map);
    streams.forEach((stream, segment) => {
      expect(decoder.decodeSegment(segment, copyIn(decoder, stream), stream.length, 1)).toBe(0);
    });
    expect(Buffer.compare(pixels(decoder, setup), rendered)).toBe(0);
  });

  it('measures the distortion of the pixels it would show', () => {
    const setup: Setup = { width: 150, height: 141, patchLog2: 7, modes: 2, separate: true, seed: 12 };
    const core = startCore();
    open(core, setup);
    const random = seeded(3);
    const source = Uint8Array.from({ length: setup.width * setup.height * 4 }, () => Math.floor(random() * 256));
    const pointer = copyIn(core, source);
    const shown = pixels(core, setup);
    let expected = 0;
    for (let index = 0; index < source.length; index++) if (index % 4 !== 3) expected += (source[index] - shown[index]) ** 2;
    core.setSource(pointer, setup.width * 4, 0);
    for (const simd of [0, 1]) {
      core.useSimd(simd);
      const total = Array.from(modes(core)).reduce((sum, mode, patch) => sum + core.patchDistortion(patch, mode), 0);
      expect(total).toBe(expected);
    }
  });

  it('asks for the cost of a patch among neighbours of the modes that the map gives them', () => {
    const setup: Setup = { width: 400, height: 400, patchLog2: 7, modes: 4, separate: true, seed: 13 };
    const core = startCore();
    open(core, setup);
    core.setPriors(copyIn16(core, [12, 12, 12, 12, 60, 60, 10, 25, 20]));
    core.setSource(copyIn(core, new Uint8Array(setup.width * setup.height * 4).fill(90)), setup.width * 4, 0);
    core.setLambda(0.002);
    const map = modes(core);
    // Patch 5 is in the middle of the 4 × 4; patch 1 lies above it.
    for (let mode = 0; mode < 4; mode++) {
      map[5] = mode;
      expect(core.patchCost(5)).toBe(core.evaluatePatch(5, mode));
    }
    const before = core.evaluatePatch(5, 2);
    map[5] = (map[5] + 1) % 4;
    expect(core.evaluatePatch(5, 2)).toBe(before);
    map[1] = (map[1] + 1) % 4;
    expect(core.evaluatePatch(5, 2)).not.toBe(before);
  });

  it('rounds halves away from zero, clamps, and turns what is not a number into 0', () => {
    const core = startCore();
    expect(core.beginPicture(8, 1, 7, 1, 1)).toBe(0);
    const values = Float32Array.of(0.25, 0.75, -0.75, 1e9, -1e9, Number.NaN, 1.2, -0.2);
    core.quantise(0, 0, copyIn(core, new Uint8Array(values.buffer)), 8, 0, 0, 8, 1, 2);
    expect(Array.from(plane(core, 0, 0))).toEqual([1, 2, -2, 32767, -32767, 0, 2, 0]);
  });
});

describe('packed sets of latents', () => {
  const sets: Setup[] = [
    { width: 1, height: 1, patchLog2: 7, modes: 1, separate: true, seed: 31 },
    { width: 150, height: 431, patchLog2: 7, modes: 4, separate: true, seed: 32 },
    { width: 530, height: 90, patchLog2: 6, modes: 2, separate: true, seed: 33 },
    { width: 20, height: 700, patchLog2: 8, modes: 2, separate: true, seed: 34 },
  ];

  /** Everything that an encoder asks a core for. */
  function answers(core: Core, setup: Setup): { costs: number[]; rates: number[]; streams: string[]; shown: Uint8Array } {
    core.setPriors(copyIn16(core, [12, 12, 12, 12, 60, 60, 10, 25, 20]));
    core.setSource(copyIn(core, new Uint8Array(setup.width * setup.height * 4).fill(90)), setup.width * 4, 0);
    core.setLambda(0.002);
    const drawn = modes(core).slice();
    const every = Array.from(drawn, (_, patch) => patch);
    const costs: number[] = [];
    for (let mode = 0; mode < setup.modes; mode++) {
      modes(core).fill(mode);
      costs.push(...every.map((patch) => core.evaluatePatch(patch, mode)));
    }
    modes(core).set(drawn);
    costs.push(...every.map((patch) => core.patchCost(patch)));
    const rates = every.map((patch) => core.patchRate(patch, modes(core)[patch]));
    const streams = segments(core, 1).map((bytes) => Buffer.from(bytes).toString('hex'));
    return { costs, rates, streams, shown: pixels(core, setup) };
  }

  it.each(sets)('answer as plain ones: %o', (setup) => {
    const plain = startCore();
    open(plain, setup);
    const packed = startCore();
    open(packed, setup);
    // The same codecs and modes over planes of another kind.
    const map = modes(packed).slice();
    const sources = Array.from({ length: setup.modes }, (_, set) =>
      Array.from({ length: 7 }, (_, grid) => copyIn(packed, new Uint8Array(Float32Array.from(plane(plain, set, grid)).buffer))),
    );
    expect(packed.loadCosts()).toBe(plain.loadCosts());
    expect(packed.beginPicture(setup.width, setup.height, setup.patchLog2, setup.modes, 3)).toBe(0);
    modes(packed).set(map);
    sources.forEach((grids, set) => {
      grids.forEach((source, grid) => {
        const width = packed.gridWidth(grid);
        expect(packed.quantise(set, grid, source, width, 0, 0, width + 5, packed.gridHeight(grid) + 5, 1)).toBe(0);
      });
    });
    expect(answers(packed, setup)).toEqual(answers(plain, setup));
  });

  it('take no part of a block', () => {
    const core = startCore();
    expect(core.beginPicture(64, 64, 6, 1, 3)).toBe(0);
    const source = copyIn(core, new Uint8Array(4096));
    expect(core.quantise(0, 0, source, 32, 32, 32, 32, 32, 1)).toBe(0);
    expect(core.quantise(0, 0, source, 32, 32, 16, 32, 16, 1)).toBe(10);
    expect(core.quantise(0, 3, source, 32, 1, 1, 4, 4, 1)).toBe(0);
  });
});

describe('damaged segments', () => {
  it('give entropyDesync for every prefix and for random bytes, and never trap', () => {
    const setup: Setup = { width: 130, height: 70, patchLog2: 7, modes: 2, separate: false, seed: 21 };
    const core = startCore();
    open(core, setup);
    const streams = segments(core, 2);
    streams.forEach((stream, segment) => {
      const pointer = copyIn(core, stream);
      for (let prefix = 0; prefix < stream.length; prefix += prefix < 64 ? 1 : 97) {
        expect(core.decodeSegment(segment, pointer, prefix, 2)).toBe(34);
      }
    });
    const random = seeded(22);
    for (let round = 0; round < 200; round++) {
      const bytes = Uint8Array.from({ length: Math.floor(random() * 400) }, () => Math.floor(random() * 256));
      if (bytes.length > 8 && round % 2 === 0) {
        bytes[3] = 1 + (bytes[3] % 127);
        bytes[7] = 1 + (bytes[7] % 127);
      }
      const mark = core.mark();
      expect(core.decodeSegment(round % 2, copyIn(core, bytes), bytes.length, 2)).toBe(34);
      core.release(mark);
    }
    expect(core.decodeSegment(5, 0, 0, 2)).toBe(10);
    expect(core.decodeSegment(0, 0, 0, 3)).toBe(10);
  });
});

describe('hidden units without a weight to any colour', () => {
  const setup = pictures[3];
  const everyUnit = Array.from({ length: hiddenUnits }, (_, unit) => unit);
  const pixelsWith = (order: readonly number[], simd: number): Uint8Array => {
    const core = startCore();
    core.useSimd(simd);
    open(core, setup, (block) => rearranged(block, order));
    return pixels(core, setup);
  };

  it.each([1, 2, 3, 28, 47])('are left out wherever they stand: %s in use', (count) => {
    // 29 is prime to 48: the units in use are scattered.
    const used = everyUnit.filter((unit) => (unit * 29) % hiddenUnits < count);
    const scattered = everyUnit.map((unit) => (used.includes(unit) ? unit : -1));
    const first = everyUnit.map((unit) => used[unit] ?? -1);
    const expected = pixelsWith(scattered, 0);
    for (const other of [pixelsWith(scattered, 1), pixelsWith(first, 0), pixelsWith(first, 1)])
      expect(Buffer.compare(other, expected)).toBe(0);
    expect(Buffer.compare(pixelsWith(everyUnit, 0), expected)).not.toBe(0);
  });

  it('may be all of them', () => {
    const none = everyUnit.map(() => -1);
    expect(Buffer.compare(pixelsWith(none, 0), pixelsWith(none, 1))).toBe(0);
  });
});
