// Figures in documents: `<!--figure NAME-->TEXT<!--/figure-->` holds what bench/figures.mjs says, and nothing measured stands outside.
//
//   node scripts/figures.mjs           fails when a document quotes a number that the committed results do not hold
//   node scripts/figures.mjs --write   puts the figures of the results into the documents
import { readFileSync, writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { figures } from '../bench/figures.mjs';
import { fromRoot } from './setup.mjs';

const documents = ['README.md', 'bench/README.md', 'bench/results/README.md'];
const marked = /<!--figure ([^>]+?)-->([\s\S]*?)<!--\/figure-->/g;
/** A number with the unit of a measurement. */
const measured = /[\d.,]+\s?(?:%|dB\b|bpp\b|ms\b|ns\b|µs\b|GMAC|Msym|MB\/s)/g;

/** Text between a figure's marks: tables stand on lines of their own. */
const placed = (text) => (text.startsWith('|') ? `\n\n${text}\n\n` : text);

/**
 * @param text - of a document
 * @param known - name → text
 * @returns the document with the figures of the results, and what is wrong with it as it stands
 */
export function checkFigures(text, known) {
  const problems = [];
  const corrected = text.replace(marked, (whole, name, quoted) => {
    if (known[name] === undefined) {
      problems.push(`"${name}" is in no result`);
      return whole;
    }
    if (quoted !== placed(known[name])) problems.push(`"${name}" is quoted as "${quoted.trim()}"; the results say "${known[name]}"`);
    return `<!--figure ${name}-->${placed(known[name])}<!--/figure-->`;
  });
  const plain = text.replace(marked, '').replace(/```[\s\S]*?```/g, '');
  for (const [number] of plain.matchAll(measured)) problems.push(`"${number}" is typed by hand`);
  return { corrected, problems };
}

function main(write) {
  const known = figures();
  let count = 0;
  for (const document of documents) {
    const text = readFileSync(fromRoot(document), 'utf8');
    const { corrected, problems } = checkFigures(text, known);
    if (write) writeFileSync(fromRoot(document), corrected);
    for (const problem of write ? checkFigures(corrected, known).problems : problems) {
      console.error(`${document}: ${problem}`);
      count++;
    }
  }
  process.exitCode = count === 0 ? 0 : 1;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) main(process.argv.includes('--write'));
