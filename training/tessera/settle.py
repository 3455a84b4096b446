"""Counts the rows of a pack's entropy coder on latents as the encoder ships them.

`tessera.export` counts them on what the analysis gives. What is shipped has been traded for cheaper neighbours, with scales for its grids, and
is narrower than that at low rates. Nothing of the codecs changes, and decoding costs what it did. (Context models that learned from shipped
latents, with the rows' own costs, took 1 to 3 % fewer bits for these latents, but derivatives through them foretell less of what a change does
to neighbours, and trades made with them cost more than that: PLAN.md.)

    for k in 0 1 2 3 4 5 6 7; do node training/latents.mjs CACHE PACK LATENTS/c$k $((k ? 24 : 84)) $k; done
    /usr/bin/python3 -m tessera.settle --checkpoint checkpoints/c22.pt --latents LATENTS --pack PACK --out checkpoints/c25.pt

Rewrites decoder.bin and its entry in manifest.json; the checkpoint has the rows as `rows`, and `tessera.export` takes them from there.
"""
import argparse
import hashlib
import json
import os
import zlib
from concurrent.futures import ProcessPoolExecutor

import numpy as np
import torch

from .export import load_codec
from .fit import MOST, bits, fitted_rows, rows_of_taps
from .fixed_point import context_layers
from .integer import TAPS
from .shipped import read_samples
from .tables import CLASSES, FRACTIONS

OTHERS = 0.1                  # weight of the counts of each codec but the first, which alone codes files of one codec
PRIOR = 300                   # weight of the row so far, in symbols
ROWS_AT = 20                  # of decoder.bin: behind its header and that of its first block


def count(layers, samples, piece=400_000):
    """Residuals by class and fraction, as fit.count."""
    counts = np.zeros((CLASSES * FRACTIONS, 2 * MOST + 1))
    for start in range(0, len(samples.symbols), piece):
        part = slice(start, start + piece)
        integers, rows = rows_of_taps(layers, samples.taps[part], samples.offsets[part].astype(np.int64))
        np.add.at(counts, (rows, np.clip(samples.symbols[part] - integers, -MOST, MOST) + MOST), 1)
    for offset, seen in samples.quiet.items():
        (integer,), (row,) = rows_of_taps(layers, np.zeros((1, len(TAPS))), np.array([offset]))
        np.add.at(counts[row], np.clip(np.arange(-MOST, MOST + 1) - integer, -MOST, MOST) + MOST, seen)
    return counts.reshape(CLASSES, FRACTIONS, 2 * MOST + 1)


def count_file(path, anchor, layers):
    return count(layers, read_samples(path, anchor))


def counted_rows(rows, counts):
    """Rows by counts [mode][anchor]: all anchors weigh alike, however many bits they have."""
    total = [[bits(rows, seen) for seen in anchors] for anchors in counts]
    level = np.mean(total[0])
    merged = sum((1 if mode == 0 else OTHERS) * level / total[mode][anchor] * seen
                 for mode, anchors in enumerate(counts) for anchor, seen in enumerate(anchors))
    return fitted_rows(rows, merged, PRIOR)


def read_rows(decoder):
    """The rows of a decoder.bin, as tables.laplace_rows() returns them."""
    heads = [(decoder[ROWS_AT + 2 * index], decoder[ROWS_AT + 2 * index + 1]) for index in range(CLASSES)]
    at = ROWS_AT + 2 * CLASSES
    rows = []
    for bound, order in heads:
        stored = {}
        for fraction in range(-8, 1):
            stored[fraction] = np.frombuffer(decoder, '<u2', 2 * bound + 3, at).astype(np.int64)
            at += 2 * (2 * bound + 3)
        for fraction in range(1, 8):
            stored[fraction] = stored[-fraction][::-1]
        rows.append((bound, order, stored))
    return rows


def rewrite(decoder, rows):
    """decoder.bin with other rows; everything else stays."""
    table = b''.join(stored[fraction].astype('<u2').tobytes() for _, _, stored in rows for fraction in range(-8, 1))
    at = ROWS_AT + 2 * CLASSES
    out = decoder[:at] + table + decoder[at + len(table):-4]
    return out + zlib.crc32(out).to_bytes(4, 'little')


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--checkpoint', required=True)
    parser.add_argument('--latents', required=True, help='folder with c0.json, c0.bin, c1.json, … of all codecs')
    parser.add_argument('--pack', required=True, help='made from the checkpoint; its decoder.bin is rewritten')
    parser.add_argument('--out', required=True)
    parser.add_argument('--workers', type=int, default=2)
    options = parser.parse_args()
    codec, checkpoint = load_codec(options.checkpoint)
    path = os.path.join(options.pack, 'decoder.bin')
    with open(path, 'rb') as file:
        decoder = file.read()
    rows = read_rows(decoder)
    with ProcessPoolExecutor(options.workers) as pool:
        jobs = [[pool.submit(count_file, os.path.join(options.latents, f'c{mode}'), anchor, context_layers(own))
                 for anchor, own in enumerate(anchors)] for mode, anchors in enumerate(codec.decoders)]
        counts = [[job.result() for job in of_mode] for of_mode in jobs]
    settled = counted_rows(rows, counts)
    for mode, anchors in enumerate(counts):
        change = [100 * bits(settled, seen) / bits(rows, seen) - 100 for seen in anchors]
        print(f'codec {mode}: ' + ' '.join(f'{value:.2f}' for value in change) + ' % of the bits')
    # Lists: any version of torch loads them.
    torch.save({**checkpoint, 'rows': [(bound, order, {fraction: line.tolist() for fraction, line in stored.items()}) for bound, order, stored in settled]},
               options.out)
    decoder = rewrite(decoder, settled)
    with open(path, 'wb') as file:
        file.write(decoder)
    manifest = os.path.join(options.pack, 'manifest.json')
    with open(manifest) as file:
        text = file.read()
    with open(manifest, 'w') as file:
        file.write(text.replace(json.loads(text)['files']['decoder.bin']['sha256'], hashlib.sha256(decoder).hexdigest()))


if __name__ == '__main__':
    main()
