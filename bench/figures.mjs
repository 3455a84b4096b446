// Every figure and table that README.md and the notes quote, made from the committed results. scripts/figures.mjs puts them in and checks them.
import { existsSync, readFileSync } from 'node:fs';
import { fromRoot } from '../scripts/setup.mjs';

/** A result file of bench/results, or an empty object where there is none yet. */
function result(name) {
  const path = fromRoot('bench/results', name);
  return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : undefined;
}

const rounded = (value, digits = 1) => (typeof value === 'number' ? value.toFixed(digits) : String(value ?? ''));

const signed = (value) => (typeof value === 'number' ? `${value > 0 ? '+' : '−'}${Math.abs(value).toFixed(1)} %` : '');

/** A Markdown table; numbers keep what the results hold. */
function table(columns, rows) {
  const line = (cells) => `| ${cells.join(' | ')} |`;
  return [
    line(columns.map(([title]) => title)),
    line(columns.map(() => '---')),
    ...rows.map((row) => line(columns.map(([, cell]) => cell(row)))),
  ].join('\n');
}

const names = { tessera: 'Tessera', jpeg: 'mozjpeg', mozjpeg: 'mozjpeg', webp: 'WebP', avif: 'AVIF', jxl: 'JPEG XL', hevc: 'HEVC (x265)' };
const nameOf = (series) => names[series] ?? series.replace(/tessera modes=8 effort=(\d)/, 'Tessera, effort $1');

function ofRates({ bdRates, data, images, modes, efforts, environment }) {
  const all = bdRates.find(({ series }) => series.startsWith('tessera modes=8 effort=5'));
  const anchors = Object.keys(bdRates[0]).filter((key) => key !== 'series');
  const title = (key) => (key.endsWith('.tsv') ? 'HM' : nameOf(key));
  return {
    'rd.pictures': `${images} pictures of ${data}`,
    'rd.pack': environment.pack.decoderSha256.slice(0, 16),
    ...Object.fromEntries(anchors.map((key) => [`rd.${title(key)}`, signed(all[key])])),
    'rd.table': table(
      [['', (row) => nameOf(row.series)], ...anchors.map((key) => [`against ${title(key)}`, (row) => signed(row[key])])],
      bdRates,
    ),
    'modes.table': table(
      [
        ['codecs', (row) => String(row.modes)],
        [
          'bits against one codec',
          (row) => (row.modes === 1 ? '—' : signed(row.bdRatePercent).replace(/\d+\.\d/, Math.abs(row.bdRatePercent).toFixed(2))),
        ],
      ],
      modes,
    ),
    'effort.table': table(
      [
        ['effort', (row) => String(row.effort)],
        ['ms per megapixel', (row) => rounded(row.msPerMegapixel, 0)],
        [
          'bits for the same PSNR',
          (row) => (row.bdRatePercent === 0 ? '—' : signed(row.bdRatePercent).replace(/\d+\.\d/, Math.abs(row.bdRatePercent).toFixed(2))),
        ],
      ],
      efforts,
    ),
  };
}

