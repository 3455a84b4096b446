"""Reference vectors: context model -> rows -> bytes -> pixels, computed by integer.py (never by the float model).

    /usr/bin/python3 -m tessera.vectors --out ../tests/vectors [--checkpoint RUN/checkpoint.pt]

Each JSON holds one small single-mode picture (one patch, one tile): `decoder` (base64, FORMAT.md section 7.5),
`inverseGain`, `logScaleOffset`, per grid `latents`, `integers`, `rows` (raster), the rANS streams `coarse` and `tile` (base64)
for each lane count, and `pixels` (base64 RGB). `tables` (base64) is block 1 of decoder.bin, shared by all of them.
"""
import argparse
import base64
import json
import os

import numpy as np
import torch

from .codec import Codec, Quantiser
from .export import decoder_block, load_codec, synthesis_tensors
from .fixed_point import context_layers, fixed, synthesis_layers
from .integer import context_rows, encode_stream, reconstruct, wavefront
from .tables import laplace_rows, step_table


def base(data):
    return base64.b64encode(data).decode()


def exact(tensor):
    shift, integers = fixed(tensor)
    return (integers.astype(np.float64) * 2.0 ** -shift).astype(np.float32)


def exact_weights(decoder, log_gain, largest):
    rows = [exact(torch.cat([decoder.up[step], decoder.smooth[step]])) for step in range(6)]
    return {'up': [row[:4] for row in rows], 'smooth': [row[4:] for row in rows],
            'synthesis': synthesis_layers(synthesis_tensors(decoder, log_gain), largest)}


def vector(name, codec, anchor, latents, step_row, largest):
    decoder, log_gain = codec.decoders[0][anchor], codec.log_gain[0, anchor]
    _, inverse_gain, offset = step_row
    tables = laplace_rows()
    layers = context_layers(decoder)
    grids, segments = [], {'coarse': [], 'tile': []}
    for grid in range(6, -1, -1):
        plane = latents[grid]
        integers, rows = context_rows(plane, layers, offset)
        grids.insert(0, {'width': plane.shape[1], 'height': plane.shape[0], 'latents': plane.ravel().tolist(),
                         'integers': integers.ravel().tolist(), 'rows': rows.ravel().tolist()})
        order = wavefront(*plane.shape)
        segments['coarse' if grid > 2 else 'tile'] += [(plane[p], integers[p], rows[p]) for p in order]
    streams = {}
    for segment, symbols in segments.items():
        streams[segment] = {str(lanes): base(encode_stream(*zip(*symbols), tables, lanes)) for lanes in (1, 2, 4, 8)}
    pixels = reconstruct(latents, inverse_gain, exact_weights(decoder, log_gain, largest))
    return {'name': name, 'width': pixels.shape[1], 'height': pixels.shape[0],
            'decoder': base(decoder_block(decoder, log_gain, largest)), 'inverseGain': inverse_gain, 'logScaleOffset': offset,
            'grids': grids, 'streams': streams, 'pixels': base(pixels.tobytes())}


def shapes(width, height):
    return [(-(-height // 2 ** i), -(-width // 2 ** i)) for i in range(7)]


def random_codec(seed):
    """Weights far from any trained ones, so that clamps, negative accumulators and all classes occur."""
    codec = Codec(seed=seed)
    generator = torch.Generator().manual_seed(seed)
    decoder = codec.decoders[0][1]
    with torch.no_grad():
        for parameter in decoder.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=generator) * 0.15)
    return codec


def drawn_picture(side=128):
    """A picture with a slope, an edge, a disc, stripes and grain, [1, 3, side, side] in [-0.5, 0.5]; nobody's photograph."""
    y, x = torch.meshgrid(torch.arange(side) / side, torch.arange(side) / side, indexing='ij')
    disc = ((x - 0.6).square() + (y - 0.4).square() < 0.05).float()
    edge = (x + 0.4 * y > 0.55).float()
    stripes = torch.sin(60 * y) * (x < 0.3).float()
    grain = torch.randn(side, side, generator=torch.Generator().manual_seed(9))
    red = 0.5 * x - 0.3 + 0.3 * disc + 0.1 * stripes
    green = 0.4 * y - 0.2 + 0.25 * edge - 0.2 * disc + 0.1 * stripes
    blue = 0.2 - 0.4 * edge * y + 0.05 * disc
    return (torch.stack([red, green, blue])[None] + 0.02 * grain).clamp(-0.5, 0.5)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--out', required=True)
    parser.add_argument('--checkpoint')
    options = parser.parse_args()
    os.makedirs(options.out, exist_ok=True)
    generator = np.random.default_rng(5)
    steps = step_table(10 / 3)
    made = []
    for index, (width, height) in enumerate([(1, 1), (7, 3), (33, 50), (61, 128)]):
        latents = [np.rint(generator.laplace(0, 0.4 * 2.2 ** grid, shape)).astype(np.int64)
                   for grid, shape in enumerate(shapes(width, height))]
        if index == 2:
            latents[1].flat[::37] = generator.integers(-32768, 32768, latents[1].flat[::37].shape)  # escapes
        # Small enough for features to be clamped here and there.
        largest = [np.quantile(np.abs(plane), 0.9) / 4 for plane in latents]
        made.append(vector(f'random-{width}x{height}', random_codec(index), 1, latents, steps[index * 6], largest))
    if options.checkpoint:
        codec, _ = load_codec(options.checkpoint)
        steps = step_table(codec.lambdas[0] / codec.lambdas[1])
        crop = drawn_picture()
        with torch.no_grad():
            for anchor in (1, len(codec.lambdas) - 1):
                grids = codec.analyse(crop, anchor)
                latents = [Quantiser('hard')(v)[0, 0].numpy().astype(np.int64) for v in codec.latents(grids, 0, anchor)]
                largest = [np.abs(plane).max() for plane in latents]
                made.append(vector(f'trained-anchor{anchor}', codec, anchor, latents, steps[len(steps) // 2], largest))
    for entry in made:
        with open(os.path.join(options.out, f"{entry['name']}.json"), 'w') as file:
            json.dump(entry, file)
            file.write('\n')
    with open(os.path.join(options.out, 'tables.json'), 'w') as file:
        table = b''.join(bytes([bound, order]) for bound, order, _ in laplace_rows())
        table += b''.join(stored[f].astype('<u2').tobytes() for _, _, stored in laplace_rows() for f in range(-8, 1))
        json.dump({'tables': base(table)}, file)
        file.write('\n')
    print([(entry['name'], len(json.dumps(entry))) for entry in made])


if __name__ == '__main__':
    main()
