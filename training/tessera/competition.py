"""From one codec to M: cloning, assignment by J, winner updates (PAPERS.md sections 7d and 9)."""
import torch

from .codec import Codec


def split(codec, modes, spread=0.0, seed=7):
    """A codec set of `modes` made by cloning: mode m becomes a copy of mode m mod codec.modes.

    spread: relative size of the random difference given to the clones' synthesis and heads.
    """
    generator = torch.Generator().manual_seed(seed)
    larger = Codec(modes=modes, lambdas=codec.lambdas, groups=codec.groups)
    source, target = codec.state_dict(), larger.state_dict()
    old = codec.modes

    def jitter(value):
        if not spread:
            return value
        return value * (1 + spread * torch.randn(value.shape, generator=generator))

    for name, value in target.items():
        if name == 'log_gain':
            target[name] = torch.stack([source[name][m % old] for m in range(modes)])
        elif name.startswith('decoders.'):
            _, mode, rest = name.split('.', 2)
            origin = source[f'decoders.{int(mode) % old}.{rest}']
            target[name] = origin if int(mode) < old else jitter(origin)
        elif name.startswith('analysis.head.'):
            group_grid = source[name]
            per_mode = group_grid.shape[0] // old
            parts = [group_grid[(m % old) * per_mode:(m % old + 1) * per_mode] for m in range(modes)]
            target[name] = torch.cat([part if m < old else jitter(part) for m, part in enumerate(parts)])
        else:
            target[name] = source[name]
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
        elif name.startswith('analysis.head.'):
            per_mode = value.shape[0] // codec.modes
            new[name] = torch.cat([value[m * per_mode:(m + 1) * per_mode] for m in order])
    codec.load_state_dict(new)
    return order
