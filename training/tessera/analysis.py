"""The analysis transform: pixels to the seven grids of every codec, before gains.

Two parts are added. The *linear* part makes the untrained network a plain pyramid codec (TRAINING.md,
"linear start"): each grid of each codec is a mixture of Y, U, V at its own resolution and of coarser luma.
The *trunk* (LoC-LIC's hierarchy: channels grow as resolution falls, nothing at full resolution) refines it.
"""
from typing import NamedTuple

import torch
import torch.nn as nn
import torch.nn.functional as F

from .kernels import upsample

GRIDS = 7
DEEPENED = (1, 2, 3)


class Shape(NamedTuple):
    """How large a trunk is."""
    channels: dict            # per level
    stem: int                 # side of the first kernel
    blocks: range             # levels with a residual block
    slope: float              # of the rectifiers below 0: with 0, units die for good at these learning rates (PLAN.md, "dead trunks")


# 7.8 kMAC per pixel, and 1.2: the lowest effort analyses for one codec alone, several times as fast.
FULL = Shape({1: 32, 2: 48, 3: 64, 4: 64, 5: 64, 6: 64}, 6, range(1, GRIDS), 0.1)
PLAIN = FULL._replace(slope=0.0)
QUICK = Shape({1: 16, 2: 24, 3: 40, 4: 40, 5: 40, 6: 40}, 4, range(2, GRIDS), 0.0)
SHAPES = {'full': FULL, 'plain': PLAIN, 'quick': QUICK}

# Per assignment and grid: (which of Y, U, V, the coarser level that is subtracted or None). The lower the rate, the coarser
# the grids that luma may use and the coarser chroma is: chroma at 1/8 and 1/16 caps a photograph near 32 dB, at 1/2 and 1/4
# near 39 dB (training split). PLAN.md has what each gave at which rate.
ASSIGNMENTS = {
    'low': [('Y', 1), ('Y', 2), ('Y', 4), ('U', None), ('Y', 6), ('V', None), ('Y', None)],
    'middle': [('Y', 1), ('Y', 4), ('U', None), ('V', None), ('Y', 5), ('Y', 6), ('Y', None)],
    'high': [('Y', 3), ('U', None), ('V', None), ('Y', 4), ('Y', 5), ('Y', 6), ('Y', None)],
    # Not as good as those three on average, but each is the best for a part of all patches (PLAN.md, e4).
    'grey': [('Y', 1), ('Y', 2), ('Y', 3), ('Y', 6), ('U', None), ('V', None), ('Y', None)],
    'steep': [('Y', 1), ('Y', 2), ('Y', 5), ('U', None), ('V', None), ('Y', 6), ('Y', None)],
    'even': [('Y', 1), ('Y', 3), ('U', None), ('Y', 5), ('V', None), ('Y', 6), ('Y', None)],
    'green': [('Y', 3), ('V', None), ('U', None), ('Y', 4), ('Y', 5), ('Y', 6), ('Y', None)],
    'muted': [('Y', 2), ('U', None), ('Y', 4), ('V', None), ('Y', 5), ('Y', 6), ('Y', None)],
}
# Where the codecs of a head group start: the first is the generalist's, the others are those of its rivals.
VARIANTS = {
    'low': ('low', 'middle', 'grey', 'steep'),
    'middle': ('middle', 'low', 'high', 'even'),
    'high': ('high', 'middle', 'green', 'muted'),
}
COMPONENT = {'Y': 0, 'U': 1, 'V': 2}


def subtracted(group, grid):
    """The coarser levels of luma that any codec of a head group may subtract in a grid, ascending."""
    return sorted({ASSIGNMENTS[name][grid][1] for name in VARIANTS[group]} - {None})


def linear_start(group, grid, assignment):
    """Weights [3 + levels] of Y, U, V and of the subtracted levels that make a grid what `assignment` says."""
    component, minus = ASSIGNMENTS[assignment][grid]
    levels = subtracted(group, grid)
    weight = torch.zeros(3 + len(levels))
    weight[COMPONENT[component]] = 1
    if minus is not None:
        weight[3 + levels.index(minus)] = -1
    return weight


