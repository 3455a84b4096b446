"""Compiled CPU versions of the training kernels.

The signatures are those of reference.py; tensors must be float32 on the CPU.
The C sources are compiled for this machine on first use and cached by content.
"""

import ctypes
import functools
import hashlib
import os
import pathlib
import subprocess
import tempfile

import torch

# Reassociation is off because it breaks up chains of fused multiply-adds.
_COMPILE_FLAGS = ("-O3", "-march=native", "-mprefer-vector-width=512", "-ffast-math",
                  "-fno-tree-reassoc", "-fopenmp", "-fPIC", "-Wno-psabi")
# Linked without -ffast-math, which would make loading the library switch the
# whole process to flushing denormals.
_LINK_FLAGS = ("-shared", "-fopenmp", "-lm")


def _cache_directory():
    """The first writable cache directory."""
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    directory = pathlib.Path(base) / "tessera"
    try:
        directory.mkdir(parents=True, exist_ok=True)
        if os.access(directory, os.W_OK):
            return directory
    except OSError:
        pass
    return pathlib.Path(tempfile.mkdtemp(prefix="tessera-kernels-"))


def _processor_description():
    """Text that tells processors apart, since the code is built for one."""
    try:
        with open("/proc/cpuinfo", encoding="ascii", errors="replace") as file:
            return "".join(sorted({line for line in file if line.startswith(("model name", "flags"))}))
    except OSError:
        return ""


@functools.lru_cache(maxsize=None)
def library():
    """Compiles (if needed) and loads the kernels; raises OSError or
    subprocess.CalledProcessError where that is impossible."""
    here = pathlib.Path(__file__).parent
    sources = sorted(here.glob("native_*.c"))
    key = hashlib.sha256()
    for path in sources + [here / "native_common.h"]:
        key.update(path.read_bytes())
    key.update(repr((_COMPILE_FLAGS, _LINK_FLAGS, _processor_description())).encode())
    target = _cache_directory() / f"kernels-{key.hexdigest()[:16]}.so"
    if not target.exists():
        # Built beside the target and renamed, so that processes that start
        # together never load a half-written file.
        with tempfile.TemporaryDirectory(dir=target.parent) as directory:
            objects = []
            for path in sources:
                objects.append(os.path.join(directory, path.stem + ".o"))
                subprocess.run(["gcc", *_COMPILE_FLAGS, "-c", str(path), "-o", objects[-1]],
                               check=True)
            shared = os.path.join(directory, "kernels.so")
            subprocess.run(["gcc", *objects, *_LINK_FLAGS, "-o", shared], check=True)
            os.replace(shared, target)
    return ctypes.CDLL(str(target))


def _call(name, *arguments):
    """Calls a C function: tensors as pointers, None as null, integers as long;
    the thread count is added at the end."""
    converted = []
    for argument in arguments:
        if argument is None:
            converted.append(ctypes.c_void_p(0))
        elif isinstance(argument, torch.Tensor):
            assert argument.dtype == torch.float32 and argument.is_contiguous(), name
            converted.append(ctypes.c_void_p(argument.data_ptr()))
        elif isinstance(argument, float):
            converted.append(ctypes.c_float(argument))
        else:
            converted.append(ctypes.c_long(argument))
    getattr(library(), name)(*converted, ctypes.c_int(torch.get_num_threads()))


def _check_shapes(tensors, shapes):
    """C reads the sizes that it expects, whatever it is given."""
    for tensor, shape in zip(tensors, shapes):
        assert tuple(tensor.shape) == shape, (tuple(tensor.shape), shape)


def _contiguous(*tensors):
    """The tensors outside of autograd, in memory order."""
    return [tensor.detach().contiguous() for tensor in tensors]


def _context_pass(latent, weights, log_scale_offset, importance, want_map, want_gradient):
    """Bits [batch], and as asked the map, the latent gradient (both shaped like
    latent) and the weight gradients [batch, 578] for an upstream gradient of 1."""
    latent, *weights = _contiguous(latent, *weights)
    _check_shapes(weights, ((16, 16), (16,), (16, 16), (16,), (2, 16), (2,)))
    if importance is not None:
        importance, = _contiguous(importance)
        _check_shapes([importance], [tuple(latent.shape)])
    bits = latent.new_empty(latent.shape[0])
    bits_map = torch.empty_like(latent) if want_map else None
    latent_gradient = torch.empty_like(latent) if want_gradient else None
    count = sum(weight.numel() for weight in weights)
    weight_gradient = latent.new_empty(latent.shape[0], count) if want_gradient else None
    _call("tessera_context_bits", latent, importance, *latent.shape, *weights, float(log_scale_offset),
          bits, bits_map, latent_gradient, weight_gradient)
    return bits, bits_map, latent_gradient, weight_gradient


class _ContextBits(torch.autograd.Function):
    """Computes its gradients already in the forward pass: the result is a sum per
    item, so the upstream gradient only scales them.  That gradient is taken to be
    positive where the log scale clamp decides what to pass (bits are minimised)."""

    @staticmethod
    def forward(ctx, latent, log_scale_offset, importance, *weights):
        bits, _, latent_gradient, weight_gradient = _context_pass(
            latent, weights, log_scale_offset, importance, False, True)
        ctx.save_for_backward(latent_gradient, weight_gradient)
        ctx.shapes = [weight.shape for weight in weights]
        return bits

    @staticmethod
    def backward(ctx, upstream):
        latent_gradient, weight_gradient = ctx.saved_tensors
        scaled = upstream @ weight_gradient
        parts = scaled.split([shape.numel() for shape in ctx.shapes])
        return (latent_gradient * upstream[:, None, None], None, None,
                *(part.view(shape) for part, shape in zip(parts, ctx.shapes)))


