/**
 * Memory: static areas, the bump arena and the state of the one open picture.
 *
 * READ ME FIRST
 * - The core owns all memory from `__heap_base` on; nothing here uses `new`, so the stub runtime never allocates.
 * - `release` takes back everything allocated after its mark, the picture included; tables live in the static area and stay.
 * - Only `allocate`, `beginPicture`, `createCodec`, the encoding calls and the plane-wide research calls can grow the
 *   memory, which detaches every JavaScript view of it.
 *
 * ```
 * ┌─ static area (zero at start) ────────────────────────────────────────────────┐┌─ arena ──────────────────────────────┐
 * │ rows       costs      classes    lanes   taps    step rows  grids   handles  ││ codecs │ picture │ caller's blocks … │ free
 * │ last slots bits f32   n, order   states  scratch one run    sizes   planes   ││                                      ↑ top
 * └──────────────────────────────────────────────────────────────────────────────┘└──────────────────────────────────────┘
 * picture: modes │ tables of blocks │ planes (sets × 7 grids) │ scratch of one patch; later packed blocks
 * ```
 *
 * - A picture that is only decoded holds grids 2…0 for two rows of tiles (`Storage.rows`): tile row t and t + 2 share their
 *   place; one being encoded holds them packed (`packed.ts`), and planes for the rows around one patch. Every row address goes
 *   through `rowAddress`.
 */
import { Status } from "./status";

export const GRIDS: i32 = 7;
export const CLASSES: i32 = 64;
export const FRACTIONS: i32 = 16;
export const MAXIMUM_MODES: i32 = 8;
export const TILE_LOG2: i32 = 9;
/** Bytes of one row: u16 −1, then the last slot of each symbol, padded with 32,767 to 72 entries. */
export const ROW_BYTES: usize = 144;
/** Bytes of one cost row: 65 f32, padded. */
export const COST_ROW_BYTES: usize = 272;
/** Bytes of the stored priors: prior u16 × 8, bonus u16 × 4, increment u16, padded. */
const PRIORS_BYTES: usize = 32;

/** Bytes of the scratch of the context kernels; see `context/arm_simd.ts`. */
const TAPS_BYTES: usize = 272;

const ROWS_OFFSET: usize = 0;
const COSTS_OFFSET: usize = ROWS_OFFSET + 1024 * ROW_BYTES;
const CLASSES_OFFSET: usize = COSTS_OFFSET + 1024 * COST_ROW_BYTES;
const LANES_OFFSET: usize = CLASSES_OFFSET + 128;
const TAPS_OFFSET: usize = LANES_OFFSET + 32;
const STEP_ROWS_OFFSET: usize = TAPS_OFFSET + TAPS_BYTES;
const GRID_SIZES_OFFSET: usize = STEP_ROWS_OFFSET + 256;
const ROW_MASKS_OFFSET: usize = GRID_SIZES_OFFSET + 64;
const HANDLES_OFFSET: usize = ROW_MASKS_OFFSET + 32;
const PLANES_OFFSET: usize = HANDLES_OFFSET + 32;
const MODE_ROW_OFFSET: usize = PLANES_OFFSET + 224;
const MODE_COUNTS_OFFSET: usize = MODE_ROW_OFFSET + 48;
const PRIORS_OFFSET: usize = MODE_COUNTS_OFFSET + 64;
const ALPHA_CONTEXTS_OFFSET: usize = PRIORS_OFFSET + PRIORS_BYTES;
const STATIC_BYTES: usize = ALPHA_CONTEXTS_OFFSET + 4096;

const STATIC: usize = memory.data(445792, 16);

