"""What turns a checkpoint into a pack: fitted rows, moved anchors, halved graphs. Run as a script."""
import pathlib
import sys
import unittest

import numpy as np
import torch

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from tessera import fit, settle, shipped  # noqa: E402
from tessera.codec import Codec  # noqa: E402
from tessera.export import synthesis_block, synthesis_tensors  # noqa: E402
from tessera.fixed_point import ADAPTED, context_layers, feature_bits, synthesis_layers  # noqa: E402
from tessera.integer import TAPS, context_rows, synthesise  # noqa: E402
from tessera.remap import remap  # noqa: E402
from tessera.rounding_loss import SYNTHESIS_AT, read_synthesis  # noqa: E402
from tessera.tables import TOTAL, even_scale, laplace_rows, step_table  # noqa: E402


def shaken(codec, scale=0.1):
    with torch.no_grad():
        for parameter in codec.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=torch.Generator().manual_seed(3)) * scale)
    return codec


class PackTest(unittest.TestCase):
    def test_fast_rows_equal_the_integer_reference(self):
        codec = shaken(Codec(lambdas=(1e-2,), groups=('low',)))
        layers = context_layers(codec.decoders[0][0])
        for seed, spread in enumerate((1, 20, 40000)):
            plane = np.random.default_rng(seed).integers(-spread, spread, (23, 31))
            for fast, exact in zip(fit.rows_of_plane(plane, layers, -37), context_rows(plane, layers, -37)):
                np.testing.assert_array_equal(fast, exact)

    def test_taps_are_those_of_the_format(self):
        random = np.random.default_rng(4)
        for grid, height, width in ((0, 150, 530), (2, 130, 140), (3, 40, 70)):
            plane = random.integers(-200, 200, (height, width))
            taps = shipped.taps_of_plane(plane, grid)
            side, tile = 128 >> grid, 512 >> grid
            patch = lambda y, x: (y // side) * -(-width // side) + x // side
            for y, x in zip(random.integers(0, height, 400), random.integers(0, width, 400)):
                for tap, (dy, dx) in enumerate(TAPS):
                    there = y + dy, x + dx
                    known = there[0] >= 0 and 0 <= there[1] < width and patch(*there) <= patch(y, x)
                    known = known and (grid > 2 or (there[0] // tile, there[1] // tile) == (y // tile, x // tile))
                    self.assertEqual(taps[y, x, tap], np.clip(plane[there], -127, 127) if known else 0)

    def test_rows_of_shipped_latents_equal_the_integer_reference(self):
        codec = shaken(Codec(lambdas=(1e-2,), groups=('low',)))
        layers = context_layers(codec.decoders[0][0])
        plane = np.random.default_rng(2).integers(-9, 9, (40, 30))
        taps = shipped.taps_of_plane(plane, 0).reshape(-1, 16)
        for fast, exact in zip(fit.rows_of_taps(layers, taps, np.full(len(taps), 50)), context_rows(plane, layers, 50)):
            np.testing.assert_array_equal(fast, exact.reshape(-1))

    def test_counted_rows_cost_less_and_fit_into_the_decoder(self):
        rows = laplace_rows()
        counts = np.zeros((64, 16, 2 * fit.MOST + 1))
        counts[20, 8, fit.MOST] = 10_000                     # nothing but zeros in one row
        settled = settle.counted_rows(rows, [[counts]])
        self.assertLess(fit.bits(settled, counts), 0.2 * fit.bits(rows, counts))
        for (bound, order, stored), (same_bound, same_order, before) in zip(settled, rows):
            self.assertEqual((bound, order), (same_bound, same_order))
            self.assertTrue(all(line.sum() == TOTAL and line.min() > 0 and len(line) == len(before[f]) for f, line in stored.items()))
        table = b''.join(bytes((bound, order)) for bound, order, _ in rows)
        table += b''.join(stored[f].astype('<u2').tobytes() for _, _, stored in rows for f in range(-8, 1))
        decoder = bytes(20) + table + b'behind' + bytes(4)
        rewritten = settle.rewrite(decoder, settled)
        self.assertEqual((len(rewritten), rewritten[-10:-4]), (len(decoder), b'behind'))
        for (_, _, read), (_, _, written) in zip(settle.read_rows(rewritten), settled):
            self.assertTrue(all(np.array_equal(read[f], written[f]) for f in range(-8, 8)))

    def test_the_integer_synthesis_is_within_a_level_of_the_float_one(self):
        for group in ('low', 'high'):
            codec = shaken(Codec(lambdas=(1e-3,), groups=(group,)), 0.02)
            decoder, log_gain = codec.decoders[0][0], codec.log_gain[0, 0].detach()
            generator = torch.Generator().manual_seed(5)
            # Differences of a tenth in every grid, from one picture to the next twice as large.
            for scale in (0.05, 0.1):
                values = [torch.randn(1, 1, 64 >> grid, 128 >> grid, generator=generator) * scale for grid in range(7)]
                latents = [torch.round(grid * gain.exp()) for grid, gain in zip(values, log_gain)]
                largest = [grid.abs().max().item() for grid in latents]
                synthesis = synthesis_layers(synthesis_tensors(decoder, log_gain), largest)
                with torch.no_grad():
                    expected = decoder.pixels([grid / gain.exp() for grid, gain in zip(latents, log_gain)])[0]
                    levels = synthesise(decoder.features(latents)[0].numpy(), synthesis)
                expected = np.clip(np.floor(expected.double().numpy() * 255 + 0.5), 0, 255)
                self.assertLessEqual(np.abs(levels - expected).max(), 1)
                self.assertGreater(levels.std(), 5)
                again = read_synthesis(bytes(SYNTHESIS_AT) + synthesis_block(synthesis), 0)
                np.testing.assert_array_equal(again.weights, synthesis.weights)
                self.assertEqual([shift for shift, _, _ in again.layers], [shift for shift, _, _ in synthesis.layers])
                np.testing.assert_array_equal(again.layers[2][2], synthesis.layers[2][2])

    def test_no_sum_of_the_integer_synthesis_can_overflow(self):
        codec = shaken(Codec(lambdas=(1e-3,), groups=('low',)), 0.4)
        synthesis = synthesis_layers(synthesis_tensors(codec.decoders[0][0], codec.log_gain[0, 0]), [1, 10, 100, 1000, 1e4, 1e5, 0])
        self.assertEqual(synthesis.bits, feature_bits([1, 10, 100, 1000, 1e4, 1e5, 0]))
        rows = [(synthesis.weights, synthesis.biases * 16384)] + [(weights, biases) for _, weights, biases in synthesis.layers]
        for (weights, biases), room in zip(rows, (1, ADAPTED['mixing'], 1, ADAPTED['last'])):
            self.assertLessEqual(np.abs(weights).max(), 32767)
            self.assertLessEqual((np.abs(weights).reshape(len(biases), -1).sum(1) * 32768 + np.abs(biases)).max(), 2 ** 31 - 1)
            # Not far below either, but for the room that adaptations have: precision is what is left.
            self.assertGreater((np.abs(weights).reshape(len(biases), -1).sum(1) * 32768 + np.abs(biases)).max(), 2 ** 29 / room)

    def test_fitted_rows_are_rows_and_follow_the_counts(self):
        rows = laplace_rows()
        counts = np.random.default_rng(0).poisson(3, (64, 16, 2 * fit.MOST + 1)).astype(float)
        fitted = fit.fitted_rows(rows, counts)
        for (bound, order, stored), (bound_before, order_before, _) in zip(fitted, rows):
            self.assertEqual((bound, order), (bound_before, order_before))
            for fraction, line in stored.items():
                self.assertEqual(line.sum(), TOTAL)
                self.assertGreaterEqual(line.min(), 1)
                self.assertEqual(len(line), 2 * bound + 3)
                if fraction > 0:
                    np.testing.assert_array_equal(line, stored[-fraction][::-1])
        self.assertLess(fit.bits(fitted, counts), fit.bits(rows, counts))

    def test_anchors_that_do_not_move_keep_their_weights(self):
        codec = shaken(Codec(modes=2, lambdas=(1e-2, 1e-3), groups=('low', 'high')))
        same = remap(codec, (1e-2, 1e-3, 5e-4), ('low', 'high', 'high'))
        pixels = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(1)) - 0.5
        with torch.no_grad():
            for anchor in (0, 1):
                before = codec.latents(codec.analyse(pixels, anchor), 0, anchor)
                after = same.latents(same.analyse(pixels, anchor), 0, anchor)
                for one, other in zip(before, after):
                    self.assertLess((one - other).abs().max().item(), 1e-4)
        for one, other in zip(codec.decoders[0][1].parameters(), same.decoders[0][2].parameters()):
            self.assertTrue(torch.equal(one, other))

    def test_the_middle_step_is_the_anchor(self):
        steps = step_table(3.0)
        self.assertEqual(steps[len(steps) // 2], (16384, 16384, 0))
        self.assertLessEqual(len(steps), 255)

    def test_the_first_scale_of_qualities_falls_evenly_in_lambda(self):
        lambdas, steps = (1e-2, 3e-3, 2e-3), step_table(3.0)
        scale = even_scale(lambdas, steps)
        weights = [lambdas[anchor] / (steps[step][0] / 16384) ** 2 for anchor, step in scale]
        self.assertEqual((len(scale), scale[0], scale[100]), (101, (0, 0), (2, len(steps) - 1)))
        falls = [after / before for before, after in zip(weights, weights[1:])]
        self.assertLess(max(falls) - min(falls), 0.01)


if __name__ == '__main__':
    unittest.main()
