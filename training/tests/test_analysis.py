"""Trunks: their shapes, what a fresh one keeps, and units that fall silent. Run as a script."""
import pathlib
import sys
import unittest

import torch

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from tessera.codec import Codec  # noqa: E402
from tessera.evaluate import silent_share  # noqa: E402
from tessera.remap import take_decoders, with_fresh_trunk  # noqa: E402

PIXELS = torch.rand(3, 128, 64, generator=torch.Generator().manual_seed(1)) - 0.5


class AnalysisTest(unittest.TestCase):
    def test_a_fresh_trunk_keeps_decoders_gains_and_the_linear_part(self):
        codec = Codec(modes=2, lambdas=(1e-2, 1e-3), groups=('low', 'high'))
        with torch.no_grad():
            for parameter in codec.parameters():
                parameter.add_(torch.randn(parameter.shape, generator=torch.Generator().manual_seed(3)) * 0.01)
        quick = with_fresh_trunk(codec, 'quick')
        self.assertEqual((quick.modes, quick.shape), (1, {'low': 'quick', 'high': 'quick'}))
        weights = codec.state_dict()
        for name, value in quick.state_dict().items():
            if name.startswith('decoders.'):
                self.assertTrue(torch.equal(value, weights[name]), name)
            elif name == 'log_gain' or name.startswith('analysis.linear.'):
                self.assertTrue(torch.equal(value[0], weights[name][0]), name)
        other = Codec(lambdas=(1e-2, 1e-3), groups=('low', 'high'), seed=9)
        take_decoders(quick, other)
        self.assertTrue(torch.equal(quick.decoders[0][1].w1, other.decoders[0][1].w1))
        self.assertTrue(torch.equal(quick.log_gain, other.log_gain))
        with torch.no_grad():
            grids = quick.analyse(PIXELS[None], 0)
        self.assertEqual([tuple(grid.shape) for grid in grids], [(1, 1, 128 >> grid, 64 >> grid) for grid in range(7)])

    def test_one_rate_for_all_is_taken_into_the_weights(self):
        codec = Codec(lambdas=(1e-2,), groups=('low',))
        with torch.no_grad():
            for name, parameter in codec.named_parameters():
                if '.modulation.' in name:
                    parameter.add_(torch.randn(parameter.shape, generator=torch.Generator().manual_seed(5)) * 0.1)
            both = codec.analysis(PIXELS[None].repeat(2, 1, 1, 1), torch.tensor([0.7, 0.7]))['low']
            one = codec.analysis(PIXELS[None], torch.tensor([0.7]))['low']
        for grid in range(7):
            self.assertLess((both[grid][:1] - one[grid]).abs().max().item(), 1e-5)

    def test_silent_units_are_counted(self):
        for shape in ('full', 'quick'):
            torch.manual_seed(7)
            codec = Codec(lambdas=(1e-2,), groups=('low',), shape=shape)
            self.assertLess(silent_share(codec, [('noise', PIXELS)], 0), 0.5)
            with torch.no_grad():
                for name, parameter in codec.analysis.trunk['low'].named_parameters():
                    parameter.fill_(-1 if name.endswith('bias') else 0)
            self.assertEqual(silent_share(codec, [('noise', PIXELS)], 0), 1)

    def test_no_unit_of_the_full_trunk_can_die(self):
        torch.manual_seed(7)
        codec = Codec(lambdas=(1e-2,), groups=('low',))
        trunk = codec.analysis.trunk['low']
        with torch.no_grad():
            trunk.stem.bias.fill_(-100)
        sum(grid.square().mean() for grid in codec.analyse(PIXELS[None], 0)).backward()
        self.assertGreater(trunk.stem.weight.grad.abs().amax((1, 2, 3)).min().item(), 0)


if __name__ == '__main__':
    unittest.main()
