/** Numbers in documents come from results: what scripts/figures.mjs lets through and what it stops. */

import { expect, test } from 'vitest';

const { checkFigures } = (await import('../scripts/figures.mjs' as string)) as {
  checkFigures(text: string, known: Record<string, string>): { corrected: string; problems: string[] };
};
const known = { 'decode.tessera': '55', 'rd.table': '| a |\n| --- |\n| 1 |' };

test('a figure that the results hold passes', () => {
  const text = 'takes <!--figure decode.tessera-->55<!--/figure--> ms';
  expect(checkFigures(text, known)).toEqual({ corrected: text, problems: [] });
});

test('another number is a problem, and the correction passes', () => {
  const { corrected, problems } = checkFigures('takes <!--figure decode.tessera-->54<!--/figure--> ms', known);
  expect(problems).toEqual(['"decode.tessera" is quoted as "54"; the results say "55"']);
  expect(checkFigures(corrected, known).problems).toEqual([]);
});

test('tables stand on lines of their own', () => {
  const { corrected } = checkFigures('<!--figure rd.table--><!--/figure-->', known);
  expect(corrected).toBe(`<!--figure rd.table-->\n\n${known['rd.table']}\n\n<!--/figure-->`);
  expect(checkFigures(corrected, known).problems).toEqual([]);
});

test('a figure that no result holds is a problem', () => {
  expect(checkFigures('<!--figure decode.heif-->1<!--/figure-->', known).problems).toEqual(['"decode.heif" is in no result']);
});

test.each(['12.5 %', '30.1 dB', '0.5 bpp', '84 ms'])('%s typed by hand is a problem, but not in code', (number) => {
  expect(checkFigures(`It takes ${number}.`, known).problems).toEqual([`"${number}" is typed by hand`]);
  expect(checkFigures(`\`\`\`\n${number}\n\`\`\``, known).problems).toEqual([]);
});
