"""Takes hidden units of the synthesis out of use, those that its colours miss least: decoders leave them out.

    /usr/bin/python3 -m tessera.prune --data CACHE --checkpoint RUN/checkpoint.pt --anchors 3,4,5 --units 28 --out PRUNED/checkpoint.pt

Optimal brain surgeon on the 1×1 layer (Hassibi and Stork 1993): over the units' values at training pixels, the rest takes over what it can of each
unit that goes, by least squares. Go on training afterwards: a unit that is out never comes back, for nothing reaches it.
"""
import argparse
import os

import torch

from .codec import Quantiser
from .data import Crops, Pictures
from .export import load_codec

SIDE, BATCH, BATCHES = 256, 2, 40
RIDGE = 1e-9


@torch.no_grad()
def moments(codec, mode, anchor, crops, batches):
    """Second moments [49, 49] of the hidden units and of 1 with hard rounding, float64."""
    decoder, hard = codec.decoders[mode][anchor], Quantiser('hard')
    units = len(decoder.b1)
    total = RIDGE * torch.eye(units + 1, dtype=torch.float64)
    for _ in range(batches):
        grids = codec.analyse(crops.next(), anchor, autocast=True)
        inverse = (-codec.log_gain[mode, anchor]).exp()
        features = decoder.features([hard(values) * inverse[grid] for grid, values in enumerate(codec.latents(grids, mode, anchor))])
        hidden = (decoder.w1 @ features.permute(1, 0, 2, 3).reshape(features.shape[1], -1) + decoder.b1[:, None]).clamp_min(0)
        hidden = torch.cat([hidden, torch.ones(1, hidden.shape[1])]).double()
        total += hidden @ hidden.T / (hidden.shape[1] * batches)
    return total


def fewest_missed(weights, total, units):
    """Weights [3, 49] of `units` units and of 1 that come nearest to what all of `weights` give; the others are 0."""
    weights, live = weights.clone(), list(range(len(total)))
    while len(live) > units + 1:
        inverse = torch.linalg.inv(total[live][:, live])
        own = weights[:, live]
        missed = own.square().sum(0) / inverse.diagonal()
        missed[-1] = float('inf')
        out = int(missed.argmin())
        weights[:, live] = own - own[:, out:out + 1] * (inverse[out] / inverse[out, out])
        weights[:, live[out]] = 0
        live.pop(out)
    return weights


@torch.no_grad()
def prune(decoder, total, units):
    """Leaves `units` hidden units of a decoder in use. `total` as from `moments`."""
    weights = fewest_missed(torch.cat([decoder.w2, decoder.b2[:, None]], 1).double(), total, units)
    decoder.w2.copy_(weights[:, :-1])
    decoder.b2.copy_(weights[:, -1])
    idle = (decoder.w2 == 0).all(0)
    # Never positive and without inputs: no gradient wakes it.
    decoder.w1[idle] = 0
    decoder.b1[idle] = -1


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--data', required=True)
    parser.add_argument('--checkpoint', required=True)
    parser.add_argument('--anchors', required=True, help='comma separated')
    parser.add_argument('--units', type=int, default=28)
    parser.add_argument('--out', required=True)
    parser.add_argument('--seed', type=int, default=51)
    options = parser.parse_args()
    codec, checkpoint = load_codec(options.checkpoint)
    pictures = Pictures(options.data)
    for anchor in map(int, options.anchors.split(',')):
        for mode in range(codec.modes):
            prune(codec.decoders[mode][anchor], moments(codec, mode, anchor, Crops(pictures, SIDE, BATCH, options.seed), BATCHES), options.units)
    os.makedirs(os.path.dirname(options.out) or '.', exist_ok=True)
    torch.save({**checkpoint, 'average': codec.state_dict(), 'codec': codec.state_dict()}, options.out)


if __name__ == '__main__':
    main()
