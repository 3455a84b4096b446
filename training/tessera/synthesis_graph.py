"""synthesis.onnx: the decoder's upsampling and synthesis on patch windows, with the weights as inputs.

Inputs grid0 … grid6 [B, 1, P_i + 16, P_i + 16] (8 samples of margin, FORMAT.md section 6), kernels [6, 8] (row 0 is
step 5: k0…k3, s0…s3), scales [1, 7, 1, 1] (2^n of the features), w1 … b4; output colour [B, 3, P, P]. The numbers are in
the units of FORMAT.md's integers, clamped and rounded like them after every layer but the last;
the residual connections are in the weights; colour is in [0, 1].
"""
import torch
import torch.nn as nn
import torch.nn.functional as F

from .analysis import GRIDS
from .decoder import HIDDEN

MARGIN = 8


def nearest(values):
    """As an arithmetic shift of an integer rounds whose half has been added."""
    return torch.floor(values + 0.5)


class SynthesisGraph(nn.Module):
    def forward(self, *inputs):
        grids, (kernels, scales, w1, b1, w2, b2, w3, b3, w4, b4) = inputs[:GRIDS], inputs[GRIDS:]
        features, margin = grids[GRIDS - 1], MARGIN
        for step in range(GRIDS - 2, -1, -1):
            row = kernels[GRIDS - 2 - step]
            up = torch.cat([row[0:1], row[1:2], row[2:3], row[3:4], row[3:4], row[2:3], row[1:2], row[0:1]])
            taps = torch.cat([row[7:8], row[6:7], row[5:6], row[4:5], row[5:6], row[6:7], row[7:8]])
            channels = GRIDS - 1 - step
            planes = [features[:, c:c + 1] for c in range(channels)]
            # conv_transpose keeps every tap's output; the first sample with all taps lies 7 in, and so does the last.
            doubled = [F.conv_transpose2d(F.conv_transpose2d(plane, up.view(1, 1, 1, 8), stride=(1, 2)),
                                          up.view(1, 1, 8, 1), stride=(2, 1)) for plane in planes]
            # Raw output 0 of a window that starts at sample -margin lies at -2·margin - 3.
            keep = 5 if step else 2
            cut = 2 * margin + 3 - keep
            doubled = [plane[:, :, cut:-cut, cut:-cut] for plane in doubled]
            grid = grids[step]
            smoothed = grid[:, :, 3:-3, 3:-3] + F.conv2d(F.conv2d(grid, taps.view(1, 1, 1, 7)), taps.view(1, 1, 7, 1))
            trim = MARGIN - 3 - keep
            if trim:
                smoothed = smoothed[:, :, trim:-trim, trim:-trim]
            features, margin = torch.cat([smoothed] + doubled, 1), keep
        features = torch.round(features * scales).clamp(-32767, 32767)
        hidden = F.relu(nearest(F.conv2d(features, w1, b1)))
        colour = nearest(F.conv2d(hidden, w2, b2)).clamp(-32768, 32767)
        third = nearest(F.conv2d(colour, w3, b3)).clamp(0, 32767)
        return F.conv2d(third, w4, b4)


def write_synthesis_graph(path, patch=128):
    grids = [torch.zeros(2, 1, (patch >> i) + 2 * MARGIN, (patch >> i) + 2 * MARGIN) for i in range(GRIDS)]
    weights = [torch.zeros(GRIDS - 1, 8), torch.ones(1, GRIDS, 1, 1), torch.zeros(HIDDEN, GRIDS, 1, 1), torch.zeros(HIDDEN),
               torch.zeros(3, HIDDEN, 1, 1), torch.zeros(3), torch.zeros(3, 3, 3, 3), torch.zeros(3),
               torch.zeros(3, 3, 3, 3), torch.zeros(3)]
    names = [f'grid{i}' for i in range(GRIDS)]
    axes = {name: {0: 'patches', 2: f'{name}_height', 3: f'{name}_width'} for name in names}
    axes['colour'] = {0: 'patches', 2: 'height', 3: 'width'}
    torch.onnx.export(SynthesisGraph(), tuple(grids + weights), path, opset_version=13,
                      input_names=names + ['kernels', 'scales', 'w1', 'b1', 'w2', 'b2', 'w3', 'b3', 'w4', 'b4'],
                      output_names=['colour'], dynamic_axes=axes)
