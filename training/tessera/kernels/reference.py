"""Plain torch versions of the training kernels, for CUDA and as ground truth.

Every function works with any floating dtype, so that tests can run it in float64.
"""

import math

import torch
import torch.nn.functional as functional

# (row, column) offsets of the causal context, in the order of the weights.
CONTEXT_TAPS = (
    (-3, 0), (-3, 1),
    (-2, -2), (-2, -1), (-2, 0), (-2, 1), (-2, 2),
    (-1, -3), (-1, -2), (-1, -1), (-1, 0), (-1, 1), (-1, 2),
    (0, -3), (0, -2), (0, -1),
)
LARGEST_SYMBOL = 127.0
LOWEST_LOG_SCALE = -3.0
HIGHEST_LOG_SCALE = 5.0
PROBABILITY_FLOOR = 2.0 ** -15


class _ClampLogScale(torch.autograd.Function):
    """Clamp to the log scale range whose gradient can lead back inside.

    A plain clamp has no gradient outside, so a value that left the range would
    stay there.  Here a gradient passes outside too when descending along it
    moves the value towards the range.
    """

    @staticmethod
    def forward(ctx, value):
        ctx.save_for_backward(value)
        return value.clamp(LOWEST_LOG_SCALE, HIGHEST_LOG_SCALE)

    @staticmethod
    def backward(ctx, gradient):
        (value,) = ctx.saved_tensors
        blocked = ((value < LOWEST_LOG_SCALE) & (gradient > 0)) | (
            (value > HIGHEST_LOG_SCALE) & (gradient < 0))
        return gradient.masked_fill(blocked, 0)


class _ClampStraight(torch.autograd.Function):
    """Clamp to the symbol range that passes its gradient unchanged."""

    @staticmethod
    def forward(ctx, value):
        return value.clamp(-LARGEST_SYMBOL, LARGEST_SYMBOL)

    @staticmethod
    def backward(ctx, gradient):
        return gradient


def _laplace_bits(symbol, location, log_scale):
    """Bits of the mass that a Laplace density puts in symbol -+ 1/2."""
    inverse_scale = torch.exp(-_ClampLogScale.apply(log_scale))
    distance = (symbol - _ClampStraight.apply(location)).abs()
    near = torch.exp(-(distance - 0.5).abs() * inverse_scale)
    far = torch.exp(-(distance + 0.5) * inverse_scale)
    mass = torch.where(distance >= 0.5, 0.5 * (near - far), 1 - 0.5 * (near + far))
    return -torch.log2(mass + PROBABILITY_FLOOR)


def context_bits_map(latent, w1, b1, w2, b2, w3, b3, log_scale_offset=0.0):
    """Bits of every position under the causal context model.

    latent [batch, height, width], w1 and w2 [16, 16], b1 and b2 [16], w3 [2, 16],
    b3 [2] -> [batch, height, width].
    """
    height, width = latent.shape[1:]
    padded = functional.pad(latent.clamp(-LARGEST_SYMBOL, LARGEST_SYMBOL), (3, 3, 3, 0))
    context = torch.stack([
        padded[:, 3 + row:3 + row + height, 3 + column:3 + column + width]
        for row, column in CONTEXT_TAPS], dim=-1)
    hidden = torch.relu(context + functional.linear(context, w1, b1))
    hidden = torch.relu(hidden + functional.linear(hidden, w2, b2))
    location, log_scale = functional.linear(hidden, w3, b3).unbind(-1)
    return _laplace_bits(latent, location, log_scale + log_scale_offset)


def context_bits(latent, w1, b1, w2, b2, w3, b3, log_scale_offset=0.0, importance=None):
    """Total bits [batch] of each grid; arguments as in context_bits_map. importance: factors of the bits, shaped like latent."""
    bits = context_bits_map(latent, w1, b1, w2, b2, w3, b3, log_scale_offset)
    return (bits if importance is None else bits * importance).sum((1, 2))


def pointwise_synthesis(features, w1, b1, w2, b2):
    """w2 relu(w1 x + b1) + b2 at every pixel.

    features [batch, 7, height, width], w1 [48, 7], b1 [48], w2 [3, 48], b2 [3]
    -> [batch, 3, height, width].
    """
    hidden = torch.relu(functional.conv2d(features, w1[:, :, None, None], b1))
    return functional.conv2d(hidden, w2[:, :, None, None], b2)


def residual_convolution(x, w, b, relu):
    """Valid 3x3 convolution plus the centre crop of x, then optionally relu.

    x [batch, 3, height, width], w [3, 3, 3, 3], b [3] -> [batch, 3, height-2, width-2].
    """
    result = x[:, :, 1:-1, 1:-1] + functional.conv2d(x, w, b)
    return torch.relu(result) if relu else result


def upsample(x, k):
    """Doubles the resolution with the separable kernel (k, reversed k).

    x [batch, channels, height, width], k [4] ->
    [batch, channels, 2 height - 6, 2 width - 6].  Input sample n covers the output
    coordinates 2n and 2n + 1; only coordinates 3 .. 2 size - 4 have all their taps.
    """
    batch, channels, height, width = x.shape
    kernel = torch.cat([k, k.flip(0)])
    planes = x.reshape(batch * channels, 1, height, width)
    planes = functional.conv_transpose2d(
        planes, kernel.view(1, 1, 1, 8), stride=(1, 2), padding=(0, 6))
    planes = functional.conv_transpose2d(
        planes, kernel.view(1, 1, 8, 1), stride=(2, 1), padding=(6, 0))
    return planes.view(batch, channels, 2 * height - 6, 2 * width - 6)


def smooth(x, k):
    """Centre crop of x plus its separable convolution by (k3 k2 k1 k0 k1 k2 k3).

    x [batch, channels, height, width], k [4] -> [batch, channels, height-6, width-6].
    """
    batch, channels, height, width = x.shape
    kernel = torch.cat([k.flip(0), k[1:]])
    planes = x.reshape(batch * channels, 1, height, width)
    planes = functional.conv2d(planes, kernel.view(1, 1, 1, 7))
    planes = functional.conv2d(planes, kernel.view(1, 1, 7, 1))
    return x[:, :, 3:-3, 3:-3] + planes.view(batch, channels, height - 6, width - 6)


def noisy_round(values, uniform, temperature, shape):
    """Soft-rounds `values`, adds noise, soft-rounds again (C3, arXiv 2312.02753): the stand-in for rounding.

    uniform: random numbers in [0, 1) of the same shape, turned into Kumaraswamy noise in (-1/2, 1/2), which is
    uniform for shape 1 and narrower above. temperature: towards 0 the soft rounding becomes rounding.
    """
    def soft_round(x):
        centre = torch.floor(x) + 0.5
        return centre + 0.5 * torch.tanh((x - centre) / temperature) / math.tanh(0.5 / temperature)

    second = (2 ** shape * (shape - 1) + 1) / shape
    noise = (1 - (1 - uniform).clamp_min(1e-7) ** (1 / second)) ** (1 / shape) - 0.5
    return soft_round(soft_round(values) + noise)
