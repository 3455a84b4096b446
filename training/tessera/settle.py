"""Settles context models and rows of a pack on latents as the encoder ships them.

Training sees what the analysis gives, as noise or rounded, and takes bits for those of a Laplace distribution. What is shipped has been traded
for cheaper neighbours, and is coded with rows that were counted. Here the context models learn from the shipped latents what these cost in the
rows, then the rows are counted again; twice. Nothing else of the codecs changes, and decoding costs what it did.

    node training/latents.mjs CACHE PACK LATENTS/c0 84 0; for k in 1 2 3 4 5 6 7; do node training/latents.mjs CACHE PACK LATENTS/c$k 24 $k; done
    /usr/bin/python3 -m tessera.settle --checkpoint checkpoints/c22.pt --latents LATENTS --pack PACK --out checkpoints/c25.pt

Rewrites decoder.bin and its entry in manifest.json; the checkpoint has the rows as `rows`, and `tessera.export` takes them from there.
"""
import argparse
import hashlib
import json
import math
import os
import struct
import zlib
from concurrent.futures import ProcessPoolExecutor

import numpy as np
import torch

from .fit import MOST, bits, fitted_rows
from .fixed_point import integer_layer
from .integer import TAPS
from .shipped import FURTHEST, read_samples
from .tables import CLASSES, FRACTIONS, TOTAL

REACH = 1024                  # sixteenths between a symbol and the mean, at most
BATCH = 65536
STEPS, RATE = (600, 300), 1e-3
AVERAGED = 0.2                # of the steps, the last ones
OTHERS = 0.1                  # weight of the counts of each codec but the first, which alone codes files of one codec
PRIOR = 300                   # weight of the row so far, in symbols
LAYERS = ('w1', 'b1', 'w2', 'b2', 'w3', 'b3')
DECODERS_BLOCK = 4


def escape_bits(excess, order):
    return 2 * ((excess + (1 << order)).bit_length() - 1 - order) + 1 + order


