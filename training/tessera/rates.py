"""From quality to anchor and step: rates are measured on the held-out pictures, then spread evenly over quality."""
import math

import numpy as np
import torch

from .codec import Quantiser

MEASURED_STEPS = 7  # step rows that are coded for real; the ones between are interpolated
AT_A_BORDER = 0.7   # of the growth elsewhere, where the anchor changes: other pictures may find the next anchor dearer by a percent or two
LEAST_RATE = 0.05   # bits per pixel of quality 0: below, a picture is of no use, and the steps above would be the coarser for it


@torch.no_grad()
def measure(codec, pictures, gains):
    """Mean bits per pixel and mean squared error, two arrays [anchors, len(gains)], over `pictures` (data.validation_pictures)."""
    hard = Quantiser('hard')
    rate, error = np.zeros((2, len(codec.lambdas), len(gains)))
    for anchor in range(len(codec.lambdas)):
        for index, gain in enumerate(gains):
            for _, pixels in pictures:
                grids = codec.analyse(pixels[None], anchor, gain, autocast=True)
                errors, rates = codec.costs(pixels[None], grids, 0, anchor, hard, gain)
                error[anchor, index] += errors.item() / len(pictures)
                rate[anchor, index] += rates.item() / len(pictures)
    return rate, error


def spread_targets(first, last, borders):
    """101 logarithms of rates, evenly spaced but for the intervals in which the anchor changes."""
    growth = np.ones(100)
    for _ in range(10):
        targets = first + (last - first) * np.concatenate([[0], np.cumsum(growth) / growth.sum()])
        growth = np.ones(100)
        for border in borders:
            if first < border < last:
                growth[np.searchsorted(targets, border) - 1] = AT_A_BORDER
    return targets


def quality_table(codec, pictures, steps):
    """101 pairs (anchor, step): log-rate grows evenly with quality (`spread_targets`), each rate by the anchor with the least error there.

    steps: tables.step_table(...). Rates rise with quality by construction on the mean of the pictures.
    """
    gains = [row[0] / 16384 for row in steps]
    chosen = np.unique(np.linspace(0, len(gains) - 1, MEASURED_STEPS).round().astype(int))
    rate, error = measure(codec, pictures, [gains[index] for index in chosen])
    rows = np.arange(len(gains))
    log_rate = np.array([np.interp(rows, chosen, np.log(line)) for line in rate])
    log_error = np.array([np.interp(rows, chosen, np.log(line)) for line in error])
    anchors = len(codec.lambdas)
    # Neighbours meet where their errors are equal at equal rate.
    borders = []
    for anchor in range(anchors - 1):
        low, high = log_rate[anchor + 1, 0], log_rate[anchor, -1]
        if low >= high:
            borders.append((low + high) / 2)
            continue
        common = np.linspace(low, high, 400)
        gap = (np.interp(common, log_rate[anchor + 1], log_error[anchor + 1])
               - np.interp(common, log_rate[anchor], log_error[anchor]))
        better = np.nonzero(gap <= 0)[0]
        borders.append(common[better[0]] if len(better) else common[-1])
    table = []
    for target in spread_targets(max(log_rate[0, 0], math.log(LEAST_RATE)), log_rate[-1, -1], borders):
        anchor = sum(target > border for border in borders)
        table.append((int(anchor), int(np.abs(log_rate[anchor] - target).argmin())))
    print('quality', [(anchor, step, round(math.exp(log_rate[anchor, step]), 4)) for anchor, step in table[::5]], flush=True)
    return table
