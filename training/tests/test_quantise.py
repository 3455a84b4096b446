"""Analyses in whole numbers: rescaled channels change nothing, and the graph says what the floats said. Run as a script."""
import pathlib
import sys
import tempfile
import unittest

import numpy as np
import onnx
import onnx.numpy_helper
import torch

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from tessera.codec import Codec  # noqa: E402
from tessera.export import write_analysis  # noqa: E402
from tessera.quantise import KEPT_RANGE, equalise, ranges_of  # noqa: E402

CROPS = [torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(seed)) - 0.5 for seed in range(3)]


def codec_with_unlike_channels():
    torch.manual_seed(5)
    codec = Codec(modes=2, lambdas=(1e-2, 1e-3), groups=('low', 'low'))
    codec.analysis.deepen(['low'])
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for name, parameter in codec.analysis.named_parameters():
            parameter.add_(torch.randn(parameter.shape, generator=generator) * 0.05)
            if name.endswith('stem.weight'):
                parameter.mul_(torch.logspace(-1, 1, len(parameter))[:, None, None, None])
    return codec.eval()


class QuantiseTest(unittest.TestCase):
    def test_equalising_keeps_what_the_analysis_gives_and_makes_ranges_alike(self):
        codec = codec_with_unlike_channels()

        def spread():
            _, low, high = ranges_of(codec, 'low', CROPS)[1]
            reach = torch.maximum(high, -low)
            return (reach.max() / reach.min()).item()

        with torch.no_grad():
            before, unlike = [codec.analyse(CROPS[0], anchor) for anchor in (0, 1)], spread()
            equalise(codec, 'low', ranges_of(codec, 'low', CROPS))
            after = [codec.analyse(CROPS[0], anchor) for anchor in (0, 1)]
        self.assertGreater(unlike, 20)
        self.assertLess(spread(), unlike / 4)
        for grids, again in zip(before, after):
            for grid, same in zip(grids, again):
                torch.testing.assert_close(same, grid, rtol=1e-4, atol=1e-4)

    def test_the_graph_has_integers_on_the_way_down_and_their_ranges(self):
        codec = codec_with_unlike_channels()
        with tempfile.TemporaryDirectory() as folder:
            path = f'{folder}/analysis.onnx'
            write_analysis(codec, 'low', path, CROPS)
            graph = onnx.load(path).graph
        kinds = [node.op_type for node in graph.node]
        # Six levels with an entry and a block of two layers, and three second blocks.
        self.assertEqual(kinds.count('QLinearConv'), 6 * 3 + 3 * 2)
        self.assertEqual((kinds.count('QLinearAdd'), kinds.count('QuantizeLinear')), (9, 1))
        tensors = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in graph.initializer}
        equalise(codec, 'low', ranges_of(codec, 'low', CROPS))
        entry = next(node for node in graph.node if node.op_type == 'QLinearConv')
        weights, scales = tensors[entry.input[3]], tensors[entry.input[4]]
        wanted = codec.analysis.trunk['low'].stem.weight.detach().numpy()
        error = np.abs(weights * scales[:, None, None, None] - wanted).max((1, 2, 3))
        self.assertTrue((error <= scales * 0.501).all())
        _, low, high = ranges_of(codec, 'low', CROPS)[0]
        self.assertAlmostEqual(float(tensors[entry.input[6]]) * 255, KEPT_RANGE * (high.max() - low.min()).item(), places=2)
        self.assertEqual((float(tensors[entry.input[1]]), int(tensors[entry.input[2]])), (np.float32(1 / 255), 128))


if __name__ == '__main__':
    unittest.main()
