/** Where this package lies. Both `src/` and `build/` are one folder below the root, so the expression holds in either. */

/** The URL of the package's root folder, with a slash at the end. Works at the first call, not on import. */
export function packageRoot(): URL {
  // In two steps on purpose: bundlers take `new URL('…', import.meta.url)` for an asset and try to copy the folder.
  const here = import.meta.url;
  return new URL('..', here);
}
