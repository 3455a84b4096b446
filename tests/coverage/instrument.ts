/**
 * Line coverage of AssemblyScript: no engine measures it, so the sources are compiled with a mark before every statement.
 * The compiler's own parser says where statements are.
 */

import * as compiler from 'assemblyscript';

/** What is used of the parser's nodes. */
interface Node {
  readonly kind: number;
  readonly range: { readonly start: number; readonly end: number };
  readonly statements?: readonly Node[];
  readonly body?: Node | null;
  readonly ifTrue?: Node;
  readonly ifFalse?: Node | null;
  readonly cases?: readonly Node[];
}

interface Parser {
  newOptions(): unknown;
  newProgram(options: unknown): { readonly sources: readonly Node[] };
  parse(program: unknown, text: string, path: string, isEntry: boolean): void;
  readonly NodeKind: Readonly<Record<string, number>>;
}

const { newOptions, newProgram, parse, NodeKind } = compiler as unknown as Parser;

/** A source with marks. */
export interface Instrumented {
  readonly text: string;
  /** Line of each mark; mark k of the file calls `cover(first + k)`. */
  readonly lines: readonly number[];
}

/**
 * Puts marks into a source.
 *
 * @param first - number of the first mark
 * @param coverModule - where the source imports `cover` from
 */
export function instrument(text: string, first: number, coverModule: string): Instrumented {
  const program = newProgram(newOptions());
  parse(program, text, 'source.ts', true);
  const source = program.sources.at(-1) as Node;
  const insertions: { at: number; text: string }[] = [];
  const lines: number[] = [];

  const mark = (at: number, before = ''): void => {
    insertions.push({ at, text: `${before}cover(${first + lines.length}); ` });
    lines.push(text.slice(0, at).split('\n').length);
  };
  /** A statement that stands where one is enough becomes a block. */
  const branch = (node: Node | null | undefined): void => {
    if (node === null || node === undefined) return;
    if (node.kind === NodeKind.Block) {
      inside(node);
      return;
    }
    mark(node.range.start, '{ ');
    inside(node);
    const end = text[node.range.end] === ';' ? node.range.end + 1 : node.range.end;
    insertions.push({ at: end, text: ' }' });
  };
  const inside = (node: Node): void => {
    for (const statement of node.statements ?? []) {
      mark(statement.range.start);
      inside(statement);
    }
    branch(node.ifTrue);
    branch(node.ifFalse);
    if (node.kind === NodeKind.For || node.kind === NodeKind.While || node.kind === NodeKind.Do) branch(node.body);
  };
  for (const declaration of source.statements ?? []) {
    if (declaration.kind === NodeKind.FunctionDeclaration && declaration.body) branch(declaration.body);
  }

  let marked = text;
  // From the end, so that earlier offsets stay right; at one place, what was put down first comes first.
  for (const { at, text: inserted } of insertions
    .map((insertion, order) => ({ ...insertion, order }))
    .toSorted((a, b) => b.at - a.at || b.order - a.order)) {
    marked = marked.slice(0, at) + inserted + marked.slice(at);
  }
  return { text: `import { cover } from "${coverModule}";\n${marked}`, lines };
}

/** The module that marks write to. */
export const coverSource = `const MARKS: usize = memory.data(16384);
export function cover(mark: i32): void {
  store<u8>(MARKS + <usize>mark, 1);
}
export function coverMarks(): usize {
  return MARKS;
}
`;
