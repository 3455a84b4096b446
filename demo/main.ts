/** The page: takes a picture, codes it in a worker at the chosen quality, and shows it beside what other codecs make of as many bytes. */

import { decodeModes } from '../src/decode.js';
import { probe } from '../src/decoding.js';
import { Engine } from '../src/engine.js';
import { TesseraError } from '../src/errors.js';
import { psnr } from '../src/metrics.js';
import { createWorkerCodec } from '../src/worker/client.js';
import { element } from './elements.js';
import { type Area, type Chosen, crop, pictureOf, readBlob, readSample } from './pictures.js';
import { measure, rivals } from './rivals.js';
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
let wantedRival = 'JPEG';

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
      // Effort 5 takes one codec, if in several modes; the competition is to be seen.
      effort: image.width * image.height < 2 ** 20 ? 7 : 5,
      signal,
      onProgress: ({ fraction }) => {
        progress.value = fraction;
      },
    });
    const encoded = performance.now();
    const decoded = (await codec.decode(bytes, { signal })) as ImageData;
    const decodeMs = performance.now() - encoded;
    const { modes, codecs } = await decodeModes(engine, bytes, { signal });
    results = [{ name: 'Tessera', image: decoded, bytes: bytes.length, encodeMs: encoded - start, decodeMs }];
    showPicture('left', decoded);
    const { patch } = probe(bytes);
    const layout = { patch, columns: Math.ceil(image.width / patch), rows: Math.ceil(image.height / patch) };
    showModes({ modes, codecs, ...layout, details: describeQuality });
    offer(bytes, name);
    await addRivals(image, bytes.length, signal);
    progress.value = 1;
    status.textContent = `Done: ${image.width}×${image.height}, ${bytes.length.toLocaleString('en')} bytes.`;
  } catch (error) {
    if (signal.aborted) return;
    progress.value = 0;
    status.textContent = error instanceof TesseraError ? `${error.message} (${error.code})` : String(error);
  }
}

/** Adds the other codecs to the results, each as soon as it is there. */
async function addRivals(image: ImageData, target: number, signal: AbortSignal): Promise<void> {
  const remarks: string[] = chosen?.note ? [chosen.note] : [];
  const show = (): void => {
    showFigures(image);
    showChoices(image);
  };
  show();
  for (const rival of rivals) {
    const { name } = rival;
    status.textContent = `Bringing ${name} to as many bytes …`;
    const result = await measure(rival, image, target, signal);
    signal.throwIfAborted();
    if (result === undefined) remarks.push(`This browser cannot show ${name}.`);
    else {
      results.push({ name, ...result });
      if (result.limit === 'lowest') remarks.push(`${name} is larger even at its lowest quality.`);
      if (result.limit === 'highest') remarks.push(`${name} is smaller even at its highest quality.`);
    }
    show();
  }
  remarks.push(
    'Each at its best quality that needs no more bytes: JPEG and WebP by this browser, AVIF by libaom at speed 6; this browser decodes the three.',
  );
  note.textContent = remarks.join(' ');
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

/** Fills the list of pictures for the right side. What the user chose comes back as soon as it is there again. */
function showChoices(original: ImageData): void {
  const choices = [...results.slice(1), { name: 'the original', image: original }];
  rivalChoice.replaceChildren(...choices.map(({ name }) => new Option(name, name)));
  rivalChoice.value = choices.some(({ name }) => name === wantedRival) ? wantedRival : choices[0].name;
  showRival();
}

function showRival(): void {
  const image = results.find(({ name }) => name === rivalChoice.value)?.image ?? chosen?.image;
  if (image !== undefined) showPicture('right', image);
}

/** How near each of the two pictures on the stage is to the original in one rectangle, in words. */
function describeQuality(area: Area): string {
  const original = chosen?.image;
  if (original === undefined) return '';
  const shown = results.filter(({ name }, index) => index === 0 || name === rivalChoice.value);
  return shown.map(({ name, image }) => `${name}: ${psnr(crop(original, area), crop(image, area)).toFixed(1)} dB`).join('\n');
}

function offer(bytes: Uint8Array<ArrayBuffer>, name: string): void {
  if (download.href.startsWith('blob:')) URL.revokeObjectURL(download.href);
  download.href = URL.createObjectURL(new Blob([bytes], { type: 'image/x-tessera' }));
  download.download = `${name}.tsr`;
  download.hidden = false;
}

/** Takes a picture and starts on it. */
async function choose(read: Promise<Chosen>): Promise<void> {
  status.textContent = 'Reading …';
  try {
    chosen = await read;
  } catch (error) {
    status.textContent = `This picture cannot be read: ${error instanceof Error ? error.message : String(error)}`;
    return;
  }
  // Nothing of the picture before stays beside this one.
  results = [];
  showFigures(chosen.image);
  showChoices(chosen.image);
  showModes(undefined);
  showPicture('left', chosen.image);
  note.textContent = '';
  download.hidden = true;
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
  rivalChoice.addEventListener('change', () => {
    wantedRival = rivalChoice.value;
    showRival();
  });
}

connect();
choose(readSample('coffee'));
