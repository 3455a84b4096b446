"""M codecs at R rate anchors around one analysis, and their rate-distortion loss."""
import math

import torch
import torch.nn as nn

from .analysis import GRIDS, Analysis
from .decoder import Decoder, spread
from .kernels import context_bits_map, noisy_round

# Rate anchors: the weight of bits per pixel against the mean squared error of pixels in [0, 1], and the head group (analysis.VARIANTS) of
# each. Within a group they are up to 3 apart; where two groups meet at equal J their rates are far apart, so each reaches towards the other.
LAMBDAS = (2.9e-2, 9.7e-3, 4.8e-3, 3.2e-3, 1.08e-3, 5.4e-4, 3.6e-4, 1.2e-4)
ANCHOR_GROUPS = ('low', 'low', 'low', 'middle', 'middle', 'middle', 'high', 'high')

# Logarithm of the gains at lambda = 0.002; the fine grids start low or they spend bits they should not (TRAINING.md).
START_LOG_GAIN = {
    'low': (1.1, 1.7, 2.4, 2.8, 3.2, 3.4, 3.6),
    'middle': (1.3, 1.7, 2.4, 2.8, 3.2, 3.4, 3.6),
    'high': (1.8, 2.0, 2.4, 2.8, 3.2, 3.4, 3.6),
}


