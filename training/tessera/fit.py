"""Frequencies of the entropy coder's rows from what the codecs really code, instead of ideal Laplace rows.

Residuals of a class are not Laplace: the class is one eighth of a nat wide, and the context model errs. The rows are
counted on training crops with the integer context model, so they also absorb what its rounding costs.
"""
import numpy as np
import torch

from .analysis import GRIDS
from .codec import Quantiser
from .data import Crops
from .fixed_point import context_layers
from .integer import TAPS
from .tables import CLASSES, FRACTIONS, TOTAL, integer_row

PRIOR = 3000.0                # weight of the Laplace row in symbols
BATCHES = 64
MOST = 40                     # residuals beyond are counted here; every row's bound is smaller


def rows_of_taps(layers, taps, offsets):
    """FORMAT.md section 4 in float64, where it is exact too and BLAS makes it fast: integer parts and row numbers of samples by their 16 taps,
    which are clamped. Tested against integer.context_rows."""
    x = taps.astype(np.float64) * 256
    for k, weights, bias in layers[:2]:
        x = np.minimum(np.floor((np.maximum(x @ weights.T.astype(np.float64) + bias, 0) + (1 << (k - 1))) / (1 << k)), 32767)
    k, weights, bias = layers[2]
    sums = x @ weights.T.astype(np.float64) + bias
    value = (np.sign(sums) * np.floor((np.abs(sums) + (1 << (k - 1))) / (1 << k))).astype(np.int64)
    sixteenth = (np.clip(value[:, 0], -32512, 32512) + 8) >> 4
    integer = (sixteenth + 8) >> 4
    return integer, np.clip((value[:, 1] + offsets + 768) >> 5, 0, CLASSES - 1) * FRACTIONS + sixteenth - FRACTIONS * integer + 8


def rows_of_plane(latents, layers, offset):
    """integer.context_rows, fast."""
    height, width = latents.shape
    padded = np.zeros((height + 3, width + 6))
    padded[3:, 3:3 + width] = np.clip(latents, -127, 127)
    taps = np.stack([padded[3 + dy:3 + dy + height, 3 + dx:3 + dx + width] for dy, dx in TAPS], -1).reshape(-1, len(TAPS))
    return tuple(values.reshape(height, width) for values in rows_of_taps(layers, taps, offset))


@torch.no_grad()
def count(codec, crops, number, steps=((1.0, 0),)):
    """What the codecs code over `number` batches; codecs and steps (gain, Q8 offset) take turns.

    Returns residual counts [classes, fractions, 2 * MOST + 1] and the largest dequantised latents [modes, anchors, grids].
    """
    largest = np.zeros((codec.modes, len(codec.lambdas), GRIDS))
    counts = np.zeros((CLASSES, FRACTIONS, 2 * MOST + 1))
    hard = Quantiser('hard')
    for index in range(number):
        pixels = crops.next()
        mode, (gain, offset) = index % codec.modes, steps[index % len(steps)]
        for anchor in range(len(codec.lambdas)):
            grids = codec.analyse(pixels, anchor, gain, autocast=True)
            layers = context_layers(codec.decoders[mode][anchor])
            # A codec that is of no use at an anchor has enormous latents there: they must not cost the others their precision.
            reach = torch.stack([grid.abs().amax(dim=(0, 2, 3)) for grid in grids], 1) * codec.log_gain[:, anchor].exp()
            largest[:, anchor] = np.maximum(largest[:, anchor], reach.numpy())
            for values in codec.latents(grids, mode, anchor, gain):
                for plane in hard(values)[:, 0].numpy().astype(np.int64):
                    integers, rows = rows_of_plane(plane, layers, offset)
                    residuals = np.clip(plane - integers, -MOST, MOST) + MOST
                    np.add.at(counts, (rows // FRACTIONS, rows % FRACTIONS, residuals), 1)
    return counts, largest


def folded(counts):
    """Counts of fractions -8 … 0 with those of the mirrored rows added."""
    stored = {}
    for fraction in range(-8, 1):
        line = counts[:, fraction + 8].copy()
        if fraction == 0:
            line = (line + line[:, ::-1]) / 2
        elif fraction > -8:
            line = line + counts[:, 8 - fraction][:, ::-1]
        stored[fraction] = line
    return stored


def fitted_rows(rows, counts, prior=PRIOR):
    """tables.laplace_rows() with frequencies by `counts`; bounds and escape orders stay."""
    stored_counts = folded(counts)
    fitted = []
    for index, (bound, order, stored) in enumerate(rows):
        new = {}
        for fraction in range(-8, 1):
            line = stored_counts[fraction][index]
            inside = line[MOST - bound:MOST + bound + 1]
            seen = np.concatenate([[line[:MOST - bound].sum()], inside, [line[MOST + bound + 1:].sum()]])
            new[fraction] = integer_row(seen + prior * stored[fraction] / TOTAL)
        for fraction in range(1, 8):
            new[fraction] = new[-fraction][::-1]
        fitted.append((bound, order, new))
    return fitted


def bits(rows, counts):
    """Code length of `counts` under `rows`, escapes' bits not counted."""
    total = 0.0
    for index, (bound, _, stored) in enumerate(rows):
        for fraction in range(-8, 8):
            line = counts[index, fraction + 8]
            seen = np.concatenate([[line[:MOST - bound].sum()], line[MOST - bound:MOST + bound + 1],
                                   [line[MOST + bound + 1:].sum()]])
            total -= (seen * np.log2(stored[fraction] / TOTAL)).sum()
    return total


def fit(codec, pictures, rows, steps, batches=BATCHES, seed=31):
    """Rows fitted on training crops of 256², and the largest dequantised latents [modes, anchors, grids]. steps: tables.step_table(...)."""
    spread = [steps[len(steps) * sixth // 6] for sixth in (3, 1, 5)]
    counts, largest = count(codec, Crops(pictures, 256, 1, seed), batches, [(gain / 16384, offset) for gain, _, offset in spread])
    fitted = fitted_rows(rows, counts)
    print(f'fitted rows: {bits(fitted, counts) / bits(rows, counts):.5f} of the bits of Laplace rows, on the crops they were fitted to')
    return fitted, largest
