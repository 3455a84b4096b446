"""Other rate anchors or head groups for a trained codec: every new anchor starts as the nearest old one of its group."""
import math

from .codec import Codec


def remap(codec, lambdas, groups):
    """A one-codec set for `lambdas` and `groups` with the weights of codec 0 of `codec` wherever a group is known.

    Gains move by half the logarithm of the ratio of the weights, as the best step size does; unknown groups start untrained.
    """
    new = Codec(modes=1, lambdas=lambdas, groups=groups)
    source, target = codec.state_dict(), new.state_dict()
    for name, value in target.items():
        if name.startswith('analysis.') and name in source:
            target[name] = source[name][:value.shape[0]]
    for anchor, (weight, group) in enumerate(zip(lambdas, groups)):
        known = [old for old, other in enumerate(codec.groups) if other == group]
        if not known:
            continue
        nearest = min(known, key=lambda old: abs(math.log(codec.lambdas[old] / weight)))
        for name in [name for name in target if name.startswith(f'decoders.0.{anchor}.')]:
            target[name] = source[name.replace(f'decoders.0.{anchor}.', f'decoders.0.{nearest}.')]
        target['log_gain'][0, anchor] = source['log_gain'][0, nearest] + 0.5 * math.log(codec.lambdas[nearest] / weight)
    new.load_state_dict(target)
    return new