BICUBIC = (-0.03516, -0.10547, 0.26172, 0.87891)


def to_luma_chroma(pixels):
    """RGB [-0.5, 0.5] to Y = (R+2G+B)/4, U = (R-B)/2, V = (2G-R-B)/4."""
    red, green, blue = pixels[:, 0:1], pixels[:, 1:2], pixels[:, 2:3]
    return torch.cat([(red + 2 * green + blue) / 4, (red - blue) / 2, (2 * green - red - blue) / 4], 1)


def double(planes, kernel):
    """Bicubic doubling with replicated edges, the decoder's untrained upsampling. kernel [4]."""
    return upsample(F.pad(planes, (3, 3, 3, 3), mode='replicate'), kernel)[:, :, 3:-3, 3:-3]


class Modulation(nn.Module):
    """Scale and offset of every channel as functions of the rate: the same network aims at other whole numbers at other rates.

    forward(features [B, C, h, w], rate [1]) with the rate in natural units of the quantiser step, about -3 to 3. Starts as the identity.
    """

    def __init__(self, channels):
        super().__init__()
        self.scale = nn.Parameter(torch.zeros(3, channels))
        self.offset = nn.Parameter(torch.zeros(3, channels))

    def at(self, rate):
        """Factors and offsets [B, C]."""
        powers = torch.stack([rate / 2, (rate / 2) ** 2, (rate / 2) ** 3], 1)
        return 1 + powers @ self.scale, powers @ self.offset

    def forward(self, features, rate):
        factor, offset = self.at(rate)
        return features * factor.to(features.dtype)[:, :, None, None] + offset.to(features.dtype)[:, :, None, None]


def modulated(convolution, modulation, features, rate):
    """`modulation(convolution(features), rate)`. One rate for all is taken into the weights: encoders then need not pass over the features again."""
    if len(rate) > 1:
        return modulation(convolution(features), rate)
    factor, offset = modulation.at(rate)
    return F.conv2d(features, convolution.weight * factor.reshape(-1, 1, 1, 1), convolution.bias * factor[0] + offset[0],
                    convolution.stride, convolution.padding)


class ResidualBlock(nn.Module):
    def __init__(self, channels, slope):
        super().__init__()
        self.rectify = nn.LeakyReLU(slope)
        self.spatial = nn.Conv2d(channels, channels, 3, padding=1)
        self.mix = nn.Conv2d(channels, channels, 1)
        self.modulation = Modulation(channels)

    def forward(self, features, rate):
        return features + self.mix(self.rectify(modulated(self.spatial, self.modulation, features, rate)))


