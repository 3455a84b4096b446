/** Entry of the trials: the kernels and coders inside a module of their own, so that build/codec.wasm holds none of this. */
export { createCodec } from "../codec";
export { loadTables } from "../entropy/tables";
export { allocate, mark, release } from "../memory";
export { openAlpha, tryAlpha } from "./alpha";
export { openCoding, tryMaps, tryStreams } from "./coding";
export { openGather, tryGather } from "./gather";
export { openTrials, tryFilters, tryLargest, tryLayers, tryMeans, tryPredict, tryRowError, trySearch } from "./kernels";
export { seedRandom } from "./random";
export { createWeights } from "../refine/weights";
export { openCases } from "./refine/cases";
export { tryHalving, tryPointwiseBack, tryRefineLayers } from "./refine/layers";
export { tryAdam, tryAddTaps, tryBends, tryDense, tryLastLayer, tryNoisyRound, trySlopes } from "./refine/rows";
