/** Two pictures one over the other, with a divider, and one zoom and position for both. */

import { contextOf, element } from './elements.js';
import { describePatch, drawLegend, drawMap, type ModeMap } from './modes.js';

const stage = element('stage', HTMLDivElement);
const layers = element('layers', HTMLDivElement);
const left = element('left', HTMLCanvasElement);
const right = element('right', HTMLCanvasElement);
const map = element('map', HTMLCanvasElement);
const divider = element('divider', HTMLDivElement);
const tip = element('tip', HTMLDivElement);
const legend = element('legend', HTMLUListElement);
const split = element('split', HTMLInputElement);
const showMap = element('show-map', HTMLInputElement);
const zoomValue = element('zoom-value', HTMLOutputElement);

let size = { width: 1, height: 1 };
/** Pixels of the page per pixel of the picture, and where its top left corner is; `fitted` follows the size of the page. */
let view = { scale: 1, x: 0, y: 0, fitted: true };
let modes: ModeMap | undefined;

function fitScale(): number {
  return Math.min(stage.clientWidth / size.width, stage.clientHeight / size.height);
}

function layOut(): void {
  if (view.fitted) {
    const scale = fitScale();
    view = {
      scale,
      x: (stage.clientWidth - size.width * scale) / 2,
      y: (stage.clientHeight - size.height * scale) / 2,
      fitted: true,
    };
  }
  layers.style.transform = `translate(${view.x}px, ${view.y}px) scale(${view.scale})`;
  stage.classList.toggle('magnified', view.scale > 1.5);
  zoomValue.value = `${Math.round(view.scale * 100)} %`;

  // The divider stands still in the page; the left picture is cut where it passes.
  const position = (Number(split.value) / 100) * stage.clientWidth;
  divider.style.left = `${position - 1}px`;
  const cut = Math.min(size.width, Math.max(0, (position - view.x) / view.scale));
  left.style.clipPath = `inset(0 ${size.width - cut}px 0 0)`;
}

/** Zooms by a factor about a point of the stage, its middle by default. */
function zoom(factor: number, x = stage.clientWidth / 2, y = stage.clientHeight / 2): void {
  const scale = Math.min(16, Math.max(Math.min(1, fitScale()) / 2, view.scale * factor));
  const ratio = scale / view.scale;
  view = { scale, x: x - (x - view.x) * ratio, y: y - (y - view.y) * ratio, fitted: false };
  layOut();
}

function move(x: number, y: number): void {
  view = { ...view, x: view.x + x, y: view.y + y, fitted: false };
  layOut();
}

function fit(): void {
  view = { ...view, fitted: true };
  layOut();
}

function draw(canvas: HTMLCanvasElement, image: ImageData): void {
  canvas.width = image.width;
  canvas.height = image.height;
  contextOf(canvas).putImageData(image, 0, 0);
}

/** Shows a picture on one side. A picture of another size is fitted anew. */
export function showPicture(side: 'left' | 'right', image: ImageData): void {
  if (image.width !== size.width || image.height !== size.height) {
    size = { width: image.width, height: image.height };
    view.fitted = true;
  }
  draw(side === 'left' ? left : right, image);
  layOut();
}

/** Shows which codec each patch took, when the box is ticked. */
export function showModes(next: ModeMap | undefined): void {
  modes = next;
  if (next !== undefined) {
    drawMap(map, next);
    drawLegend(legend, next);
    map.style.width = `${next.columns * next.patch}px`;
    map.style.height = `${next.rows * next.patch}px`;
    // Patches at the edges are cut by the picture.
    map.style.clipPath = `inset(0 ${next.columns * next.patch - size.width}px ${next.rows * next.patch - size.height}px 0)`;
  }
  map.hidden = next === undefined || !showMap.checked;
  legend.hidden = map.hidden;
  if (map.hidden) tip.hidden = true;
}

/** Says what patch is under a point of the stage. */
function explain(x: number, y: number): void {
  const pixelX = (x - view.x) / view.scale;
  const pixelY = (y - view.y) / view.scale;
  const inside = pixelX >= 0 && pixelY >= 0 && pixelX < size.width && pixelY < size.height;
  tip.hidden = modes === undefined || map.hidden || !inside;
  if (modes === undefined || tip.hidden) return;
  tip.textContent = describePatch(modes, pixelX, pixelY);
  tip.style.left = `${Math.min(x + 12, stage.clientWidth - tip.offsetWidth - 4)}px`;
  tip.style.top = `${Math.min(y + 12, stage.clientHeight - tip.offsetHeight - 4)}px`;
}

/** Connects pointers, wheel, keys and buttons. */
export function startStage(): void {
  const pointers = new Map<number, { x: number; y: number }>();
  let draggingDivider = false;
  const local = (event: MouseEvent): { x: number; y: number } => {
    const { left: x, top: y } = stage.getBoundingClientRect();
    return { x: event.clientX - x, y: event.clientY - y };
  };
  stage.addEventListener('pointerdown', (event) => {
    draggingDivider = event.target === divider;
    pointers.set(event.pointerId, local(event));
    stage.setPointerCapture(event.pointerId);
  });
  stage.addEventListener('pointermove', (event) => {
    const now = local(event);
    const before = pointers.get(event.pointerId);
    if (before === undefined) {
      explain(now.x, now.y);
      return;
    }
    pointers.set(event.pointerId, now);
    if (draggingDivider) {
      split.value = String((100 * now.x) / stage.clientWidth);
      layOut();
    } else if (pointers.size === 2) {
      // Two fingers: the distance zooms, about the finger that rests.
      const other = [...pointers].find(([id]) => id !== event.pointerId)?.[1] ?? now;
      const distance = (point: { x: number; y: number }): number => Math.max(1, Math.hypot(point.x - other.x, point.y - other.y));
      zoom(distance(now) / distance(before), other.x, other.y);
    } else move(now.x - before.x, now.y - before.y);
  });
  for (const type of ['pointerup', 'pointercancel'] as const) {
    stage.addEventListener(type, (event) => {
      pointers.delete(event.pointerId);
      if (type === 'pointerup') explain(local(event).x, local(event).y);
    });
  }
  stage.addEventListener('pointerleave', () => {
    tip.hidden = true;
  });
  stage.addEventListener(
    'wheel',
    (event) => {
      event.preventDefault();
      const { x, y } = local(event);
      zoom(1.0015 ** -event.deltaY, x, y);
    },
    { passive: false },
  );
  const keys: Record<string, () => void> = {
    '+': () => zoom(1.25),
    '=': () => zoom(1.25),
    '-': () => zoom(0.8),
    '0': fit,
    ArrowLeft: () => move(40, 0),
    ArrowRight: () => move(-40, 0),
    ArrowUp: () => move(0, 40),
    ArrowDown: () => move(0, -40),
  };
  stage.addEventListener('keydown', (event) => {
    if (!Object.hasOwn(keys, event.key) || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    keys[event.key]();
  });
  element('zoom-in', HTMLButtonElement).addEventListener('click', () => zoom(1.25));
  element('zoom-out', HTMLButtonElement).addEventListener('click', () => zoom(0.8));
  element('zoom-fit', HTMLButtonElement).addEventListener('click', fit);
  split.addEventListener('input', layOut);
  showMap.addEventListener('change', () => showModes(modes));
  new ResizeObserver(layOut).observe(stage);
}
