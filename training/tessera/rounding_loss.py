"""What the integers of a pack cost in PSNR: its synthesis against the float weights of its checkpoint, on the held-out pictures.

    /usr/bin/python3 -m tessera.rounding_loss --data CACHE --checkpoint RUN/checkpoint.pt --pack ../models/tessera-1
"""
import argparse
import math
import os
import struct

import numpy as np
import torch

from .codec import Quantiser
from .data import Pictures, validation_pictures
from .export import load_codec
from .fixed_point import Synthesis
from .integer import synthesise

PICTURES = 12
# Bytes of one decoder in block 4 of decoder.bin, and where its synthesis starts (FORMAT.md section 7.5).
SYNTHESIS_AT = 8 + 3 * 2 + 544 * 2 + 34 * 4 + 6 * 18
DECODER_BYTES = SYNTHESIS_AT + 8 + 699 * 2 + 3 * 2 + 9 * 2


def read_synthesis(block, index):
    """fixed_point.Synthesis of decoder `index` in block 4."""
    at = index * DECODER_BYTES + SYNTHESIS_AT

    def take(kind, *shape):
        nonlocal at
        values = np.frombuffer(block, kind, int(np.prod(shape)), at).astype(np.int64).reshape(shape)
        at += values.size * np.dtype(kind).itemsize
        return values
    bits = take('u1', 8)[:7].tolist()
    weights, biases = take('<i2', 48, 7), take('<i2', 48)
    layers = [(int(take('u1', 2)[0]), take('<i2', *shape), take('<i4', 3)) for shape in ((3, 48), (3, 3, 3, 3), (3, 3, 3, 3))]
    return Synthesis(bits, weights, biases, layers)


def decoders_of(path):
    """Block 4 of a decoder.bin."""
    with open(path, 'rb') as file:
        content = file.read()
    at = 12
    for _ in range(3):
        at += 8 + struct.unpack_from('<I', content, at + 4)[0]
    return content[at + 8:-4]


@torch.no_grad()
def main():
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ('data', 'checkpoint', 'pack'):
        parser.add_argument(f'--{name}', required=True)
    parser.add_argument('--modes', type=int, nargs='+', default=[0])
    options = parser.parse_args()
    codec, _ = load_codec(options.checkpoint)
    block = decoders_of(os.path.join(options.pack, 'decoder.bin'))
    pictures = validation_pictures(Pictures(options.data), PICTURES)
    hard = Quantiser('hard')
    for anchor in range(len(codec.lambdas)):
        errors, largest = np.zeros(2), 0
        for mode in options.modes:
            decoder, gains = codec.decoders[mode][anchor], codec.log_gain[mode, anchor].exp()
            synthesis = read_synthesis(block, mode * len(codec.lambdas) + anchor)
            for _, pixels in pictures:
                latents = [hard(values) for values in codec.latents(codec.analyse(pixels[None], anchor), mode, anchor)]
                exact = decoder.pixels([values / gain for values, gain in zip(latents, gains)])[0]
                exact = np.clip(np.floor(exact.double().numpy() * 255 + 0.5), 0, 255)
                rounded = synthesise(decoder.features(latents)[0].numpy(), synthesis)
                original = (pixels.double().numpy() + 0.5) * 255
                errors += [np.square(levels - original).mean() for levels in (exact, rounded)]
                largest = max(largest, np.abs(exact - rounded).max())
        float_psnr, integer_psnr = (-10 * math.log10(error / len(pictures) / len(options.modes) / 255 ** 2) for error in errors)
        print(f'anchor {anchor}: {float_psnr:.3f} dB with floats, {integer_psnr:.3f} dB with integers, '
              f'loss {float_psnr - integer_psnr:.4f} dB, levels differ by at most {largest:.0f}', flush=True)


if __name__ == '__main__':
    main()
