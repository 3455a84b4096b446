"""Checkpoint -> model pack: decoder.bin, analyses as ONNX graphs, synthesis.onnx, manifest.json (FORMAT.md section 7).

analysis-<group>.onnx has its trunk in whole numbers (quantise.py), float-<group>.onnx is the same in floats, for GPUs; quick-<group>.onnx
is the small analysis, in floats: half of its units are silent, and what is left needs more than 8 bits (PLAN.md).

    /usr/bin/python3 -m tessera.export --data CACHE --checkpoint RUN/checkpoint.pt --out models/tessera-1
"""
import argparse
import hashlib
import json
import os
import struct
import zlib

import numpy as np
import onnx
import onnx.numpy_helper
import torch
import torch.nn as nn

from .analysis import GRIDS
from .codec import Codec
from .curvature import curvatures
from .data import Crops, Pictures
from .fit import fit
from .fixed_point import context_layers, fixed, synthesis_layers
from .kernels import plain_torch
from .loop import adapt
from .quantise import IntegerTrunk, calibration_crops, equalise, ranges_of
from .synthesis_graph import write_synthesis_graph
from .tables import even_scale, laplace_rows, step_table

PACK_ID = 1
CURVATURE_SIDE, CURVATURE_CROPS, CURVATURE_SEED = 256, 6, 71
SMALLEST_HALVED = 1024        # elements
# Names of files and of fields of the manifest.
FIELDS = {'analysis': 'analysis', 'float': 'floatAnalysis', 'quick': 'quick'}
# Weights of the adaptive mode map: a first guess, until mode maps of the trained pack are counted.
MODE_PRIOR, MODE_BONUS, MODE_INCREMENT = 12, (60, 60, 10, 25), 20


def tensor_block(values):
    shift, integers = fixed(values)
    return struct.pack('<BB', shift, 0) + integers.astype('<i2').tobytes()


def synthesis_tensors(decoder, log_gain):
    """Tensors in file order. The inverse gains are folded into the first layer: every filter before it is linear."""
    return [decoder.w1.detach() * (-log_gain.detach()).exp()[None], decoder.b1, decoder.w2, decoder.b2,
            decoder.w3, decoder.b3, decoder.w4, decoder.b4]


def synthesis_block(synthesis):
    """fixed_point.Synthesis as FORMAT.md section 7.5 has it."""
    out = bytes(synthesis.bits) + b'\0' + synthesis.weights.astype('<i2').tobytes() + synthesis.biases.astype('<i2').tobytes()
    for shift, weights, biases in synthesis.layers:
        out += struct.pack('<BB', shift, 0) + weights.astype('<i2').tobytes() + biases.astype('<i4').tobytes()
    return out


def decoder_block(decoder, log_gain, largest):
    """largest: the largest dequantised latents of each grid that are to be expected (fit.largest_latents)."""
    out = bytes(8)  # context kind 0 for every grid
    for k, weights, bias in context_layers(decoder):
        out += struct.pack('<BB', k, 0) + weights.astype('<i2').tobytes() + bias.astype('<i4').tobytes()
    for step in range(GRIDS - 2, -1, -1):
        out += tensor_block(torch.cat([decoder.up[step], decoder.smooth[step]]))
    return out + synthesis_block(synthesis_layers(synthesis_tensors(decoder, log_gain), largest))


def modes_block(modes):
    out = b''
    count = 1
    while count <= modes:
        out += bytes(range(count)) + struct.pack('<%dH' % count, *[MODE_PRIOR] * count)
        out += struct.pack('<5H', *MODE_BONUS, MODE_INCREMENT)
        count *= 2
    return out


def decoder_file(codec, steps, rows, largest):
    """decoder.bin. rows: as tables.laplace_rows() returns them; largest: [mode][anchor][grid] as fit.fit() returns them."""
    table = b''.join(struct.pack('<BB', bound, order) for bound, order, _ in rows)
    for _, _, stored in rows:
        for fraction in range(-8, 1):
            table += stored[fraction].astype('<u2').tobytes()
    blocks = [table,
              bytes([len(steps)]) + b''.join(struct.pack('<HHh', *row) for row in steps),
              modes_block(codec.modes),
              b''.join(decoder_block(codec.decoders[mode][anchor], codec.log_gain[mode, anchor], largest[mode][anchor])
                       for mode in range(codec.modes) for anchor in range(len(codec.lambdas)))]
    out = b'\x8bTP\n' + struct.pack('<BBBBHH', 0, codec.modes, len(codec.lambdas), GRIDS, PACK_ID, 0)
    for tag, payload in enumerate(blocks, 1):
        out += struct.pack('<B3xI', tag, len(payload)) + payload
    return out + struct.pack('<I', zlib.crc32(out))


