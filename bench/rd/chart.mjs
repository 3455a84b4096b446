// Line charts as SVG text, without a library: one figure, one legend, readable in light and dark.

const size = { width: 820, height: 460, left: 60, right: 250, top: 20, bottom: 46 };
const colours = ['#d6322d', '#e8833a', '#b5890f', '#7a5230', '#2563a8', '#1b998b', '#6d4aa8', '#8a8f98', '#3c8031', '#c2407e'];

const escapes = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

/** Text that is safe inside HTML and SVG. */
export function escapeText(text) {
  return String(text).replace(/[&<>"]/g, (character) => escapes[character]);
}

/** Round steps that give about `count` lines between low and high. */
function ticks(low, high, count) {
  const rough = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((candidate) => candidate >= rough);
  const first = Math.ceil(low / step);
  return Array.from({ length: Math.floor(high / step) - first + 1 }, (_, index) => Number(((first + index) * step).toPrecision(6)));
}

/**
 * @param series - [{name, points: [[x, y], …], dashed?}]
 * @param labels - {x, y}
 * @param range - {x: [low, high]} where the data reach too far
 * @returns an <svg> element
 */
export function lineChart(series, labels, range = {}) {
  const [lowX, highX] = range.x ?? extent(series, 0);
  const inside = series.map((line) => ({ ...line, points: line.points.filter(([x]) => x >= lowX && x <= highX) }));
  const [lowY, highY] = range.y ?? extent(inside, 1);
  const x = (value) => size.left + ((value - lowX) / (highX - lowX)) * (size.width - size.left - size.right);
  const y = (value) => size.height - size.bottom - ((value - lowY) / (highY - lowY)) * (size.height - size.top - size.bottom);
  const right = size.width - size.right;
  const bottom = size.height - size.bottom;
  const parts = [];
  for (const value of ticks(lowX, highX, 8)) {
    const at = x(value).toFixed(1);
    parts.push(
      `<path class="grid" d="M${at} ${size.top}V${bottom}"/><text x="${at}" y="${bottom + 18}" text-anchor="middle">${value}</text>`,
    );
  }
  for (const value of ticks(lowY, highY, 8)) {
    const at = y(value).toFixed(1);
    parts.push(
      `<path class="grid" d="M${size.left} ${at}H${right}"/><text x="${size.left - 8}" y="${at}" dy="4" text-anchor="end">${value}</text>`,
    );
  }
  parts.push(`<text x="${(size.left + right) / 2}" y="${size.height - 8}" text-anchor="middle">${escapeText(labels.x)}</text>`);
  parts.push(`<text transform="translate(14 ${(size.top + bottom) / 2}) rotate(-90)" text-anchor="middle">${escapeText(labels.y)}</text>`);
  inside.forEach(({ name, points, dashed }, index) => {
    const colour = colours[index % colours.length];
    const path = points.map(([px, py]) => `${x(px).toFixed(1)} ${y(py).toFixed(1)}`).join('L');
    const style = `stroke="${colour}"${dashed ? ' stroke-dasharray="5 4"' : ''}`;
    if (points.length > 0) parts.push(`<path class="line" ${style} d="M${path}"/>`);
    if (!dashed) {
      for (const [px, py] of points) parts.push(`<circle fill="${colour}" cx="${x(px).toFixed(1)}" cy="${y(py).toFixed(1)}" r="2.5"/>`);
    }
    const line = size.top + 10 + 20 * index;
    parts.push(
      `<path class="line" ${style} d="M${right + 14} ${line}h22"/><text x="${right + 42}" y="${line + 4}">${escapeText(name)}</text>`,
    );
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${size.width} ${size.height}" role="img" font-family="sans-serif" font-size="12">
<style>.grid{stroke:#8888;stroke-width:.5}.line{fill:none;stroke-width:2}text{fill:#777}</style>
${parts.join('\n')}
</svg>`;
}

function extent(series, index) {
  const values = series.flatMap(({ points }) => points.map((point) => point[index]));
  return [Math.min(...values), Math.max(...values)];
}
