/** The page: takes a picture, codes it in a worker at the chosen quality, and shows it beside what the browser's codecs make of as many bytes. */

import { decodeCodecs } from '../src/decode.js';
import { probe } from '../src/decoding.js';
import { Engine } from '../src/engine.js';
import { TesseraError } from '../src/errors.js';
import { psnr } from '../src/metrics.js';
import type { Progress } from '../src/types.js';
import { createWorkerCodec } from '../src/worker/client.js';
import { element } from './elements.js';
import { type Chosen, pictureOf, readBlob, readSample } from './pictures.js';
import { matchBytes, rivals } from './rivals.js';
import { showModes, showPicture, startStage } from './stage.js';

const quality = element('quality', HTMLInputElement);
const qualityValue = element('quality-value', HTMLOutputElement);
const progress = element('progress', HTMLProgressElement);
const status = element('status', HTMLParagraphElement);
const note = element('note', HTMLParagraphElement);
const rivalChoice = element('rival', HTMLSelectElement);
const figures = element('figures', HTMLTableSectionElement);
const download = element('download', HTMLAnchorElement);

const codec = createWorkerCodec({
  worker: () => new Worker('worker.js', { type: 'module' }),
  onnxruntime: { wasmPaths: { wasm: new URL('ort-wasm-simd-threaded.wasm', document.baseURI).href } },
});
const engine = new Engine();

/** One line of the table, and the picture behind it. */
interface Result {
  readonly name: string;
  readonly image: ImageData;
  readonly bytes?: number;
  readonly encodeMs?: number;
  readonly decodeMs?: number;
}

let chosen: Chosen | undefined;
let running: AbortController | undefined;
let results: Result[] = [];

/** Parts of the work that a stage takes, roughly; the bar only has to move forward. */
const shares: Record<Progress['stage'], readonly [from: number, to: number]> = {
  model: [0, 0.1],
  analyse: [0.1, 0.5],
  select: [0.5, 0.9],
  refine: [0.9, 0.9],
  code: [0.9, 0.95],
  synthesise: [0.95, 1],
};

function showProgress({ stage, loaded, total }: Progress): void {
  const [from, to] = shares[stage];
  progress.value = Math.max(progress.value, from + ((to - from) * loaded) / total);
}

/** Codes the picture at the quality of the slider. The run before is cancelled. */
async function run(): Promise<void> {
  if (chosen === undefined) return;
  running?.abort();
  const controller = new AbortController();
  running = controller;
  const { signal } = controller;
  const { image, name } = chosen;
  progress.value = 0;
  status.textContent = `Encoding ${image.width}×${image.height} pixels …`;
  try {
    const start = performance.now();
    const bytes = await codec.encode(image, {
      quality: Number(quality.value),
      signal,
      onProgress: showProgress,
      models: 'models/tessera-1/',
    });
    const encoded = performance.now();
    const decoded = (await codec.decode(bytes, { signal })) as ImageData;
    const decodeMs = performance.now() - encoded;
    const codecs = await decodeCodecs(engine, bytes, { signal });
    results = [{ name: 'Tessera', image: decoded, bytes: bytes.length, encodeMs: encoded - start, decodeMs }];
    showPicture('left', decoded);
    const { patch } = probe(bytes);
    showModes({ codecs, patch, columns: Math.ceil(image.width / patch), rows: Math.ceil(image.height / patch) });
    offer(bytes, name);
    status.textContent = 'Bringing the other codecs to as many bytes …';
    await addRivals(image, bytes.length, signal);
    progress.value = 1;
    status.textContent = `Done: ${image.width}×${image.height}, ${bytes.length.toLocaleString('en')} bytes.`;
  } catch (error) {
    if (signal.aborted) return;
    progress.value = 0;
    status.textContent = error instanceof TesseraError ? `${error.message} (${error.code})` : String(error);
  }
}

