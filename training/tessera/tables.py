"""Integer tables of a pack: rows of Laplace frequencies, rate steps, quality (FORMAT.md section 7)."""
import math

import numpy as np

CLASSES = 64
FRACTIONS = 16
TOTAL = 1 << 15
LARGEST_RESIDUAL = 31
TAIL = 2.0 ** -12
STEP_COUNT = 201
STEP_REACH = 0.7


def class_scale(index):
    """Laplace scale b of a class: the centre of ln b in [-3 + index/8, -3 + (index+1)/8)."""
    return math.exp(-3 + (index + 0.5) / 8)


def laplace_below(x, scale):
    """Probability that a Laplace variable of mean 0 is below x."""
    return 0.5 * math.exp(x / scale) if x < 0 else 1 - 0.5 * math.exp(-x / scale)


def interval(low, high, scale):
    """Mass of [low, high], accurate in both tails."""
    if low >= 0:
        return laplace_below(-low, scale) - laplace_below(-high, scale)
    return laplace_below(high, scale) - laplace_below(low, scale)


def row_probabilities(index, fraction, bound):
    """Probabilities of below, residuals -bound ... bound, above, for mean fraction/16."""
    scale, mean = class_scale(index), fraction / 16
    inside = [interval(r - 0.5 - mean, r + 0.5 - mean, scale) for r in range(-bound, bound + 1)]
    below = laplace_below(-bound - 0.5 - mean, scale)
    above = laplace_below(-(bound + 0.5 - mean), scale)
    return np.array([below] + inside + [above])


def integer_row(probabilities):
    """Frequencies of at least 1 that add up to 2^15 with the least increase of the code length."""
    exact = probabilities / probabilities.sum() * TOTAL
    frequencies = np.maximum(1, np.floor(exact)).astype(np.int64)
    while frequencies.sum() != TOTAL:
        short = frequencies.sum() < TOTAL
        if short:
            gain = exact * (np.log2(frequencies + 1) - np.log2(frequencies))
            frequencies[np.argmax(gain)] += 1
        else:
            loss = np.where(frequencies > 1, exact * (np.log2(frequencies) - np.log2(np.maximum(frequencies - 1, 0.5))),
                            np.inf)
            frequencies[np.argmin(loss)] -= 1
    return frequencies


def class_bound(index):
    """Smallest n in 1 ... 31 whose two escapes together stay under 2^-12 for every fraction."""
    for bound in range(1, LARGEST_RESIDUAL + 1):
        if all(sum(row_probabilities(index, f, bound)[[0, -1]]) < TAIL for f in range(-8, 8)):
            return bound
    return LARGEST_RESIDUAL


def escape_order(index):
    """Exp-Golomb order near log2 of the mean excess (the Laplace tail is exponential with mean b)."""
    return int(np.clip(round(math.log2(max(1.0, class_scale(index) * math.log(2)))), 0, 15))


def laplace_rows():
    """[(n, order, {fraction: frequencies for fraction -8 ... 7})] for the 64 classes."""
    rows = []
    for index in range(CLASSES):
        bound = class_bound(index)
        stored = {f: integer_row(row_probabilities(index, f, bound)) for f in range(-8, 1)}
        for f in range(1, 8):
            stored[f] = stored[-f][::-1]
        rows.append((bound, escape_order(index), stored))
    return rows


def step_table(anchor_ratio):
    """Rows (gain Q14, inverse gain Q14, log-scale offset Q8): gains around an anchor, the middle one is 1.

    anchor_ratio: quotient of neighbouring lambdas. lambda goes with the gain to the power -2. The rows reach STEP_REACH of
    the distance to the next anchor, so that neighbouring anchors overlap and scales of quality can choose between them.
    """
    rows = []
    for index in range(STEP_COUNT):
        exponent = STEP_REACH * (2 * index / (STEP_COUNT - 1) - 1)
        gain = math.sqrt(anchor_ratio) ** exponent
        rows.append((round(gain * 16384), round(16384 / gain), round(256 * math.log(gain))))
    return rows


def even_scale(lambdas, steps):
    """101 pairs (anchor, step) whose lambda falls evenly in logarithm. A scale to begin with: training/qualities.mjs fits it to real files."""
    weights = np.log(lambdas)[:, None] - 2 * np.log([row[0] / 16384 for row in steps])[None, :]
    scale = []
    for wanted in np.linspace(weights[0, 0], weights[-1, -1], 101):
        anchor = int(np.abs(np.log(lambdas) - wanted).argmin())
        scale.append((anchor, int(np.abs(weights[anchor] - wanted).argmin())))
    return scale
