"""Other rate anchors, head groups or trunks for a trained codec."""
import math

import torch

from .codec import Codec


def remap(codec, lambdas, groups):
    """The codecs of `codec` for `lambdas` and `groups`, with their weights wherever a group is known; a new anchor starts as the nearest old one.

    Gains move by half the logarithm of the ratio of the weights, as the best step size does; unknown groups start untrained.
    """
    new = Codec(modes=codec.modes, lambdas=lambdas, groups=groups, shape={group: codec.shape.get(group, 'full') for group in groups})
    new.analysis.deepen([group for group in codec.analysis.deep_groups() if group in groups])
    source, target = codec.state_dict(), new.state_dict()
    for name in target:
        if name.startswith('analysis.') and name in source:
            target[name] = source[name]
    for anchor, (weight, group) in enumerate(zip(lambdas, groups)):
        known = [old for old, other in enumerate(codec.groups) if other == group]
        if not known:
            continue
        nearest = min(known, key=lambda old: abs(math.log(codec.lambdas[old] / weight)))
        shift = 0.5 * math.log(codec.lambdas[nearest] / weight)
        for mode in range(codec.modes):
            for name in [name for name in target if name.startswith(f'decoders.{mode}.{anchor}.')]:
                target[name] = source[name.replace(f'decoders.{mode}.{anchor}.', f'decoders.{mode}.{nearest}.')]
            target['log_gain'][mode, anchor] = source['log_gain'][mode, nearest] + shift
    new.load_state_dict(target)
    return new


def with_fresh_trunk(codec, shape):
    """The generalist of `codec` with an untrained trunk: its decoders, its gains, and the linear part of its analysis."""
    fresh = Codec(lambdas=codec.lambdas, groups=codec.groups, shape=shape)
    source, target = codec.state_dict(), fresh.state_dict()
    for name in target:
        if name.startswith('decoders.'):
            target[name] = source[name]
        elif name == 'log_gain' or name.startswith('analysis.linear.'):
            target[name] = source[name][:1]
    fresh.load_state_dict(target)
    return fresh


@torch.no_grad()
def take_decoders(codec, other):
    """Gives the generalist of `codec` the decoders and gains of that of `other`, which has the same anchors."""
    codec.decoders[0].load_state_dict(other.decoders[0].state_dict())
    codec.log_gain[0] = other.log_gain[0]