def patch_means(values, side):
    """Means over squares of `side`: [B, H, W] -> [B, H // side, W // side]."""
    count, height, width = values.shape
    return values.view(count, height // side, side, width // side, side).mean((2, 4))


class Quantiser:
    """Stand-in for rounding: 'noise' anneals soft rounding with noise, 'hard' rounds and has no gradient, 'straight' rounds with the gradient of the identity."""

    def __init__(self, kind, progress=0.0):
        self.kind = kind
        self.temperature = 0.3 + (0.1 - 0.3) * progress
        self.shape = 1 + 1.0 * progress

    def __call__(self, values):
        if self.kind == 'hard':
            return torch.round(values)
        if self.kind == 'straight':
            return values + (torch.round(values) - values).detach()
        return noisy_round(values.contiguous(), torch.rand_like(values), self.temperature, self.shape)


class Codec(nn.Module):
    """All weights of a pack. decoders[mode][anchor], log_gain[mode, anchor, grid]. `shape` names that of every trunk, or of each group's (analysis.SHAPES)."""

    def __init__(self, modes=1, lambdas=LAMBDAS, groups=ANCHOR_GROUPS, seed=0, shape='full'):
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        self.modes, self.lambdas, self.groups = modes, tuple(lambdas), tuple(groups)
        self.shape = shape if isinstance(shape, dict) else {group: shape for group in sorted(set(groups))}
        self.analysis = Analysis(modes, sorted(set(groups)), self.shape)
        self.decoders = nn.ModuleList([
            nn.ModuleList([Decoder(group, generator) for group in groups]) for _ in range(modes)])
        gains = torch.tensor([[value + 0.5 * math.log(0.002 / weight) for value in START_LOG_GAIN[group]]
                              for weight, group in zip(lambdas, groups)])
        self.log_gain = nn.Parameter(gains.repeat(modes, 1, 1))

    def rate(self, anchor, step=1.0):
        """What the analysis is told: half the logarithm of the quantiser's resolution against that at lambda = 0.002."""
        return 0.5 * math.log(0.002 / self.lambdas[anchor]) + math.log(step)

    def analyse(self, pixels, anchor, step=1.0, autocast=False):
        """The seven grids of every codec for pixels [B, 3, H, W] at one rate."""
        return self.analysis(pixels, torch.full((1,), self.rate(anchor, step), device=pixels.device),
                             (self.groups[anchor],), autocast)[self.groups[anchor]]

    def latents(self, grids, mode, anchor, step=1.0):
        """Scaled, unrounded latents of one codec: 7 tensors [B, 1, h, w]. `grids` is the group's analysis output, of all codecs or of this one."""
        gain = self.log_gain[mode, anchor].exp() * step
        own = [grid if grid.shape[1] == 1 else grid[:, mode:mode + 1] for grid in grids]
        return [own[grid] * gain[grid] for grid in range(GRIDS)]

    def code(self, symbols, mode, anchor, step=1.0, tied=True, importance=None):
        """Rounded (or noisy) latents -> (bits per item [B], RGB [B, 3, H, W] in nominal [0, 1]).

        tied: whether the gains learn. With symbols that are given they must not: what they do to the rate would be missing.
        """
        bits = self.decoders[mode][anchor].bits(symbols, math.log(step), importance)
        return bits, self.reconstruct(symbols, mode, anchor, step, tied)

    def reconstruct(self, symbols, mode, anchor, step=1.0, tied=True):
        """RGB of `code`."""
        gain = self.log_gain[mode, anchor]
        inverse = (-(gain if tied else gain.detach())).exp() / step
        return self.decoders[mode][anchor].pixels([symbols[grid] * inverse[grid] for grid in range(GRIDS)])

    def costs(self, pixels, grids, mode, anchor, quantiser, step=1.0, importance=None):
        """Per item: (mean squared error on [0, 1] [B], bits per pixel [B]) for pixels in [-0.5, 0.5].

        With hard rounding only the decoder learns, from the very symbols it will see.
        importance: [B, rows, columns] of patches, how much each counts; an item's costs are means over its patches.
        """
        hard = quantiser.kind == 'hard'
        if hard:
            grids = [grid.detach() for grid in grids]
        symbols = [quantiser(values) for values in self.latents(grids, mode, anchor, step)]
        if hard:
            symbols = [grid.detach() for grid in symbols]
        bits, output = self.code(symbols, mode, anchor, step, tied=not hard, importance=importance)
        error = (output - pixels - 0.5).square().mean(1)
        if importance is not None:
            error = error * spread(importance, pixels)
        error = error.mean((1, 2))
        return error, bits / (pixels.shape[2] * pixels.shape[3])

    @torch.no_grad()
    def patch_costs(self, pixels, grids, mode, anchor, side, step=1.0):
        """J of every patch of `side` pixels, all coded by one codec with hard rounding: [B, rows, columns]."""
        symbols = [Quantiser('hard')(values) for values in self.latents(grids, mode, anchor, step)]
        output = self.reconstruct(symbols, mode, anchor, step)
        error = patch_means((output - pixels - 0.5).square().mean(1), side)
        rate = sum(patch_means(bits, side >> grid) / 4 ** grid for grid, bits in enumerate(self.bit_maps(symbols, mode, anchor, step)))
        return error + self.lambdas[anchor] / step ** 2 * rate

    def bit_maps(self, symbols, mode, anchor, step=1.0):
        """Bits of every symbol, 7 tensors [B, h, w] (no gradient)."""
        weights = self.decoders[mode][anchor].context_weights()
        return [context_bits_map(grid[:, 0].contiguous(), *weights, math.log(step)) for grid in symbols]

    def parameter_groups(self, scale=1.0):
        """Learning rates per group: one rate for all diverges (TRAINING.md)."""
        rates = {'trunk': 1e-3, 'analysis': 1e-3, 'context': 3e-3, 'synthesis': 5e-4, 'kernels': 5e-5, 'gain': 5e-3}
        members = {name: [] for name in rates}
        for name, parameter in self.named_parameters():
            if name == 'log_gain':
                members['gain'].append(parameter)
            elif name.startswith('analysis.trunk'):
                members['trunk'].append(parameter)
            elif name.startswith('analysis'):
                members['analysis'].append(parameter)
            elif '.context_' in name:
                members['context'].append(parameter)
            elif name.endswith('.up') or name.endswith('.smooth'):
                members['kernels'].append(parameter)
            else:
                members['synthesis'].append(parameter)
        return [{'params': members[name], 'lr': rates[name] * scale, 'base_lr': rates[name] * scale, 'name': name}
                for name in rates]
