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
