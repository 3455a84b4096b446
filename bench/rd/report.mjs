// The HTML report: curves, BD-rates, crops. One file, no scripts, no network.
import { escapeText, lineChart } from './chart.mjs';

const style = `
:root{color-scheme:light dark}
body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}
table{border-collapse:collapse;margin:1rem 0}td,th{padding:.2rem .7rem;text-align:right;border-bottom:1px solid #8884}
td:first-child,th:first-child{text-align:left}
.crops{display:flex;flex-wrap:wrap;gap:.7rem}figure{margin:0}figcaption{font-size:.8rem}
img{display:block;width:224px;image-rendering:pixelated}svg{max-width:100%}pre{white-space:pre-wrap;font-size:.8rem}`;

function htmlTable(rows) {
  const columns = Object.keys(rows[0] ?? {});
  const line = (cells, tag) => `<tr>${cells.map((cell) => `<${tag}>${escapeText(cell ?? '')}</${tag}>`).join('')}</tr>`;
  return `<table>${line(columns, 'th')}${rows
    .map((row) =>
      line(
        columns.map((column) => row[column]),
        'td',
      ),
    )
    .join('')}</table>`;
}

/** The charts as separate SVG files and for the report. */
export function charts(curves) {
  const line = (value) =>
    curves.map(({ name, points, dashed }) => ({ name, dashed, points: points.map((point) => [point.bpp, value(point)]) }));
  const range = { x: [0, 2] };
  return {
    psnr: lineChart(
      line((point) => point.psnr),
      { x: 'bits per pixel', y: 'PSNR of the mean squared error, dB' },
      range,
    ),
    msssim: lineChart(
      line((point) => -10 * Math.log10(1 - point.msssim)).filter(({ points }) => points.every(([, value]) => Number.isFinite(value))),
      { x: 'bits per pixel', y: 'MS-SSIM, −10 log(1 − x), dB' },
      range,
    ),
    ssim: lineChart(
      line((point) => -10 * Math.log10(1 - point.ssim)).filter(({ points }) => points.every(([, value]) => Number.isFinite(value))),
      { x: 'bits per pixel', y: 'SSIM of ssim.js, −10 log(1 − x), dB' },
      range,
    ),
  };
}

/** @returns the page */
export function reportPage({ environment, data, images, remarks, curves, bdRates, efforts, crops }) {
  const { psnr, msssim, ssim } = charts(curves);
  const figures = crops.map(
    ({ image, cells }) =>
      `<h3>${escapeText(image)}</h3><div class="crops">${cells
        .map(({ title, bytes, psnr: level, url }) => {
          const caption = bytes === undefined ? title : `${title}<br>${bytes} bytes, ${level.toFixed(2)} dB`;
          return `<figure><img src="${url}" alt="${escapeText(title)}"><figcaption>${caption}</figcaption></figure>`;
        })
        .join('')}</div>`,
  );
  return `<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Tessera: rate and distortion</title><style>${style}</style>
<h1>Rate and distortion</h1>
<p>${images} pictures of ${escapeText(data)}; sizes of real files, every Tessera file decoded again. Commit ${escapeText(environment.commit)},
pack ${escapeText(environment.pack.name)} (${escapeText(environment.pack.decoderSha256.slice(0, 16))}).</p>
${psnr}
${msssim}
${ssim}
<h2>BD-rate</h2>
<p>Bits for the same PSNR, in percent more (+) or less (−) than the codec of the column.</p>
${htmlTable(bdRates)}
<h2>Effort</h2>
<p>CPU time of encoding, and bits for the same PSNR against the default effort, in percent.</p>
${htmlTable(efforts)}
<h2>Crops at equal bytes</h2>
<p>Every codec gets the highest quality whose file is not larger than Tessera's.</p>
${figures.join('\n')}
<h2>How</h2>
<pre>${escapeText(remarks.join('\n'))}</pre>
<pre>${escapeText(JSON.stringify(environment, undefined, 2))}</pre>
</html>
`;
}
