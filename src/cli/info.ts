/** `tessera info`: what a file is made of, its mode map as a picture, and the operation count of its decoder. */

import { adaptationSection } from '../adaptation/section.js';
import { engineOfPackage, probe } from '../codec.js';
import { headerLength, parsePictureSection, parseSections, pictureTag } from '../container.js';
import { modeSetOf } from '../core.js';
import { checkPack, decodeModes } from '../decode.js';
import { TesseraError } from '../errors.js';
import { checkSize, resolveLimits } from '../limits.js';
import { parseModeMap } from '../mode-map.js';
import { loadPack, type Pack } from '../models/load.js';
import { countMacs, type MacCount } from '../models/macs.js';
import type { ModelSource } from '../models/source.js';
import { qualityOfRate } from '../quality.js';
import type { Header, ModeCount } from '../types.js';
import { type CommandLine, exactFiles, numberFlag, textFlag } from './arguments.js';
import { commonOptions, isModeCount, printResult, warn } from './commands.js';
import { printable, UsageError } from './exit.js';
import { readInput, writeOutput } from './files.js';
import { modeMapPicture } from './mode-map.js';
import { writePng } from './pictures.js';

/** Size for which the operation count is quoted when no file is given. */
const nominal = { width: 768, height: 512 } as const;

const sectionNames: Record<number, string> = { 0: 'adaptation', 1: 'picture', 2: 'alpha', 65: 'icc', 66: 'exif' };

/** `tessera info` */
export async function infoCommand(line: CommandLine, signal: AbortSignal): Promise<void> {
  const options = commonOptions(line, signal);
  const modes = numberFlag(line, 'modes', isModeCount, '1, 2, 4 or 8');
  if (line.files.length === 0 && line.flags.macs) {
    const pack = await loadPack(options.models);
    const macs = macsOf(pack, modeSetOf(pack.decoder, modes ?? (pack.decoder.modes as ModeCount)).subset, 0, nominal.width, nominal.height);
    printResult(
      line,
      undefined,
      { ...nominal, pack: packOf(pack), modes: modes ?? pack.decoder.modes, macs },
      macsText(macs, nominal.width, nominal.height),
    );
    return;
  }
  const [file] = exactFiles(line, 'info', ['one .tsr file (or --macs alone)']);
  if (modes !== undefined) throw new UsageError('--modes goes with --macs and no file');
  const mapFile = textFlag(line, 'modes-map');
  if (mapFile === '-') throw new UsageError('--modes-map wants the name of a file');

  const bytes = await readInput(file);
  const header = probe(bytes);
  checkSize(header.width, header.height, 0, resolveLimits(options.limits));
  const sections = parseSections(header, bytes);
  const picture = parsePictureSection(header, sections);
  const pack = await matchingPack(line, file, header, options.models);
  if (mapFile !== undefined) {
    if (pack === undefined) throw new TesseraError('unknownModel', 'the mode map cannot be decoded without the model pack of the file');
    const { modes: map } = await decodeModes(engineOfPackage(), bytes, options);
    await writeOutput(mapFile, await writePng(modeMapPicture(map, header.width, header.height, header.patch)));
  }

  const { width, height, patch, anchor, step } = header;
  const quality = pack === undefined ? null : qualityOfRate(pack.manifest, { anchor, step });
  const codecs = pack && parseModeMap(picture.modeMap, pack.decoder, header.modes).codecs;
  const macs = pack && codecs ? macsOf(pack, codecs, anchor, width, height) : null;
  const parts = { modeMap: picture.modeMap.length, coarse: picture.coarse.length, tiles: picture.tiles.map((tile) => tile.length) };
  const adapted = adaptationSection(sections)?.payload.length ?? 0;
  const listed = [
    { name: 'header', offset: 0, bytes: headerLength },
    ...sections.map((section) => ({
      name: sectionNames[section.tag] ?? 'unknown',
      tag: section.tag,
      offset: section.offset,
      bytes: section.payload.length,
      ...(section.tag === pictureTag ? { parts } : {}),
    })),
  ];
  const packInfo = pack === undefined ? { id: header.packId, hash: header.packHash, name: null } : packOf(pack);
  const result = {
    width,
    height,
    quality,
    anchor,
    step,
    pack: packInfo,
    patch,
    modes: header.modes,
    codecs: codecs ?? null,
    lanes: header.lanes,
    bytes: bytes.length,
    sections: listed,
    macs,
  };
  const text = [
    `${file}: ${width}×${height}, ${bytes.length} bytes, ${((8 * bytes.length) / (width * height)).toFixed(4)} bpp`,
    `quality ${quality ?? 'unknown'} (anchor ${anchor}, step ${step}), pack ${printable(packInfo.name ?? String(packInfo.id))} (${packInfo.hash})`,
    `${modesText(header.modes, codecs)}, patches of ${patch}, ${header.lanes} lanes`,
    `adaptation ${adapted} bytes, mode map ${parts.modeMap}, coarse grids ${parts.coarse}, tiles ${parts.tiles.join(' ')}`,
    ...(line.flags.macs && macs !== null ? [macsText(macs, width, height)] : []),
  ];
  printResult(line, undefined, result, text.join('\n'));
}

/** The pack at hand if it is the file's, else nothing and a warning: most of a file can be told without it. */
async function matchingPack(line: CommandLine, file: string, header: Header, models: ModelSource | undefined): Promise<Pack | undefined> {
  try {
    const pack = await loadPack(models);
    checkPack(pack, header);
    return pack;
  } catch (error) {
    if (!(error instanceof TesseraError) || !['unknownModel', 'modelUnavailable'].includes(error.code)) throw error;
    warn(line, file, [error.message]);
    return undefined;
  }
}

function packOf(pack: Pack): { id: number; hash: string; name: string } {
  return { id: pack.decoder.id, hash: pack.hash, name: pack.manifest.name };
}

/** MAC per pixel of the most expensive one of some codecs. */
function macsOf(pack: Pack, codecs: readonly number[], anchor: number, width: number, height: number): MacCount {
  const counts = codecs.map((codec) => countMacs(pack.decoder.decoders[codec][anchor].shape, width, height));
  return counts.reduce((most, count) => (count.total > most.total ? count : most));
}

/** Modes of one codec differ by their adaptations. */
function modesText(modes: number, codecs: readonly number[] | undefined): string {
  return codecs === undefined ? `${modes} modes` : `${modes} mode${modes === 1 ? '' : 's'} (codec ${codecs.join(' ')})`;
}

function macsText({ total, context, upsampling, synthesis }: MacCount, width: number, height: number): string {
  return `${total.toFixed(1)} MAC per pixel at ${width}×${height}: context ${context.toFixed(1)}, upsampling ${upsampling.toFixed(1)}, synthesis ${synthesis.toFixed(1)}`;
}