class OneGroup(nn.Module):
    """The analysis with the heads of one group, as a graph with seven outputs."""

    def __init__(self, analysis, group):
        super().__init__()
        self.analysis, self.group = analysis, group
        self.analysis.groups = (group,)
        for name in list(analysis.head):
            if not name.startswith(group):
                del analysis.head[name], analysis.linear[name]
        for name in list(analysis.trunk):
            if name != group:
                del analysis.trunk[name]

    def forward(self, pixels, rate):
        return tuple(self.analysis(pixels, rate)[self.group])


def deep_groups(weights):
    """Head groups whose trunk has second blocks."""
    return sorted({name.split('.')[2] for name in weights if '.second.' in name})


def write_analysis(trained, group, path, crops=None):
    """The graph of a head group. With crops, which show the ranges of its features, its trunk is in whole numbers."""
    state = trained.state_dict()
    codec = Codec(trained.modes, trained.lambdas, trained.groups, shape=trained.shape)
    codec.analysis.deepen(deep_groups(state))
    codec.load_state_dict(state)
    codec.eval()
    if crops is not None:
        equalise(codec, group, ranges_of(codec, group, crops))
        ranges = ranges_of(codec, group, crops)
    names = [f'grid{grid}' for grid in range(GRIDS)]
    axes = {'image': {2: 'height', 3: 'width'}}
    axes.update({name: {1: f'{name}_codecs', 2: f'{name}_height', 3: f'{name}_width'} for name in names})
    with plain_torch():
        torch.onnx.export(OneGroup(codec.analysis, group).eval(), (torch.zeros(1, 3, 128, 192), torch.zeros(1)), path,
                          input_names=['image', 'rate'], output_names=names, dynamic_axes=axes, opset_version=13)
    model = onnx.load(path)
    if trained.modes > 1:
        count_codecs(model.graph, trained.modes)
    if crops is not None:
        IntegerTrunk(model, group).rewrite(ranges)
    halve(model.graph)
    shorten(model.graph)
    onnx.save(model, path)


def count_codecs(graph, modes):
    """Gives a graph the input `codecs`: grids are those of so many first codecs. All eight cost an eighth more time than one.

    The last layers, of which each codec has rows of its own, take the first rows of their weights.
    """
    tensors = {tensor.name: tensor for tensor in graph.initializer}
    graph.input.append(onnx.helper.make_tensor_value_info('codecs', onnx.TensorProto.FLOAT, [1]))
    nodes = [onnx.helper.make_node('Cast', ['codecs'], ['count1'], to=onnx.TensorProto.INT64),
             onnx.helper.make_node('Mul', ['count1', 'four'], ['count4'])]
    for name, value in (('four', 4), ('none', 0)):
        graph.initializer.append(onnx.numpy_helper.from_array(np.array([value], np.int64), name))
    for node in graph.node:
        weights = tensors.get(node.input[1]) if node.op_type == 'Conv' else None
        is_head = weights is not None and weights.name.startswith('analysis.head.')
        is_linear = weights is not None and weights.dims[0] == modes and weights.dims[1] < 8 and not is_head
        if not (is_head or is_linear):
            continue
        for index in range(1, len(node.input)):
            part = node.input[index] + '_part'
            nodes.append(onnx.helper.make_node('Slice', [node.input[index], 'none', f'count{weights.dims[0] // modes}', 'none'], [part]))
            node.input[index] = part
    nodes.extend(graph.node)
    del graph.node[:]
    graph.node.extend(nodes)


def halve(graph):
    """Stores the large tensors of a graph as float16 with a cast in front, which onnxruntime folds away when it loads the graph."""
    casts = []
    for tensor in graph.initializer:
        if tensor.data_type != onnx.TensorProto.FLOAT or np.prod(tensor.dims) < SMALLEST_HALVED:
            continue
        name = tensor.name
        tensor.CopyFrom(onnx.numpy_helper.from_array(onnx.numpy_helper.to_array(tensor).astype(np.float16), name + '_half'))
        casts.append(onnx.helper.make_node('Cast', [name + '_half'], [name], to=onnx.TensorProto.FLOAT))
    nodes = casts + list(graph.node)
    del graph.node[:]
    graph.node.extend(nodes)


def shorten(graph):
    """Short names for all that nobody asks for by name: PyTorch's are paths, and a sixth of the file."""
    kept = {value.name for value in [*graph.input, *graph.output]}
    short = {}

    def rename(name):
        return name if name in kept or not name else short.setdefault(name, f'{len(short):x}')

    for tensor in graph.initializer:
        tensor.name = rename(tensor.name)
    for node in graph.node:
        node.name = ''
        node.doc_string = ''
        node.input[:] = [rename(name) for name in node.input]
        node.output[:] = [rename(name) for name in node.output]
    del graph.value_info[:]


