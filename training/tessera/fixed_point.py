"""Weights as the integers of decoder.bin (FORMAT.md sections 4, 6 and 7.5)."""
import math
from dataclasses import dataclass

import numpy as np

I16_MAX = 32767
I32_MAX = (1 << 31) - 1
BIAS_FACTOR = 1 << 14         # what the biases of the hidden units are multiplied by
HEADROOM = 8                  # features may be this much larger than the largest latent seen
ADAPTED = {'mixing': 2, 'last': 4}        # how much larger a picture's adaptation may make the sums of a layer (FORMAT.md section 1.2)
LARGEST_COLOUR = 8192         # the colour 1.0 as an integer, at most: a quarter of the range


def integer_layer(weight, bias, residual):
    """(k, W i16, B i32): the most fractional bits whose accumulators provably stay inside i32 (FORMAT.md section 4)."""
    weight, bias = weight.double().numpy(), bias.double().numpy()
    if residual:
        weight = weight + np.eye(len(weight))
    for k in range(12, 7, -1):
        w, b = np.round(weight * 2 ** k).astype(np.int64), np.round(bias * 2 ** (8 + k)).astype(np.int64)
        worst = (np.abs(w).sum(1) * 32767 + np.abs(b) + (1 << (k - 1))).max()
        if np.abs(w).max() <= 32767 and worst <= I32_MAX:
            return k, w, b
    raise ValueError('context weights too large for 32-bit accumulators')


def context_layers(decoder):
    return [integer_layer(decoder.context_w1.detach(), decoder.context_b1.detach(), True),
            integer_layer(decoder.context_w2.detach(), decoder.context_b2.detach(), True),
            integer_layer(decoder.context_w3.detach(), decoder.context_b3.detach(), False)]


def fixed(values):
    """(shift, i16 array): the largest shift that keeps every value inside i16."""
    values = values.detach().double().numpy()
    largest = np.abs(values).max()
    shift = 15
    while shift > 0 and largest * 2.0 ** shift > 32767:
        shift -= 1
    while shift < 30 and largest > 0 and largest * 2.0 ** (shift + 1) <= 32767:
        shift += 1
    return shift, np.round(values * 2.0 ** shift).astype(np.int64)


def feature_bits(largest):
    """Fractional bits of each feature (0…15). largest: the largest dequantised latents of each grid that are to be expected."""
    return [min(15, max(0, math.floor(math.log2(I16_MAX / (HEADROOM * max(1.0, value)))))) for value in largest]


@dataclass
class Synthesis:
    """The integers of FORMAT.md section 6: n, w1, b1, then {shift, weights, biases} of the other three layers."""
    bits: list
    weights: np.ndarray
    biases: np.ndarray
    layers: list


def _in_range(weights, biases, factor=1, room=1):
    """Whether the weights are i16 and no sum of one output can leave i32, for any inputs of 16 bits, even if all were `room` times as large."""
    worst = np.abs(weights).reshape(len(biases), -1).sum(1) * (I16_MAX + 1) + np.abs(biases) * factor
    return np.abs(weights).max() * room <= I16_MAX and worst.max() * room <= I32_MAX


def _largest_scale(fits):
    """About the largest power with which `fits` holds, by bisection of its logarithm."""
    low, high = -60.0, 100.0
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (middle, high) if fits(2.0 ** middle) else (low, middle)
    return 2.0 ** low


def _layer(weights, biases, scale, output_scale, shift):
    """Weights and biases as integers; the biases hold the half that rounds."""
    return np.round(weights * scale), np.round(biases * output_scale) + 2.0 ** (shift - 1)


def _residual(weights, biases, ratio, level, room=1):
    """(shift, weights, biases) of a 3×3 layer with the most fractional bits. ratio: output over input units; level: the output 1.0; room: `_in_range`."""
    weights = weights.copy()
    for output in range(3):
        weights[output, output, 1, 1] += 1
    for shift in range(24, 0, -1):
        w, b = _layer(weights, biases, ratio * 2.0 ** shift, level * 2.0 ** shift, shift)
        if _in_range(w, b, room=room):
            return shift, w.astype(np.int64), b.astype(np.int64)
    raise ValueError('weights of a residual layer too large for 32-bit sums')


def synthesis_layers(tensors, largest):
    """The layers w1 … b4 (float tensors; the gains are in w1) as integers.

    Each hidden unit has a scale of its own, the largest one that fits, which the next layer divides out.
    """
    w1, b1, w2, b2, w3, b3, w4, b4 = (tensor.detach().double().numpy() for tensor in tensors)
    bits = feature_bits(largest)
    w1 = w1 * 2.0 ** -np.array(bits, dtype=float)
    scales, weights, biases = np.zeros(len(w1)), np.zeros(w1.shape), np.zeros(len(w1))
    for unit in range(len(w1)):
        def quantised(scale):
            # Two biases are 2^15: the sum's upper half is rounded.
            return np.round(w1[unit:unit + 1] * scale), np.round(b1[unit:unit + 1] * scale / BIAS_FACTOR) + 2

        def fits(scale):
            w, b = quantised(scale)
            return _in_range(w, b, BIAS_FACTOR) and np.abs(b).max() <= I16_MAX
        scales[unit] = _largest_scale(fits)
        weights[unit:unit + 1], biases[unit:unit + 1] = quantised(scales[unit])
    mixing = w2 * 65536 / scales
    scale = _largest_scale(lambda scale: _in_range(*_layer(mixing, b2, scale, scale, 16), room=ADAPTED['mixing']))
    shift = min(24, max(1, math.ceil(math.log2(scale / LARGEST_COLOUR))))
    mixed = (shift, *(values.astype(np.int64) for values in _layer(mixing, b2, scale, scale, shift)))
    colour = scale / 2.0 ** shift
    layers = [mixed, _residual(w3, b3, 1.0, colour), _residual(w4, b4, 255 / colour, 255, ADAPTED['last'])]
    return Synthesis(bits, weights.astype(np.int64), biases.astype(np.int64), layers)
