/** Names and version of the package. */

/** Version of the package, equal to that of package.json (a test compares them). */
export const version = '0.1.0';

/** Name of the format for people. */
export const label = 'Tessera';

/** Media type of Tessera files. */
export const mimeType = 'image/x-tessera';

/** Extension of Tessera files, without the dot. */
export const extension = 'tsr';
