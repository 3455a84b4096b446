"""The integer and binary32 arithmetic of FORMAT.md in NumPy: the Python side's reference for the WASM core."""
import numpy as np

from .tables import TOTAL

TAPS = ((-3, 0), (-3, 1), (-2, -2), (-2, -1), (-2, 0), (-2, 1), (-2, 2), (-1, -3), (-1, -2), (-1, -1), (-1, 0), (-1, 1),
        (-1, 2), (0, -3), (0, -2), (0, -1))
STATE_LOW = 1 << 23


def context_rows(latents, layers, offset):
    """Rows of one plane (h, w) of integers whose samples all have one mode, without tiles.

    layers: three (k, W int [out, 16], B int [out]). Returns (integer parts, row indices class·16 + fraction + 8).
    """
    height, width = latents.shape
    padded = np.zeros((height + 3, width + 6), dtype=np.int64)
    padded[3:, 3:3 + width] = np.clip(latents, -127, 127) * 256
    x = np.stack([padded[3 + dy:3 + dy + height, 3 + dx:3 + dx + width] for dy, dx in TAPS], -1)
    for k, weights, bias in layers[:2]:
        x = np.minimum((np.maximum(x @ weights.T.astype(np.int64) + bias, 0) + (1 << (k - 1))) >> k, 32767)
    k, weights, bias = layers[2]
    accumulator = x @ weights.T.astype(np.int64) + bias
    value = np.sign(accumulator) * ((np.abs(accumulator) + (1 << (k - 1))) >> k)
    mean = np.clip(value[..., 0], -32512, 32512)
    sixteenth = (mean + 8) >> 4
    integer = (sixteenth + 8) >> 4
    fraction = sixteenth - 16 * integer
    scale_class = np.clip((value[..., 1] + offset + 768) >> 5, 0, 63)
    return integer, scale_class * 16 + fraction + 8


def wavefront(height, width):
    """Positions (y, x) of a patch in coding order: ascending x + 3y, then y."""
    return sorted(((y, x) for y in range(height) for x in range(width)), key=lambda p: (p[1] + 3 * p[0], p[0]))


def symbol_parts(residual, bound, order):
    """One latent's residual as [(kind, value)]: the row symbol, then the bits of its escape."""
    if -bound <= residual <= bound:
        return residual + 1 + bound, []
    excess = abs(residual) - bound - 1
    shifted = excess + (1 << order)
    zeta = shifted.bit_length() - 1 - order
    bits = [1] * zeta + [0] + [(shifted >> i) & 1 for i in range(zeta + order - 1, -1, -1)]
    return (0 if residual < 0 else 2 * bound + 2), bits


def encode_stream(latents_in_order, integers, row_indices, tables, lanes=1):
    """rANS stream of symbols given in coding order. tables: laplace_rows(). Returns bytes."""
    operations = []
    for k, (latent, integer, row) in enumerate(zip(latents_in_order, integers, row_indices)):
        bound, order, rows = tables[row >> 4]
        frequencies = rows[(row & 15) - 8]
        symbol, bits = symbol_parts(int(latent) - int(integer), bound, order)
        lane = k % lanes
        operations.append((lane, int(frequencies[:symbol].sum()), int(frequencies[symbol])))
        operations.extend((lane, bit * (TOTAL // 2), TOTAL // 2) for bit in bits)
    states, out = [STATE_LOW] * lanes, bytearray()
    for lane, start, frequency in reversed(operations):
        state = states[lane]
        while state >= frequency << 16:
            out.append(state & 255)
            state >>= 8
        states[lane] = (state // frequency) * TOTAL + state % frequency + start
    return b''.join(state.to_bytes(4, 'little') for state in states) + bytes(reversed(out))


def _double_last(a, k):
    f = np.float32
    n = a.shape[-1]
    centre, left, right = a[..., 2:n - 2], a[..., 1:n - 3], a[..., 3:n - 1]
    even = ((f(k[3]) * centre + f(k[2]) * left) + f(k[1]) * right) + f(k[0]) * a[..., 0:n - 4]
    odd = ((f(k[3]) * centre + f(k[2]) * right) + f(k[1]) * left) + f(k[0]) * a[..., 4:n]
    return np.stack([even, odd], -1).reshape(*a.shape[:-1], -1)


def _filter_last(a, s):
    f = np.float32
    n = a.shape[-1]
    out = f(s[0]) * a[..., 3:n - 3]
    for distance in (1, 2, 3):
        out = out + f(s[distance]) * (a[..., 3 - distance:n - 3 - distance] + a[..., 3 + distance:n - 3 + distance])
    return out


def _along_y(function, a, k):
    return np.swapaxes(function(np.swapaxes(a, -1, -2), k), -1, -2)


def _convolve(x, shift, weights, bias):
    height, width = x.shape[1] - 2, x.shape[2] - 2
    out = np.zeros((3, height, width), dtype=np.int64) + bias[:, None, None]
    for o in range(3):
        for c in range(3):
            for dy in range(3):
                for dx in range(3):
                    out[o] += weights[o][c][dy][dx] * x[c, dy:dy + height, dx:dx + width]
    return out >> shift


def synthesise(features, synthesis):
    """Levels (3, H, W) from seven f32 features with a margin of 2. synthesis: fixed_point.Synthesis."""
    scaled = features.astype(np.float64) * 2.0 ** np.array(synthesis.bits)[:, None, None]
    inputs = np.clip(np.rint(scaled), -32767, 32767).astype(np.int64)
    sums = np.tensordot(synthesis.weights, inputs, 1) + 16384 * synthesis.biases[:, None, None]
    hidden = np.maximum(sums >> 16, 0)
    (shift, weights, bias), third, last = synthesis.layers
    colour = np.clip((np.tensordot(weights, hidden, 1) + bias[:, None, None]) >> shift, -32768, 32767)
    return np.clip(_convolve(np.clip(_convolve(colour, *third), 0, 32767), *last), 0, 255)


def reconstruct(latents, inverse_gain, weights):
    """Pixels (H, W, 3) uint8 of a picture with one mode: 7 integer planes -> FORMAT.md section 6.

    weights: {'up': [6][4], 'smooth': [6][4] (row = step)} as exact binary32 values, 'synthesis': fixed_point.Synthesis.
    """
    f = np.float32
    scale = f(inverse_gain) / f(16384)
    height, width = latents[0].shape
    margin = 16
    planes = None
    start = 0
    for step in range(6, -1, -1):
        values = np.pad(latents[step], margin, mode='edge').astype(f) * scale
        if step == 6:
            planes, start = values[None], -margin
            continue
        planes = _along_y(_double_last, _double_last(planes, weights['up'][step]), weights['up'][step])
        start = 2 * (start + 2)  # two input samples are lost in front
        smoothed = values[3:-3, 3:-3] + _along_y(_filter_last, _filter_last(values, weights['smooth'][step]),
                                                 weights['smooth'][step])
        keep = 13
        rows, columns = latents[step].shape
        skip = -keep - start
        planes = planes[:, skip:skip + rows + 2 * keep, skip:skip + columns + 2 * keep]
        smoothed = smoothed[margin - 3 - keep:, margin - 3 - keep:][:rows + 2 * keep, :columns + 2 * keep]
        planes = np.concatenate([smoothed[None], planes])
        start = -keep
    features = planes[:, 11:11 + height + 4, 11:11 + width + 4]
    return synthesise(features, weights['synthesis']).transpose(1, 2, 0).astype(np.uint8)
