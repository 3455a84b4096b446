"""Training kernels: compiled C for float32 on the CPU, plain torch otherwise.

Setting the environment variable TESSERA_KERNELS to "reference" forces plain torch.
"""

import contextlib
import functools
import os
import subprocess
import warnings

import torch

from . import native, reference

_plain = False

__all__ = ["plain_torch", "context_bits", "context_bits_map", "noisy_round", "pointwise_synthesis",
           "residual_convolution", "smooth", "upsample", "uses_native"]


@functools.lru_cache(maxsize=None)
def _native_available():
    if os.environ.get("TESSERA_KERNELS") == "reference":
        return False
    try:
        native.library()
    except (OSError, subprocess.CalledProcessError) as error:
        warnings.warn(f"compiled training kernels are unavailable, training will be slow: {error}")
        return False
    return True


@contextlib.contextmanager
def plain_torch():
    """Inside, plain torch runs everywhere: what is traced for ONNX must consist of torch's own operations."""
    global _plain
    before, _plain = _plain, True
    try:
        yield
    finally:
        _plain = before


def uses_native(tensor):
    """Whether operations on this tensor run the compiled kernels."""
    return not _plain and tensor.device.type == "cpu" and tensor.dtype == torch.float32 and _native_available()


def _dispatched(name):
    """The operation `name`, chosen by its first argument."""
    plain, compiled = getattr(reference, name), getattr(native, name)

    @functools.wraps(plain)
    def operation(tensor, *arguments, **options):
        chosen = compiled if uses_native(tensor) else plain
        return chosen(tensor, *arguments, **options)

    return operation


context_bits = _dispatched("context_bits")
context_bits_map = _dispatched("context_bits_map")
noisy_round = _dispatched("noisy_round")
pointwise_synthesis = _dispatched("pointwise_synthesis")
residual_convolution = _dispatched("residual_convolution")
upsample = _dispatched("upsample")
smooth = _dispatched("smooth")
