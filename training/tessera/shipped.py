"""Latents as the encoder ships them (training/latents.mjs), as what the context model sees of them (FORMAT.md section 4)."""
import json
from dataclasses import dataclass

import numpy as np

from .analysis import GRIDS
from .fit import MOST
from .integer import TAPS

PATCH, TILE = 128, 512
FINEST_TILED = 2              # the coarser grids know no tiles


@dataclass
class Samples:
    """Samples of one codec at one anchor. Where all taps are 0 only the offset matters, so these are counted: offset → symbols −40 … 40."""
    taps: np.ndarray          # [n, 16] int8, as far as the clamp of the format lets them be
    symbols: np.ndarray       # [n] int16
    offsets: np.ndarray       # [n] int16: log-scale offset of the file's step and of its grid
    quiet: dict

    @property
    def count(self):
        return len(self.symbols) + sum(int(seen.sum()) for seen in self.quiet.values())


def taps_of_plane(plane, grid):
    """[height, width, 16]: what the taps of every sample read, patches and tiles seen to."""
    height, width = plane.shape
    padded = np.zeros((height + 3, width + 6), np.int8)
    padded[3:, 3:3 + width] = np.clip(plane, -127, 127)
    side, tile = PATCH >> grid, TILE >> grid
    y, x = np.mgrid[:height, :width]
    columns = -(-width // side)
    own = (y // side) * columns + x // side
    taps = np.empty((height, width, len(TAPS)), np.int8)
    for tap, (dy, dx) in enumerate(TAPS):
        there_y, there_x = y + dy, x + dx
        later = (there_y >= 0) & (there_x >= 0) & (there_x < width) & ((there_y // side) * columns + there_x // side > own)
        if grid <= FINEST_TILED:
            later |= (there_y // tile != y // tile) | (there_x // tile != x // tile)
        taps[..., tap] = np.where(later, 0, padded[3 + dy:3 + dy + height, 3 + dx:3 + dx + width])
    return taps


def read_samples(path, anchor):
    """Samples of one anchor from PATH.json and PATH.bin."""
    with open(path + '.json') as file:
        files = json.load(file)['files']
    latents = np.memmap(path + '.bin', dtype='<i2', mode='r')
    taps, symbols, offsets, quiet = [], [], [], {}
    for entry in files:
        if entry['anchor'] != anchor:
            continue
        at = entry['at'] // 2
        for grid in range(GRIDS):
            width, height = (-(-entry[side] // (1 << grid)) for side in ('width', 'height'))
            plane = np.asarray(latents[at:at + width * height]).reshape(height, width)
            at += width * height
            seen = taps_of_plane(plane, grid).reshape(-1, len(TAPS))
            lively = seen.any(1)
            offset = entry['offsets'][grid]
            taps.append(seen[lively])
            symbols.append(plane.reshape(-1)[lively])
            offsets.append(np.full(lively.sum(), offset, np.int16))
            alone = np.clip(plane.reshape(-1)[~lively], -MOST, MOST) + MOST
            quiet[offset] = quiet.get(offset, 0) + np.bincount(alone, minlength=2 * MOST + 1)
    return Samples(np.concatenate(taps), np.concatenate(symbols), np.concatenate(offsets), quiet)
