"""Makes M codecs out of one: clone, specialise on clusters of patches, then let them compete for every patch.

    /usr/bin/python3 -m tessera.compete --data CACHE --start RUN/checkpoint.pt --out RUN8 --minutes 30

The trunk and the linear part of the analysis stay frozen; heads, gains and decoders of the codecs learn. Codec 0 is the
generalist of the start and stays as it is: it is what M = 1 uses, and it keeps M = 8 from ever being worse.
Winners among the others are found per patch and anchor by J with hard rounding; only the winner is updated.
"""
import argparse
import json
import math
import os
import time

import numpy as np
import torch
import torch.nn.functional as F

from .analysis import to_luma_chroma
from .codec import Quantiser
from .competition import reorder, split
from .data import Crops, Pictures, validation_pictures
from .export import load_codec
from .loop import save, schedule, update_average

PATCH = 128
CLUSTER_SHARE = 0.2           # share of the run in which a patch goes to the codec of its cluster
GUARD = 4.0
CLIP = 1.0
STEP_RANGE = 0.30
OFF_ANCHOR = 0.35             # share of the steps at a rate between anchors
AVERAGE = 0.998
USAGE_FLOOR = 0.04            # a codec used less than this is given the patches that it loses by least
FROZEN = ('analysis.trunk', 'analysis.linear', 'decoders.0.')


def patch_features(pixels):
    """Complexity of patches [B, 3, side, side] -> [B, 10]: log energies of luma bands by direction, of chroma, levels."""
    planes = to_luma_chroma(pixels)
    features = []
    level = planes
    for _ in range(3):
        luma = level[:, 0:1]
        across = (luma[..., 1:] - luma[..., :-1]).square().mean(dim=(1, 2, 3))
        down = (luma[..., 1:, :] - luma[..., :-1, :]).square().mean(dim=(1, 2, 3))
        features += [torch.log(across + down + 1e-6), torch.log((across + 1e-6) / (down + 1e-6))]
        level = F.avg_pool2d(level, 2)
    chroma = planes[:, 1:] - planes[:, 1:].mean(dim=(2, 3), keepdim=True)
    features.append(torch.log(chroma.square().mean(dim=(1, 2, 3)) + 1e-6))
    luma = planes[:, 0]
    features.append(torch.log(luma.var(dim=(1, 2)) + 1e-6))
    flat = (luma[:, 1:, 1:] - luma[:, :-1, :-1]).abs() < 1.5 / 255
    features.append(3 * flat.float().mean(dim=(1, 2)))
    return torch.stack(features, 1)


def cluster(features, count, seed, rounds=40):
    """k-means on standardised features with farthest-point starts: (mean, deviation, centres)."""
    mean, deviation = features.mean(0), features.std(0)
    points = (features - mean) / deviation
    generator = np.random.default_rng(seed)
    centres = [points[int(generator.integers(len(points)))]]
    while len(centres) < count:
        distance = torch.cdist(points, torch.stack(centres)).min(1).values.square().numpy().astype(np.float64)
        centres.append(points[int(generator.choice(len(points), p=distance / distance.sum()))])
    centres = torch.stack(centres)
    for _ in range(rounds):
        nearest = torch.cdist(points, centres).argmin(1)
        centres = torch.stack([points[nearest == k].mean(0) if (nearest == k).any() else centres[k]
                               for k in range(count)])
    return mean, deviation, centres


@torch.no_grad()
def cost_table(codec, pixels, grids, anchor, modes, step=1.0):
    """J of every mode for every patch with hard rounding, [len(modes), B]."""
    rows = []
    for mode in modes:
        error, rate = codec.costs(pixels, grids, mode, anchor, Quantiser('hard'), step)
        rows.append(error + codec.lambdas[anchor] / step ** 2 * rate)
    return torch.stack(rows)