def context_bits(latent, w1, b1, w2, b2, w3, b3, log_scale_offset=0.0, importance=None):
    """See reference.context_bits."""
    weights = (w1, b1, w2, b2, w3, b3)
    if torch.is_grad_enabled() and any(t.requires_grad for t in (latent, *weights)):
        return _ContextBits.apply(latent, log_scale_offset, importance, *weights)
    return _context_pass(latent, weights, log_scale_offset, importance, False, False)[0]


def context_bits_map(latent, w1, b1, w2, b2, w3, b3, log_scale_offset=0.0):
    """See reference.context_bits_map; the result carries no gradient."""
    return _context_pass(latent, (w1, b1, w2, b2, w3, b3), log_scale_offset, None, True, False)[1]


class _PointwiseSynthesis(torch.autograd.Function):
    @staticmethod
    def forward(ctx, features, w1, b1, w2, b2):
        features, w1, b1, w2, b2 = _contiguous(features, w1, b1, w2, b2)
        batch, _, height, width = features.shape
        _check_shapes((features, w1, b1, w2, b2),
                      ((batch, 7, height, width), (48, 7), (48,), (3, 48), (3,)))
        output = features.new_empty(batch, 3, height, width)
        _call("tessera_synthesis_forward", features, batch, height * width, w1, b1, w2, b2, output)
        ctx.save_for_backward(features, w1, b1, w2)
        return output

    @staticmethod
    def backward(ctx, upstream):
        features, w1, b1, w2 = ctx.saved_tensors
        batch, _, height, width = features.shape
        feature_gradient = torch.empty_like(features)
        sizes = [w1.numel(), b1.numel(), w2.numel(), 3]
        weight_gradient = w1.new_empty(sum(sizes))
        _call("tessera_synthesis_backward", features, batch, height * width, w1, b1, w2,
              upstream.contiguous(), feature_gradient, weight_gradient)
        parts = weight_gradient.split(sizes)
        return feature_gradient, parts[0].view_as(w1), parts[1], parts[2].view_as(w2), parts[3]


def pointwise_synthesis(features, w1, b1, w2, b2):
    """See reference.pointwise_synthesis."""
    return _PointwiseSynthesis.apply(features, w1, b1, w2, b2)


class _ResidualConvolution(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, w, b, relu):
        x, w, b = _contiguous(x, w, b)
        batch, channels, height, width = x.shape
        _check_shapes((x, w, b), ((batch, 3, height, width), (3, 3, 3, 3), (3,)))
        output = x.new_empty(batch, channels, height - 2, width - 2)
        _call("tessera_convolution_forward", x, batch, height, width, w, b, int(relu), output)
        ctx.save_for_backward(x, w, *([output] if relu else []))
        return output

    @staticmethod
    def backward(ctx, upstream):
        x, w, *output = ctx.saved_tensors
        batch, _, height, width = x.shape
        x_gradient = torch.empty_like(x)
        weight_gradient = w.new_empty(84)
        _call("tessera_convolution_backward", x, batch, height, width, w,
              output[0] if output else None, upstream.contiguous(), x_gradient, weight_gradient)
        return x_gradient, weight_gradient[:81].view_as(w), weight_gradient[81:], None


def residual_convolution(x, w, b, relu):
    """See reference.residual_convolution."""
    return _ResidualConvolution.apply(x, w, b, relu)


class _Resample(torch.autograd.Function):
    """Both separable filters: `name` is "upsample" or "smooth"."""

    @staticmethod
    def forward(ctx, name, x, k):
        x, k = _contiguous(x, k)
        batch, channels, height, width = x.shape
        _check_shapes((k,), ((4,),))
        scale = 2 if name == "upsample" else 1
        output = x.new_empty(batch, channels, scale * height - 6, scale * width - 6)
        _call(f"tessera_{name}_forward", x, batch * channels, height, width, k, output)
        ctx.save_for_backward(x, k)
        ctx.name = name
        return output

    @staticmethod
    def backward(ctx, upstream):
        x, k = ctx.saved_tensors
        batch, channels, height, width = x.shape
        x_gradient, k_gradient = torch.empty_like(x), torch.empty_like(k)
        _call(f"tessera_{ctx.name}_backward", x, batch * channels, height, width, k,
              upstream.contiguous(), x_gradient, k_gradient)
        return None, x_gradient, k_gradient


def upsample(x, k):
    """See reference.upsample."""
    return _Resample.apply("upsample", x, k)


def smooth(x, k):
    """See reference.smooth."""
    return _Resample.apply("smooth", x, k)


class _NoisyRound(torch.autograd.Function):
    @staticmethod
    def forward(ctx, values, uniform, temperature, shape):
        values, uniform = _contiguous(values, uniform)
        _check_shapes([uniform], [tuple(values.shape)])
        out, derivative = torch.empty_like(values), torch.empty_like(values)
        _call("tessera_noisy_round", values, uniform, values.numel(), float(temperature), float(shape),
              out, derivative)
        ctx.save_for_backward(derivative)
        return out

    @staticmethod
    def backward(ctx, upstream):
        return upstream * ctx.saved_tensors[0], None, None, None


def noisy_round(values, uniform, temperature, shape):
    """See reference.noisy_round."""
    return _NoisyRound.apply(values, uniform, temperature, shape)
