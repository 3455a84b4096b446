"""Hidden units out of use: what is missed least goes, and never comes back. Run as a script."""
import itertools
import pathlib
import sys
import unittest

import torch

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from tessera.codec import Codec, Quantiser  # noqa: E402
from tessera.prune import fewest_missed, prune  # noqa: E402

PIXELS = torch.rand(2, 3, 64, 128, generator=torch.Generator().manual_seed(1)) - 0.5


def trial(units=6, samples=400):
    """Values of a few correlated units and of 1, [units + 1, samples], and weights of three outputs."""
    generator = torch.Generator().manual_seed(2)
    values = torch.randn(units, units, generator=generator) @ torch.randn(units, samples, generator=generator)
    values = torch.cat([values.clamp_min(0), torch.ones(1, samples)]).double()
    return values, torch.randn(3, units + 1, generator=generator).double()


class PruneTest(unittest.TestCase):
    def test_one_unit_goes_whose_loss_no_other_choice_beats(self):
        values, weights = trial()
        wanted = weights @ values

        def missed(kept):
            solution = torch.linalg.lstsq(values[kept].T, wanted.T).solution
            return (wanted - solution.T @ values[kept]).square().sum().item()
        choices = [[*kept, 6] for kept in itertools.combinations(range(6), 5)]
        pruned = fewest_missed(weights, values @ values.T / values.shape[1], 5)
        self.assertEqual((pruned == 0).all(0).sum().item(), 1)
        self.assertAlmostEqual((wanted - pruned @ values).square().sum().item(), min(map(missed, choices)), places=6)

    def test_a_unit_that_says_what_another_says_is_free(self):
        values, weights = trial()
        values[4] = 2 * values[1]
        total = values @ values.T / values.shape[1] + 1e-9 * torch.eye(7).double()
        pruned = fewest_missed(weights, total, 5)
        torch.testing.assert_close(pruned @ values, weights @ values, rtol=1e-4, atol=1e-4)

    def test_units_out_of_use_stay_so_in_training(self):
        codec = Codec(lambdas=(1e-2,), groups=('low',))
        decoder = codec.decoders[0][0]
        with torch.no_grad():
            for parameter in codec.parameters():
                parameter.add_(torch.randn(parameter.shape, generator=torch.Generator().manual_seed(3)) * 0.01)
        prune(decoder, torch.eye(49).double(), 28)
        idle = (decoder.w2 == 0).all(0)
        self.assertEqual(idle.sum().item(), 20)
        optimiser = torch.optim.Adam(decoder.parameters(), lr=1e-2)
        before = decoder.w2.detach().clone()
        for _ in range(3):
            error, rate = codec.costs(PIXELS, codec.analyse(PIXELS, 0), 0, 0, Quantiser('noise'))
            optimiser.zero_grad()
            (error + 1e-2 * rate).mean().backward()
            optimiser.step()
        self.assertTrue((decoder.w2[:, idle] == 0).all())
        self.assertFalse(torch.equal(decoder.w2, before))


class QuantiserTest(unittest.TestCase):
    def test_straight_rounding_rounds_and_passes_its_gradient(self):
        values = torch.tensor([-1.7, -0.2, 0.4, 2.6], requires_grad=True)
        rounded = Quantiser('straight')(values)
        self.assertEqual(rounded.tolist(), [-2, 0, 0, 3])
        (rounded * torch.tensor([1.0, 2.0, 3.0, 4.0])).sum().backward()
        self.assertEqual(values.grad.tolist(), [1, 2, 3, 4])


if __name__ == '__main__':
    unittest.main()
