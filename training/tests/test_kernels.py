"""Compiled training kernels against the plain torch ones in float64.

Run as a script for the tests; `test_kernels.py bench [threads]` measures speed.
"""

import pathlib
import sys
import time
import unittest

import torch

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from tessera.kernels import native, reference  # noqa: E402

BICUBIC = (-0.0352, -0.1055, 0.2617, 0.8789)


def context_weights(scale=0.1):
    """Random w1 b1 w2 b2 w3 b3."""
    shapes = ((16, 16), (16,), (16, 16), (16,), (2, 16), (2,))
    return [torch.randn(shape) * scale for shape in shapes]


def synthesis_weights():
    """Random w1 b1 w2 b2."""
    return [torch.randn(shape) * 0.3 for shape in ((48, 7), (48,), (3, 48), (3,))]


def results(function, tensors, options, upstream):
    """Output and gradients of all tensors for the given upstream gradient."""
    leaves = [tensor.detach().clone().requires_grad_() for tensor in tensors]
    output = function(*leaves, **options)
    if upstream is None:
        upstream = torch.rand(output.shape, generator=torch.Generator().manual_seed(1)) + 0.1
    output.backward(upstream.to(output.dtype))
    return output.detach(), [leaf.grad for leaf in leaves]


class KernelTest(unittest.TestCase):
    def setUp(self):
        torch.manual_seed(0)

    def close(self, actual, expected, name, tolerance):
        """The difference is small relative to the largest expected value."""
        self.assertEqual(actual.shape, expected.shape, name)
        error = (actual.double() - expected).abs().max().item()
        scale = expected.abs().max().item()
        self.assertLessEqual(error, tolerance * scale + 1e-6, name)

    def compare(self, name, tensors, tolerance=1e-4, **options):
        """Value and gradients of one operation, with one and with more threads."""
        doubles = [tensor.double() for tensor in tensors]
        expected = results(getattr(reference, name), doubles, options, None)
        for threads in (1, 2, 3):
            torch.set_num_threads(threads)
            actual = results(getattr(native, name), tensors, options, None)
            self.close(actual[0], expected[0], name, tolerance)
            for i, (mine, plain) in enumerate(zip(actual[1], expected[1])):
                self.close(mine, plain, f"{name} gradient {i}", tolerance)
        torch.set_num_threads(1)

    def test_context_bits(self):
        for shape in ((1, 1, 1), (2, 3, 5), (1, 9, 16), (3, 13, 37), (1, 31, 70), (5, 4, 100)):
            for spread in (0.3, 5.0):
                latent = torch.randn(shape) * spread
                self.compare("context_bits", [latent, *context_weights()])
                self.compare("context_bits", [latent, *context_weights()], log_scale_offset=0.7)

    def test_context_bits_of_some_positions(self):
        latent = torch.randn(2, 11, 40) * 2
        importance = torch.rand(2, 11, 40) * (torch.rand(2, 11, 40) < 0.7)
        self.compare("context_bits", [latent, *context_weights()], importance=importance)
        self.assertTrue(native.context_bits(latent, *context_weights(), 0.0, importance=torch.zeros_like(latent)).eq(0).all())

    def test_context_bits_clamps(self):
        """Latents beyond the symbol range and log scales beyond theirs."""
        for bias in (-6.0, 8.0):
            weights = context_weights(0.02)
            weights[5][1] = bias
            self.compare("context_bits", [torch.randn(2, 11, 40) * 2, *weights])
        latent = torch.randn(2, 11, 40) * 90
        weights = context_weights(0.05)
        weights[5][1] = 4.0
        self.compare("context_bits", [latent, *weights])
        weights[5][0] = 200.0
        self.compare("context_bits", [latent, *weights])

    def test_context_bits_without_gradient(self):
        latent, weights = torch.randn(3, 19, 45) * 3, context_weights()
        expected = reference.context_bits_map(latent.double(), *[w.double() for w in weights])
        self.close(native.context_bits_map(latent, *weights), expected, "map", 1e-5)
        self.close(native.context_bits(latent, *weights), expected.sum((1, 2)), "bits", 1e-5)
        leaf = latent.clone().requires_grad_()
        with torch.no_grad():
            self.assertFalse(native.context_bits(leaf, *weights).requires_grad)

    def test_pointwise_synthesis(self):
        for shape in ((1, 7, 1, 1), (2, 7, 5, 9), (3, 7, 23, 41), (1, 7, 16, 32)):
            self.compare("pointwise_synthesis", [torch.randn(shape), *synthesis_weights()])

    def test_residual_convolution(self):
        for shape in ((1, 3, 3, 3), (2, 3, 7, 20), (3, 3, 12, 35)):
            for relu in (False, True):
                tensors = [torch.randn(shape), torch.randn(3, 3, 3, 3) * 0.3, torch.randn(3)]
                self.compare("residual_convolution", tensors, relu=relu)

    def test_resampling(self):
        for shape in ((1, 1, 7, 7), (2, 3, 8, 21), (1, 2, 15, 40)):
            kernel = torch.tensor(BICUBIC) + 0.1 * torch.randn(4)
            self.compare("upsample", [torch.randn(shape), kernel])
            self.compare("smooth", [torch.randn(shape), kernel])

    def test_noisy_round(self):
        for temperature, shape in ((0.3, 1.0), (0.1, 2.0)):
            values, uniform = torch.randn(3, 5, 17) * 3, torch.rand(3, 5, 17)
            leaf, exact = values.clone().requires_grad_(), values.double().requires_grad_()
            rounded = native.noisy_round(leaf, uniform, temperature, shape)
            expected = reference.noisy_round(exact, uniform.double(), temperature, shape)
            self.close(rounded, expected, "noisy_round", 1e-5)
            rounded.sum().backward()
            expected.sum().backward()
            self.close(leaf.grad, exact.grad, "noisy_round gradient", 1e-4)

    def test_upsampling_convention(self):
        """Constants stay constant, and ramps fall on the centres of half pixels."""
        kernel = torch.tensor(BICUBIC)
        for module in (native, reference):
            constant = module.upsample(torch.ones(1, 1, 9, 10), kernel)
            self.close(constant, torch.ones(1, 1, 12, 14).double(), "constant", 1e-3)
            ramp = torch.arange(12.0).expand(1, 1, 12, 12).contiguous()
            row = module.upsample(ramp, kernel)[0, 0, 0]
            expected = (torch.arange(18.0) + 3 - 0.5) / 2
            self.close(row, expected.double(), "ramp", 1e-2)


