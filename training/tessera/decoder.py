"""The decoder of one codec at one rate anchor: context model, upsampling, synthesis (FORMAT.md sections 4 and 6)."""
import torch
import torch.nn as nn
import torch.nn.functional as F

from .analysis import ASSIGNMENTS, BICUBIC, GRIDS
from .kernels import context_bits, pointwise_synthesis, residual_convolution, smooth, upsample

HIDDEN = 48
CONTEXT = 16
# Y, U, V back to red, green, blue
TO_RGB = {'Y': (1.0, 1.0, 1.0), 'U': (1.0, 0.0, -1.0), 'V': (-1.0, 1.0, -1.0)}


def smoothing_start():
    """Taps [6, 4] of the filters that grids pass before they join the others, the middle one first. The same taps act along x and along y, so
    at 0 they would have no gradient and stay there for ever, as they did up to c12; their square is what they start by adding."""
    return torch.tensor([0.03, 0.0, 0.0, 0.0]).repeat(GRIDS - 1, 1)


class Decoder(nn.Module):
    """About 1.34k parameters. Starts as the inverse of the untrained analysis of `group`."""

    def __init__(self, group, generator):
        super().__init__()

        def small(*shape, scale):
            return nn.Parameter(torch.randn(*shape, generator=generator) * scale)

        # Context model: predicts mean 0 and a wide scale until it has learned better.
        self.context_w1 = small(CONTEXT, CONTEXT, scale=0.05)
        self.context_b1 = nn.Parameter(torch.zeros(CONTEXT))
        self.context_w2 = small(CONTEXT, CONTEXT, scale=0.05)
        self.context_b2 = nn.Parameter(torch.zeros(CONTEXT))
        self.context_w3 = small(2, CONTEXT, scale=0.02)
        self.context_b3 = nn.Parameter(torch.zeros(2))
        # Upsampling: row s is the step that produces grid resolution s.
        self.up = nn.Parameter(torch.tensor(BICUBIC).repeat(GRIDS - 1, 1))
        self.smooth = nn.Parameter(smoothing_start())
        # Synthesis: a pair of units carries each grid with both signs, the rest starts unconnected.
        w1 = torch.randn(HIDDEN, GRIDS, generator=generator) * 0.3
        w2 = torch.zeros(3, HIDDEN)
        for grid, (component, _) in enumerate(ASSIGNMENTS[group]):
            w1[2 * grid:2 * grid + 2] = 0
            w1[2 * grid, grid], w1[2 * grid + 1, grid] = 1, -1
            colour = torch.tensor(TO_RGB[component])
            w2[:, 2 * grid], w2[:, 2 * grid + 1] = colour, -colour
        self.w1 = nn.Parameter(w1)
        self.b1 = nn.Parameter(torch.zeros(HIDDEN))
        self.w2 = nn.Parameter(w2)
        self.b2 = nn.Parameter(torch.full((3,), 0.5))
        self.w3 = nn.Parameter(torch.zeros(3, 3, 3, 3))
        self.b3 = nn.Parameter(torch.zeros(3))
        self.w4 = nn.Parameter(torch.zeros(3, 3, 3, 3))
        self.b4 = nn.Parameter(torch.zeros(3))

    def context_weights(self):
        return (self.context_w1, self.context_b1, self.context_w2, self.context_b2, self.context_w3, self.context_b3)

    def bits(self, latents, log_scale_offset=0.0, importance=None):
        """latents: 7 tensors [B, 1, h, w] of (noisy) integers -> bits per item [B]. importance: per patch, [B, rows, columns] (`spread`)."""
        weights = self.context_weights()
        return sum(context_bits(grid[:, 0].contiguous(), *weights, log_scale_offset, spread(importance, grid)) for grid in latents)

    def features(self, values):
        """values: 7 grids [B, 1, h, w] -> what the synthesis sees, [B, 7, H + 4, W + 4]."""
        features = F.pad(values[GRIDS - 1], (3, 3, 3, 3), mode='replicate')
        for step in range(GRIDS - 2, -1, -1):
            margin = 3 if step else 2
            grid = values[step]
            finer = smooth(F.pad(grid, (margin + 3,) * 4, mode='replicate').contiguous(), self.smooth[step])
            doubled = upsample(features.contiguous(), self.up[step])
            crop = 3 - margin
            height, width = finer.shape[2:]
            doubled = doubled[:, :, crop:crop + height, crop:crop + width]
            features = torch.cat([finer, doubled], 1)
        return features

    def pixels(self, values):
        """values: 7 dequantised grids [B, 1, h, w] -> RGB [B, 3, H, W], nominal range [0, 1], not clamped."""
        features = self.features(values)
        colour = pointwise_synthesis(features.contiguous(), self.w1, self.b1, self.w2, self.b2)
        colour = residual_convolution(colour, self.w3, self.b3, True)
        return residual_convolution(colour, self.w4, self.b4, False)


def spread(importance, grid):
    """What each patch [B, rows, columns] counts, for each of its samples in a grid [B, 1, h, w]: [B, h, w]."""
    if importance is None:
        return None
    side = grid.shape[2] // importance.shape[1]
    return importance.repeat_interleave(side, 1).repeat_interleave(side, 2)