/** 1024 rows (class · 16 + fraction + 8) of `ROW_BYTES`; see `entropy/tables.ts`. */
export const ROWS: usize = STATIC + ROWS_OFFSET;
/** 1024 rows of bits per symbol, f32; filled by `loadCosts`. */
export const COSTS: usize = STATIC + COSTS_OFFSET;
/** 64 × {n u8, escape order u8}. */
export const CLASS_PARAMETERS: usize = STATIC + CLASSES_OFFSET;
/** rANS states, u32 × 8. */
export const LANES: usize = STATIC + LANES_OFFSET;
/** Scratch of the context kernels: inputs and activations of one or two positions; of the SIMD 3×3 layers: their sums. */
export const TAPS: usize = STATIC + TAPS_OFFSET;
/** u32 × 64: rows and integers of one run of positions. */
export const STEP_ROWS: usize = STATIC + STEP_ROWS_OFFSET;
/** One CDF row of the adaptive mode map. */
export const MODE_ROW: usize = STATIC + MODE_ROW_OFFSET;
/** u32 × 8: patches so far with each mode; then u32 × 8: weights of the row being filled. */
export const MODE_COUNTS: usize = STATIC + MODE_COUNTS_OFFSET;
/** The priors given to `setPriors`. */
export const PRIORS: usize = STATIC + PRIORS_OFFSET;
/** u32 × 1024: contexts of the adaptive bits of one tile of alpha; see `alpha/bits.ts`. */
export const ALPHA_CONTEXTS: usize = STATIC + ALPHA_CONTEXTS_OFFSET;
const GRID_SIZES: usize = STATIC + GRID_SIZES_OFFSET;
const ROW_MASKS: usize = STATIC + ROW_MASKS_OFFSET;
const HANDLES: usize = STATIC + HANDLES_OFFSET;
const PLANES: usize = STATIC + PLANES_OFFSET;

// ── Arena ───────────────────────────────────────────────────────────────────────────────────────────────────────────

/** Addresses stay below this, so that offsets of any window never wrap around 2^32. */
const ADDRESS_LIMIT: u64 = 0xffff0000;

const arenaStart: usize = (__heap_base + 15) & ~15;
let top: usize = arenaStart;

/**
 * Takes `bytes` from the arena, 16-aligned, growing the memory if needed. The contents are undefined.
 * @returns the address, or 0 when the memory cannot grow
 */
export function allocate(bytes: u32): usize {
  const start = top;
  const end = (<u64>start + <u64>bytes + 15) & ~15;
  if (end > ADDRESS_LIMIT) return 0;
  const capacity = <u64>memory.size() << 16;
  if (end > capacity && memory.grow(<i32>((end - capacity + 0xffff) >> 16)) < 0) return 0;
  top = <usize>end;
  return start;
}

/** `allocate` for sizes computed in 64 bits; 0 for anything that cannot fit. */
export function allocateLarge(bytes: u64): usize {
  return bytes > ADDRESS_LIMIT ? 0 : allocate(<u32>bytes);
}

/** @returns a mark for `release` */
export function mark(): usize {
  return top;
}

/** Takes back everything allocated since `mark()` returned this value. Other values are ignored. */
export function release(mark: usize): void {
  if (mark >= arenaStart && mark <= top && (mark & 15) == 0) top = mark;
}

/** Which latents of a picture the core holds; the values are part of the ABI of `beginPicture`. */
export const enum Storage {
  /** One set of latents, of the whole picture. */
  whole = 0,
  /** One set per mode, of the whole picture, and the costs of the competition. */
  sets = 1,
  /** One set: coarse grids of the whole picture, grids 2…0 of two rows of tiles. */
  rows = 2,
  /** Like `sets`, with grids 2…0 packed; see `packed.ts`. */
  packed = 3,
}

/** Grids 2…0: those of the tiles. */
export const FINE_GRIDS: i32 = 3;
/** log2 of the side of a packed block in samples. */
export const BLOCK_LOG2: i32 = 5;
/** Most rows of blocks that a plane has room for: those of a patch of 256 and one on each side, to a power of two. */
export const BLOCK_SLOTS: i32 = 16;

// ── The open picture ────────────────────────────────────────────────────────────────────────────────────────────────