def load_codec(path, average=True):
    checkpoint = torch.load(path, map_location='cpu')
    codec = Codec(modes=checkpoint['modes'], lambdas=checkpoint['lambdas'], groups=checkpoint['groups'], shape=checkpoint.get('shape', 'plain'))
    weights = checkpoint['average' if average else 'codec']
    codec.analysis.deepen(deep_groups(weights))
    # Checkpoints from before the analysis knew its rate have no modulation; untrained it changes nothing.
    fresh = {name: value for name, value in codec.state_dict().items() if '.modulation.' in name}
    codec.load_state_dict({**fresh, **adapt(weights, checkpoint['groups'])})
    return codec, checkpoint


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--data', required=True, help='cache of prepare-data.mjs: rows of the entropy coder, room for latents and curvatures come from its pictures')
    parser.add_argument('--checkpoint', help='without one, the untrained linear start is exported')
    parser.add_argument('--quick', help='checkpoint of the small analyses (tessera.train --fresh quick) for the lowest effort')
    parser.add_argument('--modes', type=int, help='clone the codecs of the checkpoint up to this number')
    parser.add_argument('--out', required=True)
    parser.add_argument('--note', default='')
    options = parser.parse_args()
    os.makedirs(options.out, exist_ok=True)
    checkpoint, state = {}, {}
    if options.checkpoint:
        codec, checkpoint = load_codec(options.checkpoint)
        state = checkpoint['state']
    else:
        codec = Codec()
    if options.modes and options.modes != codec.modes:
        from .competition import split
        codec = split(codec, [mode % codec.modes for mode in range(options.modes)])
    codec.eval()
    anchors = len(codec.lambdas)
    steps = step_table(codec.lambdas[0] / codec.lambdas[1])
    pictures = Pictures(options.data)
    rows, largest = fit(codec, pictures, laplace_rows(), steps)
    if 'rows' in checkpoint:                       # those of tessera.settle
        rows = [(bound, order, {fraction: np.array(line) for fraction, line in stored.items()}) for bound, order, stored in checkpoint['rows']]
    with open(os.path.join(options.out, 'decoder.bin'), 'wb') as file:
        file.write(decoder_file(codec, steps, rows, largest))
    files = ['decoder.bin', 'synthesis.onnx']
    analyses = {'analysis': codec, 'float': codec}
    if options.quick:
        quick = load_codec(options.quick)[0]
        assert (quick.lambdas, quick.groups) == (codec.lambdas, codec.groups) and torch.equal(quick.log_gain[0], codec.log_gain[0]), \
            'the small analyses are those of another codec'
        analyses['quick'] = quick
    crops = calibration_crops(pictures)
    for kind, trained in analyses.items():
        for group in sorted(set(codec.groups)):
            files.append(f'{kind}-{group}.onnx')
            write_analysis(trained, group, os.path.join(options.out, files[-1]), crops if kind == 'analysis' else None)
    write_synthesis_graph(os.path.join(options.out, 'synthesis.onnx'))
    described = {}
    for name in files:
        content = open(os.path.join(options.out, name), 'rb').read()
        described[name] = {'bytes': len(content), 'sha256': hashlib.sha256(content).hexdigest()}
    manifest = {
        'format': 0, 'id': PACK_ID, 'name': os.path.basename(os.path.normpath(options.out)), 'modes': codec.modes,
        'anchors': anchors, 'patch': 128, 'lambda': list(codec.lambdas),
        **{FIELDS[kind]: [f'{kind}-{group}.onnx' for group in codec.groups] for kind in analyses},
        'gains': [[[float(f'{value:.7g}') for value in anchor] for anchor in mode] for mode in codec.log_gain.detach().exp().tolist()],
        'curvatures': [[[float(f'{value:.3g}') for value in anchor] for anchor in mode] for mode in
                       curvatures(codec, Crops(pictures, CURVATURE_SIDE, 1, CURVATURE_SEED), CURVATURE_CROPS)],
        'quality': even_scale(codec.lambdas, steps), 'files': described,
        'training': {'steps': state.get('step', 0), 'gigapixels': round(state.get('pixels', 0) / 1e9, 4),
                     'seconds': round(state.get('seconds', 0)), 'torch': torch.__version__, 'note': options.note},
    }
    with open(os.path.join(options.out, 'manifest.json'), 'w') as file:
        # A line for each field: it travels with every decoder.
        file.write('{\n' + ',\n'.join(f'{json.dumps(name)}: {json.dumps(value, separators=(",", ":"))}' for name, value in manifest.items()) + '\n}\n')
    print({name: entry['bytes'] for name, entry in described.items()})


if __name__ == '__main__':
    main()
