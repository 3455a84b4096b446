/** Reference vectors of the Python side: context model → rows → bytes → pixels, scalar and SIMD (issue 2, line 7). */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { bytesOf, copyIn, copyIn16, fromBase64, plane, startCore } from './core.js';

interface Grid {
  width: number;
  height: number;
  latents: number[];
  integers: number[];
  rows: number[];
}

interface Vector {
  name: string;
  width: number;
  height: number;
  decoder: string;
  inverseGain: number;
  logScaleOffset: number;
  grids: Grid[];
  streams: { coarse: Record<string, string>; tile: Record<string, string> };
  pixels: string;
}

const directory = new URL('../vectors/', import.meta.url);
const vectors: Vector[] = readdirSync(directory)
  .filter((name) => name.endsWith('.json') && name !== 'tables.json')
  .sort()
  .map((name) => JSON.parse(readFileSync(new URL(name, directory), 'utf8')));

describe.each(['scalar', 'SIMD'])('%s kernels', (kind) => {
  for (const vector of vectors) {
    const open = () => {
      const core = startCore();
      core.useSimd(kind === 'SIMD' ? 1 : 0);
      const codec = core.createCodec(copyIn(core, fromBase64(vector.decoder)));
      core.setStep(vector.inverseGain, vector.logScaleOffset);
      return { core, codec };
    };

    it(`predict the rows of ${vector.name}`, () => {
      const { core, codec } = open();
      for (const grid of vector.grids) {
        const count = grid.width * grid.height;
        const rows = core.allocate(2 * count) >>> 0;
        const integers = core.allocate(2 * count) >>> 0;
        expect(core.contextRows(copyIn16(core, grid.latents), grid.width, grid.height, codec, rows, integers)).toBe(0);
        expect(Array.from(new Uint16Array(core.memory.buffer, rows, count))).toEqual(grid.rows);
        expect(Array.from(new Int16Array(core.memory.buffer, integers, count))).toEqual(grid.integers);
      }
    });

    it.each(['1', '2', '4', '8'])(`write and read the bytes of ${vector.name} with %s lanes, and its pixels`, (lanes) => {
      const { core, codec } = open();
      expect(core.beginPicture(vector.width, vector.height, 7, 1, 0)).toBe(0);
      core.setCodec(0, codec);
      vector.grids.forEach((grid, index) => {
        plane(core, 0, index).set(grid.latents);
      });
      const capacity = 1 << 20;
      const out = core.allocate(capacity) >>> 0;
      for (const [segment, name] of (['coarse', 'tile'] as const).entries()) {
        const expected = fromBase64(vector.streams[name][lanes]);
        const length = core.encodeSegment(segment, out, capacity, Number(lanes));
        expect(Buffer.from(bytesOf(core, out, length)).equals(Buffer.from(expected))).toBe(true);
      }
      vector.grids.forEach((_, index) => {
        plane(core, 0, index).fill(0);
      });
      for (const [segment, name] of (['coarse', 'tile'] as const).entries()) {
        const stream = fromBase64(vector.streams[name][lanes]);
        expect(core.decodeSegment(segment, copyIn(core, stream), stream.length, Number(lanes))).toBe(0);
      }
      vector.grids.forEach((grid, index) => {
        expect(Array.from(plane(core, 0, index))).toEqual(grid.latents);
      });
      const pixels = core.allocate(vector.width * vector.height * 4) >>> 0;
      expect(core.synthesisePatch(0, pixels, vector.width * 4)).toBe(0);
      const rgba = bytesOf(core, pixels, vector.width * vector.height * 4);
      const rgb = fromBase64(vector.pixels);
      let different = 0;
      for (let index = 0; index < rgb.length; index++) {
        if (rgba[4 * Math.floor(index / 3) + (index % 3)] !== rgb[index]) different++;
      }
      expect(different).toBe(0);
      expect(rgba.filter((_, index) => index % 4 === 3).every((alpha) => alpha === 255)).toBe(true);
    });
  }
});
