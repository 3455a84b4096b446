// Draws examples/screen.png: a picture of a screen with a window, text, a chart and flat areas. Needs no fonts: letters come
// from a 5×7 pixel alphabet in this file, so that the picture is the same on every machine.
import sharp from 'sharp';
import { fromRoot } from './setup.mjs';

const width = 640;
const height = 480;
const pixels = Buffer.alloc(width * height * 3);

// Each letter is 7 rows of 5 bits, the most significant bit on the left.
const alphabet = {
  a: [0, 0, 14, 1, 15, 17, 15],
  b: [16, 16, 30, 17, 17, 17, 30],
  c: [0, 0, 14, 17, 16, 17, 14],
  d: [1, 1, 15, 17, 17, 17, 15],
  e: [0, 0, 14, 17, 31, 16, 14],
  f: [6, 8, 28, 8, 8, 8, 8],
  g: [0, 15, 17, 17, 15, 1, 14],
  h: [16, 16, 30, 17, 17, 17, 17],
  i: [4, 0, 12, 4, 4, 4, 14],
  k: [16, 16, 18, 20, 24, 20, 18],
  l: [12, 4, 4, 4, 4, 4, 14],
  m: [0, 0, 26, 21, 21, 21, 21],
  n: [0, 0, 30, 17, 17, 17, 17],
  o: [0, 0, 14, 17, 17, 17, 14],
  p: [0, 30, 17, 17, 30, 16, 16],
  r: [0, 0, 22, 25, 16, 16, 16],
  s: [0, 0, 15, 16, 14, 1, 30],
  t: [8, 8, 28, 8, 8, 9, 6],
  u: [0, 0, 17, 17, 17, 19, 13],
  v: [0, 0, 17, 17, 17, 10, 4],
  w: [0, 0, 17, 17, 21, 21, 10],
  x: [0, 0, 17, 10, 4, 10, 17],
  y: [0, 17, 17, 17, 15, 1, 14],
  0: [14, 17, 19, 21, 25, 17, 14],
  1: [4, 12, 4, 4, 4, 4, 14],
  2: [14, 17, 1, 6, 8, 16, 31],
  8: [14, 17, 17, 14, 17, 17, 14],
  '=': [0, 0, 31, 0, 31, 0, 0],
  '(': [2, 4, 8, 8, 8, 4, 2],
  ')': [8, 4, 2, 2, 2, 4, 8],
  ';': [0, 4, 0, 0, 4, 4, 8],
  '.': [0, 0, 0, 0, 0, 12, 12],
  '+': [0, 4, 4, 31, 4, 4, 0],
};

function fill(left, top, right, bottom, colour) {
  for (let y = top; y < bottom; y++)
    for (let x = left; x < right; x++) for (let c = 0; c < 3; c++) pixels[(y * width + x) * 3 + c] = colour[c];
}

function write(text, left, top, colour, size = 1) {
  let x = left;
  for (const letter of text) {
    (alphabet[letter] ?? []).forEach((bits, row) => {
      for (let column = 0; column < 5; column++) {
        if (bits & (16 >> column)) fill(x + column * size, top + row * size, x + (column + 1) * size, top + (row + 1) * size, colour);
      }
    });
    x += 6 * size;
  }
}

const ink = [36, 41, 47];
const words = [
  'codec',
  'patch',
  'lane',
  'rate',
  'mode',
  'pixel',
  'grid',
  'tile',
  'anchor',
  'step',
  'bits',
  'stream',
  'picture',
  'choose',
  'write',
  'read',
];

// Desktop: a smooth gradient. Window: title bar, side bar, editor.
for (let y = 0; y < height; y++) {
  for (let x = 0; x < width; x++) pixels.set([40 + (x * 60) / width, 80 + (y * 70) / height, 140 + (x * 40) / width], (y * width + x) * 3);
}
fill(24, 24, 616, 456, [255, 255, 255]);
fill(24, 24, 616, 48, [222, 226, 230]);
const lights = [
  [235, 87, 87],
  [242, 201, 76],
  [39, 174, 96],
];
for (const [index, colour] of lights.entries()) fill(34 + index * 18, 31, 44 + index * 18, 41, colour);
write('picture codec', 250, 32, ink);
fill(24, 48, 150, 456, [246, 248, 250]);
for (let line = 0; line < 14; line++) {
  if (line === 4) fill(24, 56 + line * 18, 150, 72 + line * 18, [9, 105, 218]);
  write(`${words[line]}.${words[(line * 5 + 3) % 16]}`.slice(0, 18), 34, 60 + line * 18, line === 4 ? [255, 255, 255] : [87, 96, 106]);
}
for (let line = 0; line < 16; line++) {
  const y = 60 + line * 14;
  write(
    `${words[(line * 7) % 16]} ${words[(line * 3 + 1) % 16]} = ${words[(line * 5 + 2) % 16]}(${words[(line * 11 + 3) % 16]} + ${line % 2 ? '12' : '80'});`,
    166 + (line % 3) * 12,
    y,
    line % 4 === 0 ? [130, 80, 223] : line % 4 === 1 ? [17, 99, 41] : ink,
  );
}
write('rate', 166, 300, ink, 3);
// A bar chart and a line chart.
for (let bar = 0; bar < 12; bar++) fill(166 + bar * 18, 440 - ((bar * bar * 7 + 13 * bar) % 89) - 8, 178 + bar * 18, 440, [9, 105, 218]);
for (let x = 0; x < 190; x++) {
  const y = Math.round(430 - 90 * (1 - Math.exp(-x / 60)));
  fill(410 + x, y, 411 + x, y + 2, [207, 34, 46]);
}
fill(408, 330, 409, 441, ink);
fill(408, 440, 604, 441, ink);

await sharp(pixels, { raw: { width, height, channels: 3 } })
  .png({ compressionLevel: 9 })
  .toFile(fromRoot('examples/screen.png'));
