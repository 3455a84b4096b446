"""Whole numbers of 8 bits in the trunk of an analysis graph: onnxruntime computes these in half the time, and the file is half as long.

READ ME FIRST
- One scale serves all channels of a tensor, so `equalise` first gives them like ranges. A rectifier that is linear on either side of 0 lets
  factors through, so the analysis stays what it was. What the analysis loses is in PLAN.md, "8 bits".
- The rate scales the channels of some layers (`analysis.Modulation`), so scales of their weights are computed where the graph runs. That is why
  the operators on integers stand in the graph themselves: onnxruntime makes them of floats only where all scales are constant.
- Only the way down the levels is in integers. The way up, heads and linear parts stay in floats: they are a tenth of the work, and what they
  err goes into the latents undamped.
- Ranges end before the extremes of the training crops do: finer steps are worth more than the few values that are cut off.
- onnxruntime has these operators on the CPU alone. GPUs take the graph in floats.
"""
import numpy as np
import onnx
import onnx.numpy_helper
import torch
from onnx import TensorProto, helper

from .analysis import GRIDS
from .data import Crops

CALIBRATION_SIDE, CALIBRATION_CROPS, CALIBRATION_SEED = 256, 48, 91
EXTENSIONS = 'com.microsoft'
LEVELS = range(1, GRIDS)
RECORDED = {'conv2d': 'Conv', 'leaky_relu': 'LeakyRelu', 'add': 'Add', '__add__': 'Add'}
KEPT_RANGE = 0.8
LEAST_FACTOR = 1e-4


class Recorder(torch.overrides.TorchFunctionMode):
    """Least and largest value of every channel after every operator on features, in the order in which they run."""

    def __init__(self):
        super().__init__()
        self.operators, self.ranges, self.next = [], [], 0

    def __torch_function__(self, function, types, arguments=(), options=None):
        result = function(*arguments, **(options or {}))
        operator = RECORDED.get(function.__name__)
        # Weights are never added to weights with four dimensions.
        if operator is None or result.dim() != 4:
            return result
        low, high = result.amin((0, 2, 3)), result.amax((0, 2, 3))
        if self.next == len(self.ranges):
            self.operators.append(operator)
            self.ranges.append((low, high))
        else:
            before = self.ranges[self.next]
            self.ranges[self.next] = torch.minimum(before[0], low), torch.maximum(before[1], high)
        self.next += 1
        return result


def blocks_at(trunk, level):
    """Residual blocks of a level in the order in which they run."""
    return [blocks[str(level)] for blocks in (trunk.block, trunk.second) if str(level) in blocks]


def calibration_crops(pictures):
    """Pixels [1, 3, side, side] of the training split that show the ranges of features."""
    crops = Crops(pictures, CALIBRATION_SIDE, 1, CALIBRATION_SEED)
    return [crops.next() for _ in range(CALIBRATION_CROPS)]


@torch.no_grad()
def ranges_of(codec, group, crops):
    """[(operator, least [C], largest [C])] of the operators of the trunk of a head group as they run, over crops at all its rates."""
    recorder = Recorder()
    trunk = codec.analysis.trunk[group]
    anchors = [anchor for anchor, name in enumerate(codec.groups) if name == group]
    for pixels in crops:
        for anchor in anchors:
            recorder.next = 0
            with recorder:
                trunk(pixels, torch.full((1,), codec.rate(anchor)))
    return [(operator, *bounds) for operator, bounds in zip(recorder.operators, recorder.ranges)]