export let pictureWidth: i32 = 0;
export let pictureHeight: i32 = 0;
export let patchLog2: i32 = 7;
export let patchColumns: i32 = 0;
export let patchRows: i32 = 0;
export let tileColumns: i32 = 0;
export let tileRows: i32 = 0;
export let modeCount: i32 = 1;
export let modeLog2: i32 = 0;
export let separateSets: bool = false;
export let packedSets: bool = false;
/** u32 [set][grid][row of blocks][column of blocks], as many of both as grid 0 has; see `packed.ts`. */
export let packedBlocks: usize = 0;
/** u32 [set][grid][BLOCK_SLOTS][column of blocks]: 1 + the row of the block that is in the plane, 0 for none. */
export let heldBlocks: usize = 0;
/** Columns and rows of blocks of grid 0. */
export let blockColumns: i32 = 0;
export let blockRows: i32 = 0;
/** u8 per patch: the mode map. */
export let modes: usize = 0;
/** Whether the SIMD kernels run; their scalar twins otherwise. */
export let simd: bool = true;
/** f32(inverse gain) / 16384. */
export let inverseGain: f32 = 1;
/** Log-scale offset Q8 of the grid that `locatePatch` was asked about last. */
export let logScaleOffset: i32 = 0;
/** i32 per grid: the offset of the step, and what the picture adds to it. */
const SCALES: usize = memory.data(28, 4);
let stepOffset: i32 = 0;

/** i16: the context window of a patch, (P + 5) × (P + 3). */
export let contextWindow: usize = 0;
/** f32 planes of the finer of two levels; see `synthesis/run.ts`. */
export let evenLevels: usize = 0;
export let oddLevels: usize = 0;
/** Rows of the finest level; see `synthesis/strips.ts`. */
export let stripScratch: usize = 0;
/** f32: the dequantised window of one grid. */
export let floatWindow: usize = 0;
/** f32: results of the filters along x. */
export let filterScratch: usize = 0;
/** RGBA8 × P²: pixels of one patch. */
export let pixelScratch: usize = 0;

/** Top left sample and size, within its grid, of the patch that `locatePatch` was asked about. */
export let patchX: i32 = 0;
export let patchY: i32 = 0;
export let patchWidth: i32 = 0;
export let patchHeight: i32 = 0;

export function useSimd(flag: bool): void {
  simd = flag;
}

export function setInverseGain(inverseGainQ14: i32, offset: i32): void {
  inverseGain = <f32>inverseGainQ14 / 16384.0;
  logScaleOffset = offset;
  stepOffset = offset;
  for (let grid = 0; grid < GRIDS; ++grid) setScale(grid, 0);
}

/** Adds to the classes of all rows of a grid, after `setInverseGain` (FORMAT.md §1.1, "Scales"). */
export function setScale(grid: i32, classes: i32): void {
  store<i32>(SCALES + (<usize>grid << 2), stepOffset + (classes << 5));
}

// @ts-ignore: decorator
@inline
export function gridWidth(grid: i32): i32 {
  return load<i32>(GRID_SIZES + (<usize>grid << 3));
}

// @ts-ignore: decorator
@inline
export function gridHeight(grid: i32): i32 {
  return load<i32>(GRID_SIZES + (<usize>grid << 3), 4);
}

/** @returns address of row `y` of a plane of `grid` */
// @ts-ignore: decorator
@inline
export function rowAddress(plane: usize, grid: i32, y: i32): usize {
  const row = y & load<i32>(ROW_MASKS + (<usize>grid << 2));
  return plane + ((<usize>row * <usize>gridWidth(grid)) << 1);
}

/** @returns address of the i16 plane that a patch of `mode` reads and writes in `grid` */
// @ts-ignore: decorator
@inline
export function planeOfMode(mode: i32, grid: i32): usize {
  const set = separateSets ? mode : 0;
  return <usize>load<u32>(PLANES + (<usize>(set * GRIDS + grid) << 2));
}

/** @returns address of plane `grid` of latent set `set`, 0 if there is none */
export function planePointer(set: i32, grid: i32): usize {
  const sets = separateSets ? modeCount : 1;
  if (<u32>set >= <u32>sets || <u32>grid >= <u32>GRIDS || modes == 0) return 0;
  return load<u32>(PLANES + (<usize>(set * GRIDS + grid) << 2));
}

