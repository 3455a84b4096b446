"""What every training loop needs: learning-rate schedule, weight average, checkpoints."""
import math
import os

import torch

from .analysis import linear_start

WARM_UP_STEPS = 300


def schedule(progress, step):
    """Linear warm-up, then cosine to 1 % of the rate."""
    return min(1.0, (step + 1) / WARM_UP_STEPS) * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * progress)))


@torch.no_grad()
def update_average(average, module, decay):
    """average = decay * average + (1 - decay) * weights, for every weight that learns."""
    names, values = zip(*[(name, value) for name, value in module.named_parameters() if value.requires_grad])
    kept = [average[name] for name in names]
    torch._foreach_mul_(kept, decay)
    torch._foreach_add_(kept, values, alpha=1 - decay)


def save(path, codec, average, optimiser, state):
    """Written beside the target and renamed, so that a killed run never leaves half a checkpoint."""
    torch.save({'codec': codec.state_dict(), 'average': average, 'optimiser': optimiser.state_dict(),
                'state': state, 'modes': codec.modes, 'groups': codec.groups, 'lambdas': codec.lambdas, 'shape': codec.shape},
               path + '.part')
    os.replace(path + '.part', path)


def adapt(weights, groups):
    """Weights of an older checkpoint in today's shapes: one trunk for all head groups, or one linear part for all codecs."""
    out = {}
    shared = 'analysis.trunk.stem.weight' in weights
    for name, value in weights.items():
        if shared and name.startswith('analysis.trunk.'):
            for group in sorted(set(groups)):
                out[name.replace('analysis.trunk.', f'analysis.trunk.{group}.')] = value.clone()
        elif name.startswith('analysis.linear.') and value.ndim == 1:
            key = name.split('.')[2]
            group, grid = key[:-1], int(key[-1])
            start = linear_start(group, grid, group)
            start[:3] = value[:3]
            start[3:] *= -value[3]
            out[name] = start.repeat(mode_count(weights), 1)
        else:
            out[name] = value
    return out


def mode_count(weights):
    return 1 + max(int(name.split('.')[1]) for name in weights if name.startswith('decoders.'))
