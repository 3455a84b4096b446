"""Weights as the integers of decoder.bin (FORMAT.md sections 4 and 7.5)."""
import numpy as np

I32_MAX = (1 << 31) - 1


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
