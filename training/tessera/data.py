"""Random training crops and fixed validation pictures from the cache of prepare-data.mjs."""
import json
import os

import numpy as np
import torch
import torch.nn.functional as F

# Share of crops that are box-reduced by two: the training pictures are AVIF at about 42 dB, and reduction
# washes its traces out, which matters for the anchors above 37 dB.
REDUCED_SHARE = 0.35
# Screens are 4 % of the pictures; they are drawn more often than that because nothing else teaches text.
KIND_WEIGHT = {'p': 1.0, 'i': 1.0, 's': 1.5}


class Pictures:
    """The memory-mapped cache. Pixels come out as float32 [3, height, width] in [-0.5, 0.5]."""

    def __init__(self, directory):
        with open(os.path.join(directory, 'index.json')) as file:
            self.entries = json.load(file)
        self.pixels = np.memmap(os.path.join(directory, 'pixels.bin'), dtype=np.uint8, mode='r')

    def split(self, name):
        return [entry for entry in self.entries if entry['split'] == name]

    def rows(self, entry):
        size = entry['width'] * entry['height'] * 3
        flat = self.pixels[entry['offset']:entry['offset'] + size]
        return flat.reshape(entry['height'], entry['width'], 3)

    def window(self, entry, x, y, width, height):
        block = np.ascontiguousarray(self.rows(entry)[y:y + height, x:x + width])
        return torch.from_numpy(block).permute(2, 0, 1).float() / 255 - 0.5


class Crops:
    """Seeded stream of batches [batch, 3, side, side]: pictures drawn by area, flipped at random."""

    def __init__(self, pictures, side, batch, seed):
        self.pictures = pictures
        self.entries = [e for e in pictures.split('train') if min(e['width'], e['height']) >= side]
        weight = np.array([KIND_WEIGHT[e['kind']] * e['width'] * e['height'] for e in self.entries], dtype=float)
        self.probability = weight / weight.sum()
        self.side, self.batch = side, batch
        self.random = np.random.default_rng(seed)

    def crop(self):
        entry = self.entries[self.random.choice(len(self.entries), p=self.probability)]
        reduce = self.random.random() < REDUCED_SHARE and min(entry['width'], entry['height']) >= 2 * self.side
        side = self.side * (2 if reduce else 1)
        x = int(self.random.integers(0, entry['width'] - side + 1))
        y = int(self.random.integers(0, entry['height'] - side + 1))
        pixels = self.pictures.window(entry, x, y, side, side)
        if reduce:
            pixels = F.avg_pool2d(pixels[None], 2)[0]
        if self.random.random() < 0.5:
            pixels = pixels.flip(2)
        if self.random.random() < 0.25:
            pixels = pixels.transpose(1, 2)
        return pixels

    def next(self):
        return torch.stack([self.crop() for _ in range(self.batch)])


def validation_pictures(pictures, limit=24, side_limit=512, kinds='pis'):
    """Held-out pictures of the kinds photograph, illustration, screen, cut to multiples of 64 from the top left, spread over the kinds."""
    held = [entry for entry in pictures.split('validation') if entry['kind'] in kinds]
    by_kind = {kind: [e for e in held if e['kind'] == kind] for kind in 'pis'}
    screens = by_kind['s'][:4]
    chosen = (by_kind['p'] + by_kind['i'])[:limit - len(screens)] + screens
    out = []
    for entry in chosen:
        width = min(entry['width'], side_limit) // 64 * 64
        height = min(entry['height'], side_limit) // 64 * 64
        out.append((entry, pictures.window(entry, 0, 0, width, height)))
    return out
