/**
 * Status codes: the numbers of FORMAT.md §8 that the core can return. 0 is success.
 */
export const enum Status {
  ok = 0,
  invalidArgument = 10,
  corruptSection = 32,
  entropyDesync = 34,
  limitMemory = 42,
  corruptModel = 53,
}