// @ts-ignore: decorator
@inline
export function codecOfMode(mode: i32): usize {
  return load<u32>(HANDLES + (<usize>mode << 2));
}

export function storeCodec(mode: i32, handle: usize): void {
  if (<u32>mode < <u32>MAXIMUM_MODES) store<u32>(HANDLES + (<usize>mode << 2), <u32>handle);
}

// @ts-ignore: decorator
@inline
export function modeOfPatch(patch: i32): i32 {
  return load<u8>(modes + <usize>patch);
}

// @ts-ignore: decorator
@inline
export function patchCount(): i32 {
  return patchColumns * patchRows;
}

// @ts-ignore: decorator
@inline
export function tileCount(): i32 {
  return tileColumns * tileRows;
}

/** Finds the rectangle of `patch` in `grid`, cut at the edge of the grid (FORMAT.md §2). */
// @ts-ignore: decorator
@inline
export function locatePatch(patch: i32, grid: i32): void {
  const side = patchLog2 - grid;
  const row = patch / patchColumns;
  patchX = (patch - row * patchColumns) << side;
  patchY = row << side;
  patchWidth = min(1 << side, gridWidth(grid) - patchX);
  patchHeight = min(1 << side, gridHeight(grid) - patchY);
  logScaleOffset = load<i32>(SCALES + (<usize>grid << 2));
}

// ── Opening a picture ───────────────────────────────────────────────────────────────────────────────────────────────

/** Samples of one row of a float plane that holds `width` samples: 4 to the left, at least 12 to the right. */
export function levelStride(width: i32): i32 {
  return (width + 19) & ~3;
}

/** Rows of a float plane: 3 above and 3 below. */
export function levelRows(height: i32): i32 {
  return height + 6;
}

/**
 * Opens a picture: modes and latents are 0.
 * @param width, height  pixels, 1…65,536
 * @param log2  log2 of the patch side: 6, 7 or 8
 * @param count  modes: 1, 2, 4 or 8
 * @param storage  which latents are held; `sets` or `packed` for encoding
 * @returns ok, invalidArgument or limitMemory
 */
export function beginPicture(width: i32, height: i32, log2: i32, count: i32, storage: i32): i32 {
  modes = 0;
  if (storage < Storage.whole || storage > Storage.packed) return Status.invalidArgument;
  if (width < 1 || width > 65536 || height < 1 || height > 65536 || log2 < 6 || log2 > 8) return Status.invalidArgument;
  if (count != 1 && count != 2 && count != 4 && count != 8) return Status.invalidArgument;
  pictureWidth = width;
  pictureHeight = height;
  patchLog2 = log2;
  const side = 1 << log2;
  patchColumns = (width + side - 1) >> log2;
  patchRows = (height + side - 1) >> log2;
  tileColumns = (width + 511) >> TILE_LOG2;
  tileRows = (height + 511) >> TILE_LOG2;
  modeCount = count;
  modeLog2 = ctz(count);
  packedSets = storage == Storage.packed;
  separateSets = storage == Storage.sets || packedSets;

  const before = top;
  const patches = <u64>patchCount();
  const map = allocateLarge(patches);
  let complete = map != 0 && (!packedSets || allocateBlockTables(count));
  complete = complete && allocatePlanes(separateSets ? count : 1, storage);
  complete = complete && allocateScratch(side);
  if (!complete) {
    top = before;
    return Status.limitMemory;
  }
  memory.fill(map, 0, <usize>patches);
  modes = map;
  return Status.ok;
}

/**
 * Says anew how many modes the open picture has, where these share one set of latents.
 * @returns ok or invalidArgument
 */
export function setModes(count: i32): i32 {
  if (modes == 0 || separateSets || (count != 1 && count != 2 && count != 4 && count != 8)) return Status.invalidArgument;
  modeCount = count;
  modeLog2 = ctz(count);
  return Status.ok;
}

