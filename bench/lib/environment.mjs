// What a figure depends on: machine, engine, versions, commit, model pack. Every result file carries it.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, totalmem } from 'node:os';
import { dirname } from 'node:path';
import { fromRoot } from '../../scripts/setup.mjs';

const packages = [
  '@jsquash/avif',
  '@jsquash/jpeg',
  '@jsquash/jxl',
  '@jsquash/webp',
  'assemblyscript',
  'onnxruntime-web',
  'sharp',
  'compressjs',
  '@thi.ng/range-coder',
  'ssim.js',
];

function output(command, words) {
  try {
    return execFileSync(command, words, { encoding: 'utf8', cwd: fromRoot(), stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  } catch {
    return undefined;
  }
}

/** The commit, with a remark when tracked files differ from it, those that a bench writes not counted. */
export function commit() {
  const head = output('git', ['rev-parse', 'HEAD']);
  if (head === undefined) return 'none';
  return output('git', ['status', '--porcelain', '--untracked-files=no', '--', '.', ':!bench/results']) === ''
    ? head
    : `${head} and uncommitted changes`;
}

/** First line of what a program says about its version, or undefined where it is not installed. */
export function versionOf(command, ...words) {
  return output(command, words.length > 0 ? words : ['--version'])?.split('\n')[0];
}

function sha256(path) {
  return createHash('sha256').update(readFileSync(path)).digest('hex');
}

/** @returns machine, versions, commit, hashes; `load` is the load average before the run */
export function environment() {
  const manifest = JSON.parse(readFileSync(fromRoot('models/tessera-1/manifest.json'), 'utf8'));
  const versions = packages.map((name) => {
    const { version } = JSON.parse(readFileSync(fromRoot('node_modules', name, 'package.json'), 'utf8'));
    return [name, version];
  });
  return {
    command: `node ${process.argv
      .slice(1)
      .map((word) => word.replace(fromRoot(), ''))
      .join(' ')}`,
    date: new Date().toISOString(),
    commit: commit(),
    cpu: cpus()[0].model,
    processors: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    load: loadavg().map((value) => Number(value.toFixed(2))),
    platform: `${process.platform} ${process.arch}`,
    node: process.version,
    v8: process.versions.v8,
    gcc: versionOf('gcc'),
    packages: Object.fromEntries(versions),
    core: sha256(fromRoot('build/codec.wasm')),
    pack: { id: manifest.id, name: manifest.name, decoderSha256: manifest.files['decoder.bin'].sha256 },
  };
}

/** Writes bench/results/NAME, or OUT where a test run asks for another place. */
export function resultPath(name, folder) {
  const path = folder === undefined ? fromRoot('bench/results', name) : `${folder}/${name}`;
  mkdirSync(dirname(path), { recursive: true });
  return path;
}

/** Writes a result as JSON. @returns the path */
export function writeResult(name, value, folder) {
  const path = resultPath(name, folder);
  writeFileSync(path, `${JSON.stringify(value, undefined, 2)}\n`);
  console.error(`wrote ${path}`);
  return path;
}

/** Lines of a table with aligned columns; numbers to the right. */
export function table(columns, rows) {
  const cells = [columns, ...rows.map((row) => columns.map((column) => String(row[column] ?? '')))];
  const widths = columns.map((_, index) => Math.max(...cells.map((line) => line[index].length)));
  const numeric = (text) => /^[-+]?[\d.]/.test(text);
  return cells
    .map((line) => line.map((cell, i) => (numeric(cell) ? cell.padStart(widths[i]) : cell.padEnd(widths[i]))).join('  '))
    .join('\n');
}