def measure(function, tensors, options, pixels):
    """Nanoseconds per pixel of forward plus backward, best of several."""
    leaves = [tensor.clone().requires_grad_() for tensor in tensors]
    function(*leaves, **options)  # compiles the kernels if needed
    best, start = float("inf"), time.perf_counter()
    while time.perf_counter() - start < 1.5:
        begin = time.perf_counter()
        output = function(*leaves, **options)
        if output.requires_grad:
            output.backward(torch.ones_like(output))
        best = min(best, time.perf_counter() - begin)
    return best / pixels * 1e9


def bench(threads):
    """Prints nanoseconds per pixel (of the larger side) for both versions."""
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    kernel = torch.tensor(BICUBIC)
    weights = context_weights()
    cases = []
    for size in (256, 64, 16):
        latent = torch.randn(2 * (256 // size) ** 2, size, size) * 2
        cases.append((f"context_bits {size}", "context_bits", [latent, *weights], {}, latent.numel()))
    latent = torch.randn(2, 256, 256) * 2
    pixels = latent.numel()
    cases += [
        ("context_bits_map 256", "context_bits_map", [latent, *weights], {}, pixels),
        ("pointwise_synthesis", "pointwise_synthesis",
         [torch.randn(2, 7, 256, 256), *synthesis_weights()], {}, pixels),
        ("residual_convolution", "residual_convolution",
         [torch.randn(2, 3, 258, 258), torch.randn(3, 3, 3, 3), torch.randn(3)], {"relu": True}, pixels),
        ("upsample", "upsample", [torch.randn(2, 1, 131, 131), kernel], {}, pixels),
        ("smooth", "smooth", [torch.randn(2, 1, 262, 262), kernel], {}, pixels),
    ]
    print(f"{threads} thread(s), ns per pixel, forward and backward: native, reference")
    for label, name, tensors, options, count in cases:
        figures = [measure(getattr(module, name), tensors, options, count)
                   for module in (native, reference)]
        print(f"{label:24s}{figures[0]:9.1f}{figures[1]:9.1f}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["bench"]:
        bench(int(sys.argv[2]) if len(sys.argv) > 2 else 1)
    else:
        unittest.main()