function allocateBlockTables(sets: i32): bool {
  blockColumns = (pictureWidth + (1 << BLOCK_LOG2) - 1) >> BLOCK_LOG2;
  blockRows = (pictureHeight + (1 << BLOCK_LOG2) - 1) >> BLOCK_LOG2;
  const packed = (<u64>(sets * FINE_GRIDS) * <u64>(blockColumns * blockRows)) << 2;
  const held = <u64>(sets * FINE_GRIDS * BLOCK_SLOTS * blockColumns) << 2;
  packedBlocks = allocateLarge(packed);
  heldBlocks = allocateLarge(held);
  if (packedBlocks == 0 || heldBlocks == 0) return false;
  memory.fill(packedBlocks, 0, <usize>packed);
  memory.fill(heldBlocks, 0, <usize>held);
  return true;
}

/** @returns what a row's number is masked with to find its place in a plane of a fine grid */
function rowMask(grid: i32, storage: i32): i32 {
  if (storage == Storage.rows) return (2 << (TILE_LOG2 - grid)) - 1;
  // No row is this high: the mask keeps all bits of a row's number.
  if (storage != Storage.packed) return 0x7fffffff;
  // A window reaches into one row of blocks on each side of the patch.
  const rows = (((1 << patchLog2 >> grid) + (1 << BLOCK_LOG2) - 1) >> BLOCK_LOG2) + 2;
  return (1 << (32 - clz(rows - 1) + BLOCK_LOG2)) - 1;
}

function allocatePlanes(sets: i32, storage: i32): bool {
  for (let grid = 0; grid < GRIDS; ++grid) {
    const round = (1 << grid) - 1;
    store<i32>(GRID_SIZES + (<usize>grid << 3), (pictureWidth + round) >> grid);
    store<i32>(GRID_SIZES + (<usize>grid << 3), (pictureHeight + round) >> grid, 4);
    store<i32>(ROW_MASKS + (<usize>grid << 2), rowMask(grid, grid < FINE_GRIDS ? storage : Storage.whole));
  }
  for (let set = 0; set < sets; ++set) {
    for (let grid = 0; grid < GRIDS; ++grid) {
      const bytes = (<u64>gridWidth(grid) * <u64>heldRows(grid)) << 1;
      const plane = allocateLarge(bytes);
      if (plane == 0) return false;
      memory.fill(plane, 0, <usize>bytes);
      store<u32>(PLANES + (<usize>(set * GRIDS + grid) << 2), <u32>plane);
    }
  }
  return true;
}

/** @returns rows of `grid` that there is room for */
export function heldRows(grid: i32): i32 {
  return <i32>min<u32>(gridHeight(grid), <u32>load<i32>(ROW_MASKS + (<usize>grid << 2)) + 1);
}

/** Rows of the rings that the finest level is computed in, and lines of those that hold colours; both powers of 2. */
export const STRIP_ROWS: i32 = 4;
export const COLOUR_LINES: i32 = 2 * STRIP_ROWS;
/** Lines of one row's length that `synthesis/strips.ts` needs: two rows of features, rings of doubled rows, integers of two rows, two rings of colours. */
const STRIP_LINES: i32 = 2 * GRIDS + STRIP_ROWS * (GRIDS - 1) + 8 + 2 * COLOUR_LINES;

function allocateScratch(side: i32): bool {
  const half = side >> 1;
  const plane = (levelStride(half) * levelRows(half)) << 2;
  contextWindow = allocate(((side + 5) * (side + 3)) << 1);
  // Level 1 has six planes.
  evenLevels = allocate(plane * 6);
  oddLevels = allocate(plane * 6);
  stripScratch = allocate(<u32>(STRIP_LINES * levelStride(side)) << 2);
  floatWindow = allocate((levelStride(side + 16) * (side + 12)) << 2);
  filterScratch = allocate((levelStride(side + 16) * (side + 12)) << 2);
  pixelScratch = allocate((side * side) << 2);
  return contextWindow != 0 && evenLevels != 0 && oddLevels != 0 && stripScratch != 0 && floatWindow != 0 &&
    filterScratch != 0 && pixelScratch != 0;
}
