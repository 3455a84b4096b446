/**
 * From residuals to symbols with escapes and back (FORMAT.md §4, "Symbols" and "Escape").
 *
 * READ ME FIRST
 * - Symbol 0 is "below", 2n + 2 is "above"; both are followed by an Exp-Golomb value on the same lane.
 * - Encoding runs in reverse, so an escape is put before its symbol, last bit first.
 */
import { decodeBit, decodeSymbol, desynchronise, putBit, putSymbol } from "./rans";
import { costOf, escapeOrderOf, reachOf, rowPointer } from "./tables";

const LONGEST_PREFIX: i32 = 16;
/** No latent is this far from any integer part. */
const LARGEST_ESCAPE: u32 = 1 << 17;

/** Decodes a symbol of row `rowIndex` and what follows it. @returns latent − integer part, or what no latent has if the stream is damaged */
export function decodeResidual(lane: i32, rowIndex: u32): i32 {
  const reach = reachOf(rowIndex);
  const symbol = <i32>decodeSymbol(lane, rowPointer(rowIndex));
  if (symbol == 0) return -(reach + 1 + <i32>decodeEscape(lane, escapeOrderOf(rowIndex)));
  if (symbol == 2 * reach + 2) return reach + 1 + <i32>decodeEscape(lane, escapeOrderOf(rowIndex));
  return symbol - 1 - reach;
}

function decodeEscape(lane: i32, order: i32): u32 {
  let prefix = 0;
  while (decodeBit(lane)) {
    if (++prefix > LONGEST_PREFIX) {
      desynchronise();
      return 0;
    }
  }
  let value: u32 = 1;
  for (let bit = prefix + order; bit > 0; --bit) value = (value << 1) | decodeBit(lane);
  const escape = value - (<u32>1 << order);
  if (escape > LARGEST_ESCAPE) {
    desynchronise();
    return 0;
  }
  return escape;
}

/** Encodes `residual` = latent − integer part, in reverse. */
export function putResidual(lane: i32, rowIndex: u32, residual: i32): void {
  const reach = reachOf(rowIndex);
  const row = rowPointer(rowIndex);
  if (residual < -reach) {
    putEscape(lane, -residual - reach - 1, escapeOrderOf(rowIndex));
    putSymbol(lane, row, 0);
  } else if (residual > reach) {
    putEscape(lane, residual - reach - 1, escapeOrderOf(rowIndex));
    putSymbol(lane, row, 2 * reach + 2);
  } else {
    putSymbol(lane, row, residual + reach + 1);
  }
}

function putEscape(lane: i32, escape: i32, order: i32): void {
  const value = <u32>escape + (<u32>1 << order);
  const suffix = 31 - clz(value);
  for (let bit = 0; bit < suffix; ++bit) putBit(lane, (value >> bit) & 1);
  putBit(lane, 0);
  for (let ones = suffix - order; ones > 0; --ones) putBit(lane, 1);
}

/** @returns bits of `residual` in row `rowIndex`, escape included; needs `loadCosts` */
// @ts-ignore: decorator
@inline
export function residualBits(rowIndex: u32, residual: i32): f64 {
  const reach = reachOf(rowIndex);
  if (residual < -reach) return <f64>costOf(rowIndex, 0) + <f64>escapeBits(-residual - reach - 1, escapeOrderOf(rowIndex));
  if (residual > reach) return <f64>costOf(rowIndex, 2 * reach + 2) + <f64>escapeBits(residual - reach - 1, escapeOrderOf(rowIndex));
  return costOf(rowIndex, residual + reach + 1);
}

function escapeBits(escape: i32, order: i32): i32 {
  const suffix = 31 - clz(<u32>escape + (<u32>1 << order));
  return suffix - order + 1 + suffix;
}
