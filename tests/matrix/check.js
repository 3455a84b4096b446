/** What every engine and bundler of the matrix does with the package. Plain JavaScript: it is copied beside the installed package. */

/** SHA-256 in hexadecimal. */
export async function sha256(bytes) {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** Decodes the file; the size and the hash of the pixels. */
export async function checkDecode({ decode, probe }, { file }) {
  const { width, height } = probe(file);
  const picture = await decode(file);
  if (picture.width !== width || picture.height !== height) throw new Error(`${picture.width}×${picture.height} pixels came out`);
  return { width, height, pixels: await sha256(picture.data) };
}

/** Encodes the picture, quick and thorough enough to use every part of the encoder, and decodes what came out. */
export async function checkEncode({ decode, encode }, { picture }, options = {}) {
  const bytes = await encode(picture, { quality: 60, modes: 4, effort: 5, ...options });
  const { data } = await decode(bytes);
  const error = data.reduce((sum, value, index) => sum + (value - picture.data[index]) ** 2, 0) / data.length;
  return { encoded: await sha256(bytes), closeToSource: error < 400 };
}

/** Both, in this order. */
export async function check(codec, given, options) {
  return { ...(await checkDecode(codec, given)), ...(await checkEncode(codec, given, options)) };
}
