/** Exports of `assembly/index.ts`. Pointers and statuses are numbers; see there for what each does. */
export interface CoreExports extends Record<string, unknown> {
  readonly memory: WebAssembly.Memory;
  allocate(bytes: number): number;
  mark(): number;
  release(mark: number): void;
  loadTables(classes: number, frequencies: number): number;
  loadCosts(): number;
  createCodec(block: number): number;
  beginPicture(width: number, height: number, patchLog2: number, modeCount: number, storage: number): number;
  modesPointer(): number;
  planePointer(set: number, grid: number): number;
  setCodec(mode: number, handle: number): void;
  setStep(inverseGain: number, logScaleOffset: number): void;
  setScale(grid: number, classes: number): void;
  setPriors(priors: number): void;
  useSimd(flag: number): void;
  decodeModeMap(pointer: number, length: number, priors: number): number;
  encodeModeMap(kind: number, priors: number, out: number, capacity: number): number;
  decodeSegment(segment: number, pointer: number, length: number, lanes: number): number;
  encodeSegment(segment: number, out: number, capacity: number, lanes: number): number;
  synthesisePatch(patch: number, out: number, stride: number): number;
  observePatch(patch: number, out: number, features: number, third: number): number;
  reducePatch(patch: number, level: number, out: number, stride: number): number;
  decodeMask(pointer: number, length: number, width: number, height: number, out: number): number;
  decodeLevels(pointer: number, length: number, width: number, height: number, out: number): number;
  encodeMask(samples: number, width: number, height: number, out: number, capacity: number): number;
  encodeLevels(samples: number, width: number, height: number, out: number, capacity: number): number;
  quantise(
    set: number,
    grid: number,
    source: number,
    sourceStride: number,
    x: number,
    y: number,
    width: number,
    height: number,
    gain: number,
  ): number;
  patchRate(patch: number, mode: number): number;
  setSource(pixels: number, stride: number, rows: number): void;
  setLambda(lambda: number): void;
  evaluatePatch(patch: number, mode: number): number;
  copyLatents(patch: number, grid: number, out: number): void;
  countResiduals(patch: number, grid: number, counts: number): number;
  scaleBits(counts: number, bits: number): void;
  patchCost(patch: number): number;
  mapCost(): number;
  observedError(patch: number, pixels: number): number;
  gatherMixing(
    patch: number,
    features: number,
    seen: number,
    spacing: number,
    weights: number,
    scales: number,
    units: number,
    out: number,
  ): number;
  gatherLast(patch: number, third: number, seen: number, spacing: number, level: number, out: number): number;
  setModes(count: number): number;
}