/** Adds the browser's codecs to the results. */
async function addRivals(image: ImageData, target: number, signal: AbortSignal): Promise<void> {
  const remarks: string[] = chosen?.note ? [chosen.note] : [];
  for (const { name, type } of rivals) {
    const match = await matchBytes(image, type, target, signal);
    signal.throwIfAborted();
    if (match === undefined) remarks.push(`This browser writes no ${name}.`);
    else {
      results.push({ name, ...match });
      if (match.over) remarks.push(`${name} is larger even at its lowest quality.`);
    }
  }
  results.push({ name: 'the original', image });
  remarks.push('JPEG and WebP are this browser’s own encoders at the best quality that needs no more bytes.');
  note.textContent = remarks.join(' ');
  showFigures(image);
  showChoices();
}

function showFigures(original: ImageData): void {
  const pixels = original.width * original.height;
  const rows = results.flatMap(({ name, image, bytes, encodeMs, decodeMs }) => {
    if (bytes === undefined) return [];
    const cells = [
      bytes.toLocaleString('en'),
      ((8 * bytes) / pixels).toFixed(3),
      psnr(original, image).toFixed(2),
      encodeMs?.toFixed(0) ?? '',
      decodeMs?.toFixed(0) ?? '',
    ];
    const row = document.createElement('tr');
    const head = document.createElement('th');
    head.scope = 'row';
    head.textContent = name;
    row.append(head, ...cells.map((text) => Object.assign(document.createElement('td'), { textContent: text })));
    return [row];
  });
  figures.replaceChildren(...rows);
}

/** Fills the list of pictures for the right side and keeps what was chosen. */
function showChoices(): void {
  const before = rivalChoice.value;
  const names = results.slice(1).map(({ name }) => name);
  rivalChoice.replaceChildren(...names.map((name) => new Option(name, name)));
  rivalChoice.value = names.includes(before) ? before : names[0];
  showRival();
}

function showRival(): void {
  const result = results.find(({ name }) => name === rivalChoice.value);
  if (result !== undefined) showPicture('right', result.image);
}

function offer(bytes: Uint8Array<ArrayBuffer>, name: string): void {
  if (download.href.startsWith('blob:')) URL.revokeObjectURL(download.href);
  download.href = URL.createObjectURL(new Blob([bytes], { type: 'image/x-tessera' }));
  download.download = `${name}.tsr`;
  download.hidden = false;
}

/** Takes a picture and starts on it. */
async function choose(read: Promise<Chosen>): Promise<void> {
  try {
    chosen = await read;
  } catch (error) {
    status.textContent = `This picture cannot be read: ${error instanceof Error ? error.message : String(error)}`;
    return;
  }
  results = [];
  showModes(undefined);
  showPicture('left', chosen.image);
  showPicture('right', chosen.image);
  await run();
}

const withoutExtension = (name: string): string => name.replace(/\.[^.]+$/, '');

function connect(): void {
  startStage();
  const file = element('file', HTMLInputElement);
  file.addEventListener('change', () => {
    const [first] = file.files ?? [];
    if (first !== undefined) choose(readBlob(first, withoutExtension(first.name)));
    file.value = '';
  });
  for (const button of document.querySelectorAll<HTMLButtonElement>('[data-sample]')) {
    button.addEventListener('click', () => choose(readSample(button.dataset.sample ?? '')));
  }
  for (const type of ['dragover', 'dragleave', 'drop'] as const) {
    document.addEventListener(type, (event) => {
      event.preventDefault();
      document.body.classList.toggle('dropping', type === 'dragover');
      const dropped = type === 'drop' ? pictureOf(event.dataTransfer) : undefined;
      if (dropped !== undefined) choose(readBlob(dropped, withoutExtension(dropped.name)));
    });
  }
  document.addEventListener('paste', (event) => {
    const pasted = pictureOf(event.clipboardData);
    if (pasted !== undefined) choose(readBlob(pasted, 'pasted'));
  });
  let waiting: ReturnType<typeof setTimeout> | undefined;
  quality.addEventListener('input', () => {
    qualityValue.value = quality.value;
    // The run before ends at once; the next begins when the slider rests.
    running?.abort();
    status.textContent = '';
    clearTimeout(waiting);
    waiting = setTimeout(run, 150);
  });
  rivalChoice.addEventListener('change', showRival);
}

connect();
choose(readSample('coffee'));
