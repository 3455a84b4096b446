"""Rivals, clones and the order of codecs: what must hold before any of them is trained. Run as a script."""
import pathlib
import sys
import unittest

import torch

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from tessera.analysis import GRIDS, VARIANTS, linear_start  # noqa: E402
from tessera.codec import Codec, Quantiser  # noqa: E402
from tessera.competition import add_rivals, allocation, reorder, share_coarse, split  # noqa: E402
from tessera.loop import adapt  # noqa: E402

PIXELS = torch.rand(2, 3, 64, 128, generator=torch.Generator().manual_seed(1)) - 0.5


def pair():
    """One codec of two groups whose weights have moved, and the same with rivals."""
    codec = Codec(lambdas=(1e-2, 1e-3), groups=('low', 'high'))
    with torch.no_grad():
        for parameter in codec.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=torch.Generator().manual_seed(3)) * 0.01)
    return codec, add_rivals(codec)


class CompetitionTest(unittest.TestCase):
    def test_the_generalist_stays_what_it_was(self):
        codec, larger = pair()
        with torch.no_grad():
            for anchor in (0, 1):
                expected = codec.costs(PIXELS, codec.analyse(PIXELS, anchor), 0, anchor, Quantiser('hard'))
                got = larger.costs(PIXELS, larger.analyse(PIXELS, anchor), 0, anchor, Quantiser('hard'))
                for one, other in zip(expected, got):
                    torch.testing.assert_close(one, other)

    def test_costs_of_patches_are_parts_of_the_whole(self):
        codec, _ = pair()
        with torch.no_grad():
            grids = codec.analyse(PIXELS, 1)
            error, rate = codec.costs(PIXELS, grids, 0, 1, Quantiser('hard'))
            patches = codec.patch_costs(PIXELS, grids, 0, 1, 64)
            self.assertEqual(patches.shape, (2, 1, 2))
            torch.testing.assert_close(patches.mean((1, 2)), error + codec.lambdas[1] * rate)
            importance = torch.tensor([[[1.0, 0.0]], [[0.5, 2.0]]])
            error, rate = codec.costs(PIXELS, grids, 0, 1, Quantiser('hard'), importance=importance)
            torch.testing.assert_close((patches * importance).mean((1, 2)), error + codec.lambdas[1] * rate)

    def test_shared_coarse_grids_are_the_same_for_all(self):
        _, codec = pair()
        share_coarse(codec, 'high')
        with torch.no_grad():
            grids = codec.analyse(PIXELS, 1)
            for grid, values in enumerate(grids):
                same = all(torch.equal(values[:, :1], values[:, mode:mode + 1]) for mode in range(codec.modes))
                self.assertEqual(same, grid >= 3, grid)
            self.assertTrue(torch.equal(codec.log_gain[0, 1].expand(codec.modes, -1), codec.log_gain[:, 1]))
            self.assertFalse(torch.equal(codec.log_gain[0, 0].expand(codec.modes, -1), codec.log_gain[:, 0]))

    def test_a_second_block_changes_nothing_before_it_learns(self):
        _, codec = pair()
        with torch.no_grad():
            before = codec.analyse(PIXELS, 1)
            codec.analysis.deepen(['high'])
            self.assertEqual(codec.analysis.deep_groups(), ['high'])
            for one, other in zip(before, codec.analyse(PIXELS, 1)):
                torch.testing.assert_close(one, other, rtol=0, atol=0)
            for parameter in codec.analysis.trunk['high'].second.parameters():
                parameter.add_(0.1)
            clones = split(codec, [0] * 2)
            for one, other in zip(codec.analyse(PIXELS, 1), clones.analyse(PIXELS, 1)):
                torch.testing.assert_close(one[:, :1], other[:, 1:])

    def test_every_rival_starts_as_a_codec(self):
        # As smooth as chroma at 1/32, which some assignments have, can follow.
        codec = add_rivals(Codec(lambdas=(1e-2, 1e-3), groups=('low', 'high')))
        smooth = torch.nn.functional.interpolate(PIXELS[:, :, :3, :3], size=(256, 256), mode='bicubic')
        with torch.no_grad():
            for weights in codec.analysis.head.parameters():
                weights.zero_()
            for anchor in (0, 1):
                grids = codec.analyse(smooth, anchor)
                for mode in range(codec.modes):
                    values = codec.latents(grids, mode, anchor)
                    _, output = codec.code(values, mode, anchor)
                    self.assertLess((output - smooth - 0.5).square().mean().item(), 1e-3, (anchor, mode))

    def test_clones_and_order(self):
        _, codec = pair()
        clones = split(codec, [0, 1, 2, 3, 0, 1, 2, 3])
        tables = [torch.rand(8, 20, generator=torch.Generator().manual_seed(5)) for _ in range(2)]
        with torch.no_grad():
            before = [clones.costs(PIXELS, clones.analyse(PIXELS, 1), mode, 1, Quantiser('hard'))[0] for mode in range(8)]
            torch.testing.assert_close(before[1], before[5])
            order = reorder(clones, tables)
            self.assertEqual(order[0], 0)
            after = [clones.costs(PIXELS, clones.analyse(PIXELS, 1), mode, 1, Quantiser('hard'))[0] for mode in range(8)]
        for place, old in enumerate(order):
            torch.testing.assert_close(after[place], before[old])

    def test_clones_go_where_the_patches_are(self):
        self.assertEqual(allocation([0.4, 0.01, 0.35, 0.24], 8), [0, 2, 3, 0, 2, 0, 3, 2])
        self.assertEqual(allocation([0.1, 0.2, 0.3, 0.4], 4), [0, 1, 2, 3])

    def test_hard_rounding_teaches_the_decoder_alone(self):
        _, codec = pair()
        error, rate = codec.costs(PIXELS, codec.analyse(PIXELS, 0), 2, 0, Quantiser('hard'))
        (error + rate).sum().backward()
        learned = {name for name, parameter in codec.named_parameters() if parameter.grad is not None and parameter.grad.abs().sum() > 0}
        self.assertTrue(learned)
        self.assertEqual({name for name in learned if not name.startswith('decoders.2.0.')}, set())

    def test_a_linear_part_of_all_codecs_becomes_one_per_codec(self):
        _, codec = pair()
        weights = codec.state_dict()
        for group in ('low', 'high'):
            for grid in range(GRIDS):
                weights[f'analysis.linear.{group}{grid}'] = torch.tensor([1.0, 2.0, 3.0, -0.5])
        adapted = adapt(weights, ('low', 'high'))
        for group in ('low', 'high'):
            for grid in range(GRIDS):
                row = linear_start(group, grid, VARIANTS[group][0])
                expected = torch.cat([torch.tensor([1.0, 2.0, 3.0]), row[3:] * 0.5]).repeat(codec.modes, 1)
                self.assertTrue(torch.equal(adapted[f'analysis.linear.{group}{grid}'], expected))


if __name__ == '__main__':
    unittest.main()