def cost_table(rows):
    """[class, sixteenths from the mean to the symbol + REACH]: bits, escapes included."""
    table = np.empty((CLASSES, 2 * REACH + 1), np.float32)
    for index, (bound, order, stored) in enumerate(rows):
        for distance in range(-REACH, REACH + 1):
            residual = (distance + FRACTIONS // 2 - 1) // FRACTIONS
            frequencies = stored[FRACTIONS * residual - distance]
            symbol = min(max(residual, -bound - 1), bound + 1) + bound + 1
            escape = escape_bits(abs(residual) - bound - 1, order) if abs(residual) > bound else 0
            table[index, distance + REACH] = math.log2(TOTAL / frequencies[symbol]) + escape
    return torch.from_numpy(table)


def predict(weights, taps):
    w1, b1, w2, b2, w3, b3 = weights
    hidden = torch.relu(taps + taps @ w1.T + b1)
    hidden = torch.relu(hidden + hidden @ w2.T + b2)
    return hidden @ w3.T + b3


def row_bits(outputs, symbols, offsets, table):
    """Bits of symbols in the rows around mean and log-scale: between two means, and between the centres of two classes, a straight line."""
    distance = (FRACTIONS * (symbols - outputs[:, 0])).clamp(1 - REACH, REACH - 1)
    scale = ((256 * outputs[:, 1] + offsets + 768) / 32 - 0.5).clamp(0, CLASSES - 1)
    left, low = distance.floor(), scale.floor().clamp(max=CLASSES - 2)
    at = low.long() * table.shape[1] + (left + REACH).long()
    flat, along, across = table.view(-1), distance - left, scale - low
    return (1 - across) * ((1 - along) * flat[at] + along * flat[at + 1]) \
        + across * ((1 - along) * flat[at + table.shape[1]] + along * flat[at + table.shape[1] + 1])


def tune(weights, samples, table, steps, seed):
    """Adam on the bits of the samples; the mean of the last weights."""
    weights = [weight.clone().requires_grad_() for weight in weights]
    optimiser = torch.optim.Adam(weights, lr=RATE, betas=(0.9, 0.99))
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    random = np.random.default_rng(seed)
    offsets = torch.tensor(sorted(samples.quiet), dtype=torch.float32)
    quiet = torch.from_numpy(np.stack([samples.quiet[int(offset)] for offset in offsets])).float().view(-1)
    alone = torch.arange(-FURTHEST, FURTHEST + 1).float().repeat(len(offsets)), offsets.repeat_interleave(2 * FURTHEST + 1)
    total = [torch.zeros_like(weight) for weight in weights]
    kept = max(1, round(AVERAGED * steps))
    for step in range(steps):
        some = np.sort(random.integers(0, len(samples.symbols), min(BATCH, len(samples.symbols))))
        taps, symbols, offset = (torch.from_numpy(values[some]).float() for values in (samples.taps, samples.symbols, samples.offsets))
        lively = row_bits(predict(weights, taps), symbols, offset, table).mean() * len(samples.symbols)
        silent = predict(weights, torch.zeros(1, len(TAPS))).expand(len(quiet), 2)
        loss = (lively + (quiet * row_bits(silent, *alone, table)).sum()) / samples.count
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        if step >= steps - kept:
            for sum_of, weight in zip(total, weights):
                sum_of += weight.detach() / kept
    return total


def integer_layers(weights):
    return [integer_layer(weights[2 * layer], weights[2 * layer + 1], layer < 2) for layer in range(3)]


def rows_of_taps(layers, taps, offsets):
    """FORMAT.md section 4: integer parts and row numbers of samples by their taps."""
    x = taps.astype(np.float64) * 256
    for k, weights, bias in layers[:2]:
        x = np.minimum(np.floor((np.maximum(x @ weights.T.astype(np.float64) + bias, 0) + (1 << (k - 1))) / (1 << k)), 32767)
    k, weights, bias = layers[2]
    sums = x @ weights.T.astype(np.float64) + bias
    value = (np.sign(sums) * np.floor((np.abs(sums) + (1 << (k - 1))) / (1 << k))).astype(np.int64)
    sixteenth = (np.clip(value[:, 0], -32512, 32512) + 8) >> 4
    integer = (sixteenth + 8) >> 4
    return integer, np.clip((value[:, 1] + offsets + 768) >> 5, 0, CLASSES - 1) * FRACTIONS + sixteenth - FRACTIONS * integer + 8


def count(weights, samples, piece=400_000):
    """Residuals by class and fraction, as fit.count."""
    layers = integer_layers(weights)
    counts = np.zeros((CLASSES * FRACTIONS, 2 * MOST + 1))
    for start in range(0, len(samples.symbols), piece):
        part = slice(start, start + piece)
        integers, rows = rows_of_taps(layers, samples.taps[part], samples.offsets[part].astype(np.int64))
        np.add.at(counts, (rows, np.clip(samples.symbols[part] - integers, -MOST, MOST) + MOST), 1)
    for offset, seen in samples.quiet.items():
        (integer,), (row,) = rows_of_taps(layers, np.zeros((1, len(TAPS))), np.array([offset]))
        np.add.at(counts[row], np.clip(np.arange(-FURTHEST, FURTHEST + 1) - integer, -MOST, MOST) + MOST, seen)
    return counts.reshape(CLASSES, FRACTIONS, 2 * MOST + 1)


def settle(path, anchor, weights, rows, steps, seed):
    """Tunes one context model. Returns it, and the counts before and after."""
    torch.set_num_threads(1)
    samples = read_samples(path, anchor)
    tuned = tune(weights, samples, cost_table(rows), steps, seed)
    return tuned, count(weights, samples), count(tuned, samples)


def counted_rows(rows, counts):
    """Rows by counts [mode][anchor]: all anchors weigh alike, however many bits they have."""
    total = [[bits(rows, seen) for seen in anchors] for anchors in counts]
    level = np.mean(total[0])
    merged = sum((1 if mode == 0 else OTHERS) * level / total[mode][anchor] * seen
                 for mode, anchors in enumerate(counts) for anchor, seen in enumerate(anchors))
    return fitted_rows(rows, merged, PRIOR)


def read_rows(decoder):
    """The rows of a decoder.bin, as tables.laplace_rows() returns them."""
    at = 20                   # header of the file, and of its first block
    heads = [(decoder[at + 2 * index], decoder[at + 2 * index + 1]) for index in range(CLASSES)]
    at += 2 * CLASSES
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


def rewrite(decoder, rows, contexts):
    """decoder.bin with other rows and context models [mode][anchor]; everything else stays."""
    out = bytearray(decoder)
    at = 20 + 2 * CLASSES
    for _, _, stored in rows:
        for fraction in range(-8, 1):
            values = stored[fraction].astype('<u2').tobytes()
            out[at:at + len(values)] = values
            at += len(values)
    at = 12
    for _ in range(1, DECODERS_BLOCK):
        at += 8 + struct.unpack_from('<I', out, at + 4)[0]
    length = struct.unpack_from('<I', out, at + 4)[0] // sum(len(anchors) for anchors in contexts)
    for number, weights in enumerate(weights for anchors in contexts for weights in anchors):
        block = b''.join(struct.pack('<BB', k, 0) + w.astype('<i2').tobytes() + b.astype('<i4').tobytes() for k, w, b in integer_layers(weights))
        start = at + 8 + number * length + 8            # behind the block's header and the kinds of context
        out[start:start + len(block)] = block
    struct.pack_into('<I', out, len(out) - 4, zlib.crc32(bytes(out[:-4])))
    return bytes(out)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--checkpoint', required=True)
    parser.add_argument('--latents', required=True, help='folder with c0.json, c0.bin, c1.json, … of all codecs')
    parser.add_argument('--pack', required=True, help='made from the checkpoint; its decoder.bin is rewritten')
    parser.add_argument('--out', required=True)
    parser.add_argument('--workers', type=int, default=2)
    parser.add_argument('--seed', type=int, default=0)
    options = parser.parse_args()
    checkpoint = torch.load(options.checkpoint, map_location='cpu')
    state, modes, anchors = checkpoint['average'], checkpoint['modes'], len(checkpoint['lambdas'])
    path = os.path.join(options.pack, 'decoder.bin')
    with open(path, 'rb') as file:
        decoder = file.read()
    rows = read_rows(decoder)
    contexts = [[[state[f'decoders.{mode}.{anchor}.context_{name}'].float() for name in LAYERS] for anchor in range(anchors)] for mode in range(modes)]
    before = None
    with ProcessPoolExecutor(options.workers) as pool:
        for steps in STEPS:
            jobs = [[pool.submit(settle, os.path.join(options.latents, f'c{mode}'), anchor, contexts[mode][anchor], rows, steps, options.seed)
                     for anchor in range(anchors)] for mode in range(modes)]
            done = [[job.result() for job in of_mode] for of_mode in jobs]
            before = before or [[bits(rows, first) for _, first, _ in of_mode] for of_mode in done]
            contexts = [[tuned for tuned, _, _ in of_mode] for of_mode in done]
            counts = [[after for _, _, after in of_mode] for of_mode in done]
            rows = counted_rows(rows, counts)
            for mode in range(modes):
                change = [100 * bits(rows, counts[mode][anchor]) / before[mode][anchor] - 100 for anchor in range(anchors)]
                print(f'codec {mode}: ' + ' '.join(f'{value:.2f}' for value in change) + ' % of the bits', flush=True)
    for mode in range(modes):
        for anchor in range(anchors):
            for name, weight in zip(LAYERS, contexts[mode][anchor]):
                state[f'decoders.{mode}.{anchor}.context_{name}'] = weight
    checkpoint['rows'] = rows
    torch.save(checkpoint, options.out)
    decoder = rewrite(decoder, rows, contexts)
    with open(path, 'wb') as file:
        file.write(decoder)
    manifest = os.path.join(options.pack, 'manifest.json')
    with open(manifest) as file:
        text = file.read()
    entry = json.loads(text)['files']['decoder.bin']
    with open(manifest, 'w') as file:
        file.write(text.replace(entry['sha256'], hashlib.sha256(decoder).hexdigest()))


if __name__ == '__main__':
    main()