function ofSpeed({ peers, cold, stages, scaling, environment }) {
  const figures = { 'speed.machine': `${environment.cpu}, Node ${environment.node.slice(1)}` };
  if (peers !== undefined) {
    for (const row of peers.summary) {
      figures[`decode.${row.codec}`] = rounded(row.decodeMsPerMegapixel, 0);
      figures[`encode.${row.codec}`] = rounded(row.encodeMsPerMegapixel, 0);
      figures[`decode.ratio.${row.codec}`] = rounded(row.tesseraDecodeRatio, 2);
      figures[`encode.ratio.${row.codec}`] = rounded(row.tesseraEncodeRatio, 2);
    }
    figures['speed.table'] = table(
      [
        ['', (row) => nameOf(row.codec)],
        ['version', (row) => row.version],
        ['bpp', (row) => rounded(row.bpp, 3)],
        ['dB', (row) => rounded(row.psnr, 2)],
        ['decode, ms per megapixel', (row) => rounded(row.decodeMsPerMegapixel)],
        ['Tessera needs, of that', (row) => rounded(row.tesseraDecodeRatio, 2)],
        ['encode, ms per megapixel', (row) => rounded(row.encodeMsPerMegapixel, 0)],
        ['Tessera needs, of that', (row) => rounded(row.tesseraEncodeRatio, 2)],
      ],
      peers.summary,
    );
  }
  if (cold !== undefined) {
    figures['cold.table'] = table(
      [
        ['first call in a process', (row) => nameOf(row.codec)],
        ['CPU, ms', (row) => rounded(row.cpuMs, 0)],
        ['peak memory, MiB', (row) => rounded(row.peakMiB, 0)],
      ],
      cold,
    );
  }
  if (stages !== undefined) {
    figures['stages.table'] = table(
      [
        ['stage', (row) => row.stage],
        ['ms per megapixel', (row) => rounded(row.msPerMegapixel, 2)],
        ['scalar twin over SIMD', (row) => rounded(row.scalarOverSimd)],
        ['multiply-accumulates per pixel', (row) => rounded(row.macsPerPixel, 0)],
        ['ms at the SIMD peak', (row) => rounded(row.msAtPeak)],
        ['part of the peak', (row) => rounded(row.partOfPeak, 2)],
      ],
      stages.stages,
    );
  }
  if (scaling !== undefined) {
    figures['scaling.decode'] = rounded(100 * scaling.spread, 0);
    figures['scaling.table'] = table(
      [
        ['megapixels', (row) => String(row.megapixels)],
        ['decode, ms per megapixel', (row) => rounded(row.decodeMsPerMegapixel)],
        ['encode, ms per megapixel', (row) => rounded(row.encodeMsPerMegapixel, 0)],
      ],
      scaling.rows,
    );
  }
  return figures;
}

function ofEntropy({ ratios, context, rans }) {
  const real = ratios.find(({ source, lanes }) => source.startsWith('picture') && lanes === 1);
  const shown = rans.filter(({ source, lanes }) => source.startsWith('picture') && (lanes === 1 || lanes === ''));
  return {
    'rans.encode': rounded(real?.encodeOverNative, 2),
    'rans.decode': rounded(real?.decodeOverNative, 2),
    'context.ratio': rounded(Math.min(...context.filter(({ zeros }) => zeros < 1).map((row) => row.scalarOverSimd)), 0),
    'rans.table': table(
      [
        ['coder', (row) => row.coder],
        ['bits per symbol', (row) => String(row.bitsPerSymbol)],
        ['encode, million symbols per second', (row) => rounded(row.encodeMsymbols, 0)],
        ['decode', (row) => rounded(row.decodeMsymbols, 0)],
      ],
      shown,
    ),
    'rans.lanes.table': table(
      [
        ['source', (row) => row.source],
        ['lanes', (row) => String(row.lanes)],
        ['encode, of the C twin', (row) => rounded(row.encodeOverNative, 2)],
        ['decode, of the C twin', (row) => rounded(row.decodeOverNative, 2)],
      ],
      ratios,
    ),
  };
}

/** What rd/NAME.json of bench/rd/highest.mjs says. */
function ofOneMode(name, { bdRates, pictures }) {
  return {
    [`${name}.pictures`]: String(pictures),
    ...Object.fromEntries(bdRates.map(({ anchor, percent }) => [`${name}.${anchor.replace(/^tessera.*/, 'usual')}`, signed(percent)])),
  };
}

function ofScreens({ pictures, bdRate, steps }) {
  return {
    'screens.pictures': String(pictures),
    'screens.rate': signed(bdRate),
    'screens.table': table(
      [
        ['dB', (row) => row.decibels],
        ['bits against WebP', (row) => signed(row.percent)],
      ],
      steps,
    ),
  };
}

/** @returns name → text of everything that the results at hand can say */
export function figures() {
  const files = ['rd.json', 'rd/highest.json', 'rd/single.json', 'rd/screens.json', 'speed.json', 'entropy.json'];
  const [rd, highest, single, screens, speed, entropy] = files.map(result);
  return {
    ...(rd === undefined ? {} : ofRates(rd)),
    ...(highest === undefined ? {} : ofOneMode('highest', highest)),
    ...(single === undefined ? {} : ofOneMode('single', single)),
    ...(screens === undefined ? {} : ofScreens(screens)),
    ...(speed === undefined ? {} : ofSpeed(speed)),
    ...(entropy === undefined ? {} : ofEntropy(entropy)),
  };
}