class Trunk(nn.Module):
    """Features at 1/2 … 1/64, each informed by the coarser ones."""

    def __init__(self, shape):
        super().__init__()
        channels = shape.channels
        self.shape = shape
        self.rectify = nn.LeakyReLU(shape.slope)
        # A side of 6 is the same as a 3x3 convolution on 2x2 blocks of pixels, without the copy that forms the blocks.
        self.stem = nn.Conv2d(3, channels[1], shape.stem, stride=2, padding=shape.stem // 2 - 1)
        self.down = nn.ModuleDict({str(level): nn.Conv2d(channels[level - 1], channels[level], 3, stride=2, padding=1)
                                   for level in range(2, GRIDS)})
        self.block = nn.ModuleDict({str(level): ResidualBlock(channels[level], shape.slope) for level in shape.blocks})
        self.top_down = nn.ModuleDict({str(level): nn.Conv2d(channels[level + 1], channels[level], 1)
                                       for level in range(1, GRIDS - 1)})
        self.after = nn.ModuleDict({str(level): nn.Conv2d(channels[level], channels[level], 1)
                                    for level in range(1, GRIDS)})
        self.modulation = nn.ModuleDict({str(level): Modulation(channels[level]) for level in range(1, GRIDS)})
        self.second = nn.ModuleDict()

    def deepen(self):
        """Adds a second block to each of the three finest levels, which changes nothing before it is trained: 4.6 kMAC per pixel."""
        for level in DEEPENED:
            block = ResidualBlock(self.shape.channels[level], self.shape.slope)
            nn.init.zeros_(block.mix.weight)
            nn.init.zeros_(block.mix.bias)
            self.second[str(level)] = block

    def at_level(self, level, entry, rate):
        features = self.rectify(entry)
        if str(level) in self.block:
            features = self.block[str(level)](features, rate)
        return self.second[str(level)](features, rate) if str(level) in self.second else features

    def forward(self, pixels, rate):
        features = {1: self.at_level(1, self.stem(pixels), rate)}
        for level in range(2, GRIDS):
            features[level] = self.at_level(level, self.down[str(level)](features[level - 1]), rate)
        for level in range(GRIDS - 2, 0, -1):
            coarse = self.top_down[str(level)](features[level + 1])
            features[level] = features[level] + F.interpolate(coarse, scale_factor=2, mode='nearest')
        return {level: self.rectify(modulated(self.after[str(level)], self.modulation[str(level)], features[level], rate)) for level in features}


class Analysis(nn.Module):
    """forward(pixels [B, 3, H, W], rate [B] or [1]) -> {group: [grid 0 … 6]}, grid i [B, modes, H/2^i, W/2^i].

    H and W are multiples of 64. `groups` names the head groups (VARIANTS), `shapes` the shape of each one's trunk. With `mode`, the grids are those of that codec alone.
    """

    def __init__(self, modes, groups, shapes):
        super().__init__()
        self.modes, self.groups = modes, tuple(groups)
        # One trunk per group: their anchors want different features, and encoders load one group's file anyway.
        self.trunk = nn.ModuleDict({group: Trunk(SHAPES[shapes[group]]) for group in self.groups})
        self.linear = nn.ParameterDict()
        self.head = nn.ModuleDict()
        for group in self.groups:
            for grid in range(GRIDS):
                self.linear[f'{group}{grid}'] = nn.Parameter(linear_start(group, grid, group).repeat(modes, 1))
                level = max(grid, 1)
                head = nn.Conv2d(SHAPES[shapes[group]].channels[level], modes * (4 if grid == 0 else 1), 1)
                with torch.no_grad():
                    head.weight.mul_(0.02)
                    head.bias.zero_()
                self.head[f'{group}{grid}'] = head
        self.register_buffer('bicubic', torch.tensor(BICUBIC), persistent=False)

    def deepen(self, groups):
        for group in groups:
            self.trunk[group].deepen()

    def deep_groups(self):
        return [group for group, trunk in self.trunk.items() if len(trunk.second)]

    def forward(self, pixels, rate, groups=None, autocast=False, mode=None):
        groups = groups or self.groups
        pick = slice(None) if mode is None else slice(mode, mode + 1)
        levels = [to_luma_chroma(pixels)]
        for _ in range(1, GRIDS):
            levels.append(F.avg_pool2d(levels[-1], 2))
        learned = {}
        with torch.autocast(pixels.device.type, dtype=torch.bfloat16, enabled=autocast):
            for group in groups:
                features = self.trunk[group](pixels.contiguous(memory_format=torch.channels_last), rate)
                for grid in range(GRIDS):
                    head, per_mode = self.head[f'{group}{grid}'], 4 if grid == 0 else 1
                    rows = slice(None) if mode is None else slice(mode * per_mode, (mode + 1) * per_mode)
                    learned[f'{group}{grid}'] = F.conv2d(features[max(grid, 1)], head.weight[rows], head.bias[rows])
        raised = {}

        def raise_to(source, target):
            """Luma of level `source` brought to the resolution of level `target`."""
            if (source, target) not in raised:
                raised[source, target] = (levels[source][:, :1] if source == target
                                          else double(raise_to(source, target + 1), self.bicubic))
            return raised[source, target]

        out = {}
        for group in groups:
            grids = []
            for grid in range(GRIDS):
                name = f'{group}{grid}'
                planes = [levels[grid]] + [raise_to(level, grid) for level in subtracted(group, grid)]
                linear = F.conv2d(torch.cat(planes, 1), self.linear[name][pick, :, None, None])
                correction = learned[name].float()
                grids.append(linear + (F.pixel_shuffle(correction, 2) if grid == 0 else correction))
            out[group] = grids
        return out
