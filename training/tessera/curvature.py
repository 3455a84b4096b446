"""How the squared error bends along single latents: what encoders weigh trades of latents with (assembly/refine/trade.ts)."""
import torch

from .analysis import GRIDS
from .codec import Quantiser

SHARE_FINE, SHARE_COARSE = 0.02, 0.2      # of the latents of a grid that are moved at once: few enough not to meet
FINE = 3
NEVER = 1.0                               # for a grid whose latents say nothing: no trade is worth it


def squared_error(codec, symbols, pixels, mode, anchor):
    """Mean over the channels, summed over the pixels."""
    _, output = codec.code(symbols, mode, anchor)
    return (output - pixels - 0.5).square().sum() / 3


def bends(codec, pixels, mode, anchor):
    """Second derivative of the squared error by a latent of each grid, from moves by one up or down of some of them: [(sum, moves)] * 7."""
    with torch.no_grad():
        grids = codec.analyse(pixels, anchor, autocast=True)
        symbols = [Quantiser('hard')(values) for values in codec.latents(grids, mode, anchor)]
    leaves = [values.clone().requires_grad_() for values in symbols]
    before = squared_error(codec, leaves, pixels, mode, anchor)
    slopes = torch.autograd.grad(before, leaves)
    out = []
    for grid in range(GRIDS):
        moved = (torch.rand_like(symbols[grid]) < (SHARE_FINE if grid < FINE else SHARE_COARSE)).float()
        moves = moved * (2.0 * torch.randint(0, 2, moved.shape) - 1)
        with torch.no_grad():
            after = squared_error(codec, [*symbols[:grid], symbols[grid] + moves, *symbols[grid + 1:]], pixels, mode, anchor)
        out.append((2 * (after - before - (slopes[grid] * moves).sum()).item(), moved.sum().item()))
    return out


def curvatures(codec, crops, batches):
    """[mode][anchor][grid]: means over crops, at a step gain of 1."""
    table = []
    for mode in range(codec.modes):
        table.append([])
        for anchor in range(len(codec.lambdas)):
            parts = [bends(codec, crops.next(), mode, anchor) for _ in range(batches)]
            sums = [[sum(values) for values in zip(*(part[grid] for part in parts))] for grid in range(GRIDS)]
            table[-1].append([total / count if total > 0 and count > 0 else NEVER for total, count in sums])
    return table
