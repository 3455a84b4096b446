// The peers of the rate-distortion bench: encode at a quality, decode, say which version and flags.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { versionOf } from '../lib/environment.mjs';
import { loadPeer } from '../lib/peers.mjs';
import { readPicture } from '../lib/pictures.mjs';

const raw = ({ data, width, height }) => sharp(data, { raw: { width, height, channels: 4 } }).removeAlpha();

/** A codec of sharp. `describe` ends in its flags. */
function sharpCodec(key, title, describe, qualities, encode) {
  return { key, title, describe, qualities, encode, decode: readPicture };
}

function hevc() {
  const version = versionOf('heif-enc', '--version');
  if (version === undefined) return undefined;
  const inFolder = async (work) => {
    const folder = mkdtempSync(join(tmpdir(), 'tessera-'));
    try {
      return await work(folder);
    } finally {
      rmSync(folder, { recursive: true });
    }
  };
  return {
    key: 'hevc',
    title: 'HEVC intra (x265)',
    describe: `heif-enc ${version}, chroma 4:4:4, container included`,
    qualities: [10, 20, 30, 40, 50, 60, 70, 80],
    encode: (image, quality) =>
      inFolder(async (folder) => {
        await raw(image).png({ compressionLevel: 1 }).toFile(`${folder}/in.png`);
        execFileSync('heif-enc', ['-q', String(quality), '-p', 'chroma=444', '-o', `${folder}/out.heic`, `${folder}/in.png`], {
          stdio: 'ignore',
        });
        return readFileSync(`${folder}/out.heic`);
      }),
    decode: (bytes) =>
      inFolder(async (folder) => {
        const { writeFileSync } = await import('node:fs');
        writeFileSync(`${folder}/in.heic`, bytes);
        execFileSync('heif-convert', [`${folder}/in.heic`, `${folder}/out.png`], { stdio: 'ignore' });
        return readPicture(readFileSync(`${folder}/out.png`));
      }),
  };
}

/** HEVC intra at its slowest, where ffmpeg is installed: the bare stream, so that no container counts. */
function x265() {
  const version = versionOf('ffmpeg', '-version');
  if (version === undefined) return undefined;
  const run = (words, input) => execFileSync('ffmpeg', ['-v', 'error', ...words], { input, maxBuffer: 2 ** 30 });
  const flags = ['-c:v', 'libx265', '-preset', 'veryslow', '-tune', 'psnr', '-pix_fmt', 'yuv444p'];
  return {
    key: 'x265',
    title: 'HEVC intra (x265 veryslow)',
    describe: `${version.split(' ').slice(0, 3).join(' ')}, ${flags.join(' ')}, one key frame at a constant QP, BT.709`,
    qualities: [44, 40, 36, 32, 28, 24, 20],
    range: [51, 0],
    encode: async (image, quality) => {
      const size = ['-f', 'rawvideo', '-pix_fmt', 'rgba', '-s', `${image.width}x${image.height}`, '-i', 'pipe:0'];
      const convert = ['-vf', 'scale=out_color_matrix=bt709:flags=accurate_rnd+full_chroma_int', ...flags];
      return run([...size, ...convert, '-x265-params', `qp=${quality}:keyint=1:info=0:log-level=none`, '-f', 'hevc', 'pipe:1'], image.data);
    },
    decode: async (bytes) => {
      const convert = [
        '-vf',
        'scale=in_color_matrix=bt709:flags=accurate_rnd+full_chroma_int',
        '-f',
        'image2pipe',
        '-c:v',
        'png',
        'pipe:1',
      ];
      return readPicture(run(['-f', 'hevc', '-i', 'pipe:0', ...convert], bytes));
    },
  };
}

/** All peers that this machine has. */
export async function loadCodecs() {
  const { versions } = sharp;
  const jxl = await loadPeer('jxl');
  return [
    sharpCodec(
      'mozjpeg',
      'JPEG (mozjpeg)',
      `sharp ${versions.sharp}, mozjpeg ${versions.mozjpeg}, chroma 4:2:0`,
      [5, 10, 20, 35, 50, 65, 80, 90, 95],
      (image, quality) => raw(image).jpeg({ quality, mozjpeg: true, chromaSubsampling: '4:2:0' }).toBuffer(),
    ),
    sharpCodec(
      'webp',
      'WebP',
      `sharp ${versions.sharp}, libwebp ${versions.webp}, effort 6`,
      [1, 15, 35, 55, 75, 85, 95],
      (image, quality) => raw(image).webp({ quality, effort: 6 }).toBuffer(),
    ),
    sharpCodec(
      'avif',
      'AVIF (libaom)',
      `sharp ${versions.sharp}, aom ${versions.aom}, chroma 4:4:4, effort 4`,
      [10, 20, 35, 50, 65, 80, 90],
      (image, quality) => raw(image).avif({ quality, effort: 4, chromaSubsampling: '4:4:4' }).toBuffer(),
    ),
    {
      key: 'jxl',
      title: 'JPEG XL',
      describe: `${jxl.version}, effort 7`,
      qualities: [5, 20, 40, 60, 75, 85, 95],
      encode: jxl.encode,
      decode: jxl.decode,
    },
    hevc(),
    x265(),
  ].filter((codec) => codec !== undefined);
}