@torch.no_grad()
def equalise(codec, group, ranges):
    """Rescales the channels of the trunk on the way down so that those of a tensor have like ranges; the analysis gives what it gave."""
    trunk = codec.analysis.trunk[group]
    found = iter(ranges)

    def reach(operator):
        name, low, high = next(found)
        assert name == operator, (name, operator)
        return torch.maximum(high, -low)

    # Of the features of a level, and of those within its blocks.
    stream, hidden = {}, {}
    for level in LEVELS:
        reach('Conv')
        stream[level] = reach('LeakyRelu')
        for block in blocks_at(trunk, level):
            reach('Conv')
            hidden[block] = reach('LeakyRelu')
            reach('Conv')
            stream[level] = torch.maximum(stream[level], reach('Add'))
    for scales in (stream, hidden):
        for place, values in scales.items():
            # Channels that are silent on all crops must not become loud.
            scales[place] = values.clamp(min=max(values.max().item() / 64, 1e-6))

    def rescale(layer, before=1.0, after=1.0, modulation=None):
        layer.weight.mul_(torch.as_tensor(before).reshape(1, -1, 1, 1) / torch.as_tensor(after).reshape(-1, 1, 1, 1))
        layer.bias.div_(after)
        if modulation is not None:
            modulation.offset.div_(after)

    for level in LEVELS:
        if level == 1:
            rescale(trunk.stem, after=stream[level])
        else:
            rescale(trunk.down[str(level)], stream[level - 1], stream[level])
            rescale(trunk.top_down[str(level - 1)], stream[level], stream[level - 1])
        for block in blocks_at(trunk, level):
            rescale(block.spatial, stream[level], hidden[block], block.modulation)
            rescale(block.mix, hidden[block], stream[level])
        rescale(trunk.after[str(level)], stream[level])


def attributes_of(node):
    return {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}


