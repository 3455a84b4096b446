/** Where this package lies. Both `src/` and `build/` are one folder below the root, so the expression holds in either. */

/**
 * The URL of the package's root folder, with a slash at the end, or undefined where modules have no address (Workers on the edge,
 * scripts bundled to another format). Works at the first call, not on import.
 */
export function packageRoot(): URL | undefined {
  // In two steps on purpose: bundlers take `new URL('…', import.meta.url)` for an asset and try to copy the folder.
  const here: string | undefined = import.meta.url;
  return here === undefined || here.startsWith('data:') || here.startsWith('blob:') ? undefined : new URL('..', here);
}