def patches_of(pictures):
    """Held-out pictures cut into whole patches, [N, 3, 128, 128]."""
    out = []
    for _, pixels in pictures:
        for y in range(0, pixels.shape[1] - PATCH + 1, PATCH):
            for x in range(0, pixels.shape[2] - PATCH + 1, PATCH):
                out.append(pixels[:, y:y + PATCH, x:x + PATCH])
    return torch.stack(out)


@torch.no_grad()
def validate_patches(codec, patches, anchors):
    """Per anchor: J of the generalist, J with the best codec per patch, usage of every codec; and the tables of J."""
    sums = {anchor: [] for anchor in anchors}
    for start in range(0, len(patches), 16):
        pixels = patches[start:start + 16]
        for anchor in sums:
            grids = codec.analyse(pixels, anchor, autocast=True)
            sums[anchor].append(cost_table(codec, pixels, grids, anchor, range(codec.modes)))
    report, tables = [], []
    for anchor, parts in sums.items():
        table = torch.cat(parts, 1)
        usage = torch.bincount(table.argmin(0), minlength=codec.modes).float() / table.shape[1]
        report.append({'anchor': anchor, 'generalist': table[0].mean().item(), 'best': table.min(0).values.mean().item(),
                       'usage': [round(u, 3) for u in usage.tolist()]})
        tables.append(table)
    return report, tables


def parse():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--data', required=True)
    parser.add_argument('--start', required=True, help='checkpoint of one codec, or of an earlier competition')
    parser.add_argument('--out', required=True)
    parser.add_argument('--modes', type=int, default=8)
    parser.add_argument('--group', help='only the anchors of this head group; runs of different groups are independent '
                        'because the trunk is frozen, and tessera.merge joins them')
    parser.add_argument('--minutes', type=float, default=30)
    parser.add_argument('--batch', type=int, default=8)
    parser.add_argument('--lr', type=float, default=1.0)
    parser.add_argument('--seed', type=int, default=11)
    parser.add_argument('--threads', type=int, default=1)
    parser.add_argument('--validate-every', type=float, default=8)
    return parser.parse_args()


