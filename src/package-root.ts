/** Where this package lies. Both `src/` and `build/` are one folder below the root, so the expression holds in either. */

/**
 * The URL of the package's root folder, with a slash at the end, or undefined where modules have no address (Workers on the edge,
 * scripts bundled to another format). Works at the first call, not on import.
 */
export function packageRoot(): URL | undefined {
  const here: string | undefined = import.meta.url;
  if (here === undefined || here.startsWith('data:') || here.startsWith('blob:')) return undefined;
  // By hand on purpose: bundlers take `new URL('…', import.meta.url)` for an asset, some even in two steps, and look for the folder.
  const root = new URL(here);
  root.pathname = `${root.pathname.split('/').slice(0, -2).join('/')}/`;
  root.search = '';
  root.hash = '';
  return root;
}
