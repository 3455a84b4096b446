"""What every training loop needs: learning-rate schedule, weight average, checkpoints."""
import math
import os

import torch

WARM_UP_STEPS = 300


def schedule(progress, step):
    """Linear warm-up, then cosine to 1 % of the rate."""
    return min(1.0, (step + 1) / WARM_UP_STEPS) * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * progress)))


@torch.no_grad()
def update_average(average, module, decay):
    for name, value in module.state_dict().items():
        average[name].mul_(decay).add_(value, alpha=1 - decay)


def save(path, codec, average, optimiser, state):
    """Written beside the target and renamed, so that a killed run never leaves half a checkpoint."""
    torch.save({'codec': codec.state_dict(), 'average': average, 'optimiser': optimiser.state_dict(),
                'state': state, 'modes': codec.modes, 'groups': codec.groups, 'lambdas': codec.lambdas},
               path + '.part')
    os.replace(path + '.part', path)


def adapt(weights, groups):
    """Weights of a checkpoint from when all head groups shared one trunk: each group starts with a copy of it."""
    shared = 'analysis.trunk.stem.weight' in weights
    out = {}
    for name, value in weights.items():
        if shared and name.startswith('analysis.trunk.'):
            for group in sorted(set(groups)):
                out[name.replace('analysis.trunk.', f'analysis.trunk.{group}.')] = value.clone()
        else:
            out[name] = value
    return out