class IntegerTrunk:
    """Rewrites the way down the trunk of an analysis graph: features are tensors of 8 bits with a scale and a zero point."""

    def __init__(self, model, group):
        self.graph = graph = model.graph
        model.opset_import.append(helper.make_opsetid(EXTENSIONS, 1))
        self.prefix = f'analysis.trunk.{group}.'
        self.tensors = {tensor.name: tensor for tensor in graph.initializer}
        self.makers = {output: node for node in graph.node for output in node.output}
        self.nodes = []
        self.short = {}            # feature -> names of its integers, scale, zero point
        self.floats = {}           # feature that something outside the trunk reads -> name of its floats

    def constant(self, name, values):
        self.graph.initializer.append(onnx.numpy_helper.from_array(np.asarray(values), name))
        return name

    def node(self, kind, inputs, output, **attributes):
        self.nodes.append(helper.make_node(kind, inputs, [output], **attributes))
        return output

    def weights_of(self, node):
        """Names of a convolution's weights and of the factors [C, 1, 1, 1] that the rate gives them, if it does."""
        maker = self.makers.get(node.input[1])
        return tuple(maker.input) if maker is not None else (node.input[1], None)

    def goes_down(self, node):
        """Whether a node is one of those that become integers."""
        if node.op_type == 'Conv':
            name = self.weights_of(node)[0]
            return name.startswith(self.prefix) and not name.startswith((f'{self.prefix}top_down.', f'{self.prefix}after.'))
        features = [name in self.short for name in node.input if name]
        return node.op_type == 'LeakyRelu' and features[0] or node.op_type == 'Add' and all(features)

    def rewrite(self, ranges):
        """ranges: as `ranges_of` gives them for the equalised trunk."""
        ranges = iter(ranges)
        for node in list(self.graph.node):
            if not self.goes_down(node):
                node.input[:] = [self.as_floats(name) if name in self.short and name != 'image' else name for name in node.input]
                self.nodes.append(node)
                continue
            operator, low, high = next(ranges)
            assert operator == node.op_type, (operator, node.op_type)
            if node.input[0] == 'image':
                self.take_image(node)
            bounds = low.min().item(), high.max().item()
            {'Conv': self.convolve, 'LeakyRelu': self.rectify, 'Add': self.add}[operator](node, *bounds)
        del self.graph.node[:]
        self.graph.node.extend(self.nodes)
        drop_unused(self.graph)

    def as_floats(self, feature):
        if feature not in self.floats:
            self.floats[feature] = self.node('DequantizeLinear', self.short[feature], f'{feature}_floats')
        return self.floats[feature]

    def bounded(self, feature, low, high):
        """Scale and zero point for a feature, which has them from here on. 0 is a level: it is what lies beyond the edges."""
        low, high = KEPT_RANGE * min(low, 0.0), KEPT_RANGE * max(high, 0.0)
        scale = max((high - low) / 255, 1e-9)
        self.short[feature] = (f'{feature}_short', self.constant(f'{feature}_scale', np.float32(scale)),
                               self.constant(f'{feature}_zero', np.uint8(np.clip(round(-low / scale), 0, 255))))
        return self.short[feature]

    def take_image(self, node):
        """The levels of a picture are 8 bits as they are: (level - 127.5) / 255 becomes (level - 128) / 255, and the bias of the first layer makes up for it."""
        half = np.float32(0.5 / 255)
        shifted = self.node('Sub', ['image', self.constant('half', half)], 'shifted')
        self.short['image'] = ('image_short', self.constant('image_scale', np.float32(1 / 255)), self.constant('image_zero', np.uint8(128)))
        self.node('QuantizeLinear', [shifted, *self.short['image'][1:]], 'image_short')
        weights, bias = (self.tensors[name] for name in node.input[1:])
        moved = onnx.numpy_helper.to_array(bias) + half * onnx.numpy_helper.to_array(weights).sum((1, 2, 3))
        bias.CopyFrom(onnx.numpy_helper.from_array(moved, bias.name))

    def convolve(self, node, low, high):
        name, factors = self.weights_of(node)
        values = onnx.numpy_helper.to_array(self.tensors[name])
        scale = np.abs(values).max((1, 2, 3)).astype(np.float32) / 127
        scale[scale == 0] = 1
        weights = self.constant(f'{name}_short', np.round(values / scale[:, None, None, None]).astype(np.int8))
        scales = self.constant(f'{name}_scale', scale)
        if factors is not None:
            scales = self.node('Mul', [scales, self.away_from_zero(factors, name)], f'{name}_modulated')
        source = self.short[node.input[0]]
        units = self.node('Div', [node.input[2], self.node('Mul', [scales, source[1]], f'{name}_unit')], f'{name}_bias')
        bias = self.node('Cast', [self.node('Round', [units], f'{name}_bias_whole')], f'{name}_bias_short', to=TensorProto.INT32)
        zeros = self.constant(f'{name}_zero', np.zeros(len(scale), np.int8))
        target = self.bounded(node.output[0], low, high)
        self.node('QLinearConv', [*source, weights, scales, zeros, *target[1:], bias], target[0], **attributes_of(node))

    def away_from_zero(self, factors, name):
        """Factors [C], which may be negative. So near to 0 that a bias in their units would not fit 32 bits they do nothing, and become the least that may be."""
        if 'flat' not in self.tensors:
            self.tensors.update({'flat': self.constant('flat', np.array([-1], np.int64)), 'least': self.constant('least', np.float32(LEAST_FACTOR))})
        flat = self.node('Reshape', [factors, 'flat'], f'{name}_factors')
        small = self.node('Less', [self.node('Abs', [flat], f'{name}_magnitudes'), 'least'], f'{name}_small')
        return self.node('Where', [small, 'least', flat], f'{name}_away')

    def rectify(self, node, low, high):
        source, target = self.short[node.input[0]], self.bounded(node.output[0], low, high)
        self.node('QLinearLeakyRelu', [*source, *target[1:]], target[0], domain=EXTENSIONS, **attributes_of(node))

    def add(self, node, low, high):
        sources, target = [self.short[name] for name in node.input], self.bounded(node.output[0], low, high)
        self.node('QLinearAdd', [*sources[0], *sources[1], *target[1:]], target[0], domain=EXTENSIONS)


def drop_unused(graph):
    """Takes out nodes and initializers that nothing needs any more."""
    while True:
        used = {name for node in graph.node for name in node.input} | {value.name for value in graph.output}
        kept = [node for node in graph.node if any(name in used for name in node.output)]
        if len(kept) == len(graph.node):
            break
        del graph.node[:]
        graph.node.extend(kept)
    tensors = [tensor for tensor in graph.initializer if tensor.name in used]
    del graph.initializer[:]
    graph.initializer.extend(tensors)
