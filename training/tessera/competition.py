"""From one codec to M: cloning, assignment by J, winner updates (PAPERS.md sections 7d and 9)."""
import math

import torch

from .analysis import GRIDS, VARIANTS, linear_start
from .codec import START_LOG_GAIN, Codec
from .decoder import Decoder, smoothing_start

COARSE = 3                    # grids from this one on are coarse: 1.6 % of all samples
LIVE = 0.02                   # share of the patches under which a codec is not worth its weights


def allocation(usage, modes):
    """Which codec each of `modes` codecs starts as: 0 first, every live rival once, the rest clones of those with the most patches.

    usage: share of the patches of each codec, the generalist's first.
    """
    counts = {mode: 1 for mode in range(len(usage)) if mode == 0 or usage[mode] >= LIVE}
    sources = list(counts)
    while len(sources) < modes:
        most = max(counts, key=lambda mode: usage[mode] / (counts[mode] + 1))
        counts[most] += 1
        sources.append(most)
    return sources


def split(codec, sources, spread=0.0, seed=7):
    """A codec set whose mode m starts as mode sources[m] of `codec`.

    spread: relative size of the random difference given to the synthesis and heads of a codec that is there already.
    """
    generator = torch.Generator().manual_seed(seed)
    larger = Codec(modes=len(sources), lambdas=codec.lambdas, groups=codec.groups, shape=codec.shape)
    larger.analysis.deepen(codec.analysis.deep_groups())
    source, target = codec.state_dict(), larger.state_dict()
    first = [origin not in sources[:mode] for mode, origin in enumerate(sources)]

    def jitter(value):
        if not spread:
            return value
        return value * (1 + spread * torch.randn(value.shape, generator=generator))

    for name in target:
        if name == 'log_gain':
            target[name] = source[name][sources]
        elif name.startswith('decoders.'):
            _, mode, rest = name.split('.', 2)
            origin = source[f'decoders.{sources[int(mode)]}.{rest}']
            target[name] = origin if first[int(mode)] else jitter(origin)
        elif name.startswith(('analysis.head.', 'analysis.linear.')):
            each = source[name].shape[0] // codec.modes
            parts = [source[name][origin * each:(origin + 1) * each] for origin in sources]
            target[name] = torch.cat([part if first[mode] else jitter(part) for mode, part in enumerate(parts)])
        else:
            target[name] = source[name]
    larger.load_state_dict(target)
    return larger


@torch.no_grad()
def wake_smoothing(codec):
    """Gives filters that are stuck at 0 the start of new ones (decoder.smoothing_start)."""
    for name, parameter in codec.named_parameters():
        if name.endswith('.smooth') and not parameter.any():
            parameter.copy_(smoothing_start())


@torch.no_grad()
def share_coarse(codec, group):
    """All codecs of a head group take codec 0's analysis of the coarse grids, and its gains everywhere.

    Codecs read their neighbours' latents. What the coarse grids hold reaches far, and a patch has only a few samples of them: there all codecs must
    mean the same, to the last bit.
    """
    for grid in range(COARSE, GRIDS):
        for value in (codec.analysis.linear[f'{group}{grid}'], *codec.analysis.head[f'{group}{grid}'].parameters()):
            first = value[:value.shape[0] // codec.modes].clone()
            value.copy_(first.repeat(codec.modes, *[1] * (value.ndim - 1)))
    for anchor, other in enumerate(codec.groups):
        if other == group:
            codec.log_gain[:, anchor] = codec.log_gain[0, anchor]


@torch.no_grad()
def add_rivals(codec):
    """Codec 0 of `codec` and, as codecs 1 …, the other assignments of every head group (analysis.VARIANTS), hardly trained.

    A rival's decoder starts as the inverse of its linear part, with the generalist's context model, filters and last layers (a trained
    decoder of the same assignment costs five times as much: it expects what its own trunk corrects). Heads start small.
    """
    count = max(len(names) for names in VARIANTS.values())
    larger = Codec(modes=count, lambdas=codec.lambdas, groups=codec.groups, shape=codec.shape)
    larger.analysis.deepen(codec.analysis.deep_groups())
    first = split(codec, [0] * count)
    source, target = first.state_dict(), larger.state_dict()
    for name, value in target.items():
        if name.startswith('analysis.head.'):
            each = value.shape[0] // count
            value[:each] = source[name][:each]
        elif not name.startswith(('decoders.', 'analysis.linear.', 'log_gain')):
            target[name] = source[name]
    for group in set(codec.groups):
        for grid in range(GRIDS):
            rows = [linear_start(group, grid, assignment) for assignment in VARIANTS[group]]
            target[f'analysis.linear.{group}{grid}'] = torch.stack([source[f'analysis.linear.{group}{grid}'][0], *rows[1:]])
    for anchor, group in enumerate(codec.groups):
        weight = codec.lambdas[anchor]
        for mode, assignment in enumerate(VARIANTS[group]):
            start = Decoder(assignment, torch.Generator().manual_seed(mode)).state_dict()
            for name, value in start.items():
                own = mode > 0 and name in ('w1', 'b1', 'w2', 'b2')
                target[f'decoders.{mode}.{anchor}.{name}'] = value if own else source[f'decoders.0.{anchor}.{name}']
            gain = torch.tensor(START_LOG_GAIN.get(assignment, START_LOG_GAIN[group])) + 0.5 * math.log(0.002 / weight)
            target['log_gain'][mode, anchor] = gain if mode else source['log_gain'][0, anchor]
    larger.load_state_dict(target)
    return larger


def greedy_order(tables):
    """Order of the codecs, 0 first, each next one lowering the sum of relative costs most. tables: per anchor [M, N]."""
    relative = torch.cat([table / table[0].mean() for table in tables], 1)
    order, best = [0], relative[0]
    while len(order) < len(relative):
        rest = [m for m in range(len(relative)) if m not in order]
        order.append(min(rest, key=lambda m: torch.minimum(best, relative[m]).sum().item()))
        best = torch.minimum(best, relative[order[-1]])
    return order


def reorder(codec, tables):
    """Renumbers the codecs in place by greedy_order, so that subset M is simply codecs 0 … M-1. Returns the old numbers."""
    order = greedy_order(tables)
    state = {name: value.clone() for name, value in codec.state_dict().items()}
    new = dict(state)
    for name, value in state.items():
        if name == 'log_gain':
            new[name] = value[order]
        elif name.startswith('decoders.'):
            _, mode, rest = name.split('.', 2)
            new[name] = state[f'decoders.{order[int(mode)]}.{rest}']
        elif name.startswith(('analysis.head.', 'analysis.linear.')):
            per_mode = value.shape[0] // codec.modes
            new[name] = torch.cat([value[m * per_mode:(m + 1) * per_mode] for m in order])
    codec.load_state_dict(new)
    return order
