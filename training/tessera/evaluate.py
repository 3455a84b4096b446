"""Rate and distortion of a checkpoint on the held-out pictures, with hard rounding and the float context model.

    /usr/bin/python3 -m tessera.evaluate --data CACHE --checkpoint checkpoints/c22.pt     # [bpp, PSNR, J] of every anchor, as JSON
"""
import argparse
import json
import math

import torch
import torch.nn as nn

from .codec import Quantiser
from .data import Pictures, validation_pictures


@torch.no_grad()
def validate(codec, pictures, modes=(0,), anchors=None):
    """Mean over `pictures` (from data.validation_pictures) per anchor: [(bpp, PSNR of the mean MSE, J)].

    With several modes the best one is taken per picture, not per patch: a lower bound of what competition gives.
    """
    anchors = range(len(codec.lambdas)) if anchors is None else anchors
    totals = {anchor: [0.0, 0.0] for anchor in anchors}
    hard = Quantiser('hard')
    for _, pixels in pictures:
        for anchor in anchors:
            weight = codec.lambdas[anchor]
            grids = codec.analyse(pixels[None], anchor)
            best = None
            for mode in modes:
                error, rate = codec.costs(pixels[None], grids, mode, anchor, hard)
                cost = (error + weight * rate).item()
                if best is None or cost < best[0]:
                    best = (cost, error.item(), rate.item())
            totals[anchor][0] += best[1]
            totals[anchor][1] += best[2]
    count = len(pictures)
    rows = []
    for anchor in anchors:
        error, rate = totals[anchor][0] / count, totals[anchor][1] / count
        rows.append((rate, -10 * math.log10(error), error + codec.lambdas[anchor] * rate))
    return rows


@torch.no_grad()
def silent_share(codec, pictures, anchor):
    """Part of the units of the analysis at an anchor that are positive nowhere in any of `pictures`: once nearly all were, unnoticed."""
    active = {}

    def note(_module, _inputs, output):
        here = (output > 0).amax((0, 2, 3))
        active[calls[0]] = here | active.get(calls[0], here)
        calls[0] += 1

    hooks = [module.register_forward_hook(note) for module in codec.analysis.modules() if isinstance(module, nn.LeakyReLU)]
    for _, pixels in pictures:
        calls = [0]
        codec.analyse(pixels[None], anchor)
    for hook in hooks:
        hook.remove()
    units = torch.cat(list(active.values()))
    return 1 - units.float().mean().item()


def main():
    from .export import load_codec
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--data', required=True)
    parser.add_argument('--checkpoint', required=True)
    options = parser.parse_args()
    torch.set_flush_denormal(True)
    print(json.dumps(validate(load_codec(options.checkpoint)[0], validation_pictures(Pictures(options.data), 24))))


if __name__ == '__main__':
    main()