def main():
    options = parse()
    os.makedirs(options.out, exist_ok=True)
    torch.set_num_threads(options.threads)
    torch.set_flush_denormal(True)
    torch.manual_seed(options.seed)
    pictures = Pictures(options.data)
    crops = Crops(pictures, PATCH, options.batch, options.seed)
    held = patches_of(validation_pictures(pictures, 24))
    codec, checkpoint = load_codec(options.start)
    fresh = codec.modes == 1
    if fresh:
        codec = split(codec, options.modes)
    modes = codec.modes
    anchors = [a for a, group in enumerate(codec.groups) if options.group in (None, group)]
    if options.group:
        codec.analysis.groups = (options.group,)
    for name, parameter in codec.named_parameters():
        parameter.requires_grad_(not name.startswith(FROZEN))
    groups = [{**group, 'params': [p for p in group['params'] if p.requires_grad]}
              for group in codec.parameter_groups(options.lr)]
    optimiser = torch.optim.Adam([group for group in groups if group['params']], betas=(0.9, 0.99), foreach=True)
    average = {name: value.clone() for name, value in codec.state_dict().items()}
    if fresh:
        sample = torch.cat([patch_features(crops.next()) for _ in range(2000 // options.batch)])
        mean, deviation, centres = cluster(sample, modes - 1, options.seed)
    usage = torch.full((len(codec.lambdas), modes), 1 / modes)
    running = [None] * len(codec.lambdas)
    state = {**checkpoint['state'], 'competition_steps': 0, 'competition_patches': 0}
    start_gain = codec.log_gain.detach()[0].clone()
    log = open(os.path.join(options.out, 'log.jsonl'), 'a')
    started = last_validation = time.time()
    done, window = 0, time.time()

    def report(kind):
        live = {name: value.clone() for name, value in codec.state_dict().items()}
        codec.load_state_dict(average)
        rows, tables = validate_patches(codec, held, anchors)
        codec.load_state_dict(live)
        line = {'kind': kind, 'step': done, 'seconds': time.time() - started, 'validation': rows}
        log.write(json.dumps(line) + '\n')
        log.flush()
        print(kind, done, ' '.join(f"{row['best'] / row['generalist']:.4f}" for row in rows), rows[-1]['usage'], flush=True)
        return tables

    while True:
        progress = (time.time() - started) / (60 * options.minutes)
        if progress >= 1:
            break
        factor = schedule(progress, done)
        for group in optimiser.param_groups:
            group['lr'] = group['base_lr'] * factor
        quantiser = Quantiser('noise', 1.0)
        pixels = crops.next()
        clustered = fresh and progress < CLUSTER_SHARE
        if clustered:
            points = (patch_features(pixels) - mean) / deviation
            assigned = 1 + torch.cdist(points, centres).argmin(1)
        loss = 0.0
        for anchor in anchors:
            step_gain = math.exp((2 * torch.rand(1).item() - 1) * STEP_RANGE) if torch.rand(1).item() < OFF_ANCHOR else 1.0
            weight = codec.lambdas[anchor] / step_gain ** 2
            grids = codec.analyse(pixels, anchor, step_gain, autocast=True)
            if clustered:
                winners = assigned
            else:
                table = cost_table(codec, pixels, [g.detach() for g in grids], anchor, range(modes), step_gain)
                # Codecs under the floor get a discount that grows with how little they are used.
                discount = 0.03 * (1 - usage[anchor] / USAGE_FLOOR).clamp(min=0)
                # The generalist is left out: where it still wins, the nearest specialist is the one to learn.
                winners = 1 + (table * (1 - discount[:, None]))[1:].argmin(0)
                usage[anchor].mul_(0.99).add_(torch.bincount(winners, minlength=modes).float() / len(winners), alpha=0.01)
            costs = []
            for mode in winners.unique().tolist():
                chosen = (winners == mode).nonzero()[:, 0]
                error, rate = codec.costs(pixels[chosen], [g[chosen] for g in grids], mode, anchor, quantiser, step_gain)
                costs.append((error + weight * rate) * step_gain)
            # Each patch counts relative to its own cost: easy patches would not matter otherwise.
            costs = torch.cat(costs)
            mean_cost = costs.detach().mean().item()
            running[anchor] = mean_cost if running[anchor] is None else running[anchor] + 0.02 * (
                min(mean_cost, 4 * running[anchor]) - running[anchor])
            share = (costs.detach() / running[anchor]).clamp_min(0.1).rsqrt()
            loss = loss + (costs * share).sum() / options.batch / running[anchor]
        if torch.is_tensor(loss) and math.isfinite(loss.item()) and loss.item() < GUARD * len(anchors):
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            for group in optimiser.param_groups:
                torch.nn.utils.clip_grad_norm_(group['params'], CLIP)
            optimiser.step()
            with torch.no_grad():
                codec.log_gain[0] = start_gain
        done += 1
        update_average(average, codec, min(AVERAGE, (done + 1) / (done + 10)))
        state['competition_steps'] += 1
        state['competition_patches'] += options.batch
        if done % 100 == 0:
            print(f'step {done} loss {float(loss):.4f} {100 / (time.time() - window):.2f} steps/s usage '
                  + ' '.join(f'{u:.2f}' for u in usage[anchors[-1]].tolist()), flush=True)
            window = time.time()
        if time.time() - last_validation > 60 * options.validate_every:
            report('progress')
            save(os.path.join(options.out, 'checkpoint.pt'), codec, average, optimiser, state)
            last_validation = window = time.time()
    report('end')
    # The order of the codecs decides the subsets for M = 2 and 4; it is chosen on training patches.
    training = torch.cat([crops.next() for _ in range(400 // options.batch)])
    codec.load_state_dict(average)
    _, tables = validate_patches(codec, training, anchors)
    order = reorder(codec, tables)
    average = {name: value.clone() for name, value in codec.state_dict().items()}
    print('order', order, flush=True)
    save(os.path.join(options.out, 'checkpoint.pt'), codec, average, optimiser, state)


if __name__ == '__main__':
    main()
