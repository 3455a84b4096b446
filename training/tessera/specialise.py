"""Makes M decoders for one analysis: clones of the generalist's decoder learn from the patches that each codes best.

    /usr/bin/python3 -m tessera.specialise --data CACHE --start RUN/checkpoint.pt --group low --out RUN8 --minutes 25

All codecs read the same latents, so a patch's context and margins are the same whatever codecs its neighbours chose, and a border between
codecs costs nothing. The analysis, its gains and the generalist (codec 0) stay as they are: only the other decoders learn, on the rounded
latents that they will see.
"""
import argparse
import json
import math
import os
import time

import torch

from .codec import Quantiser
from .competition import split, wake_smoothing
from .data import Crops, Pictures, validation_pictures
from .export import load_codec
from .loop import save, schedule, update_average

STEP_RANGE = 0.30
OFF_ANCHOR = 0.4              # share of the steps at a rate between anchors
AVERAGE = 0.998
USAGE_FLOOR = 0.05            # a codec used less than this is given the patches that it loses by least
FLOOR_DISCOUNT = 0.05         # of J, for a codec that is not used at all
JITTER = 0.01
HARD = Quantiser('hard')


def parse():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--data', required=True)
    parser.add_argument('--start', required=True)
    parser.add_argument('--out', required=True)
    parser.add_argument('--modes', type=int, default=8)
    parser.add_argument('--group', required=True)
    parser.add_argument('--minutes', type=float, default=25)
    parser.add_argument('--side', type=int, default=128)
    parser.add_argument('--batch', type=int, default=12)
    parser.add_argument('--lr', type=float, default=1.0)
    parser.add_argument('--quantiles', type=float, default=0.15, help='share of the run in which the rate alone says who learns from a patch')
    parser.add_argument('--seed', type=int, default=21)
    parser.add_argument('--threads', type=int, default=1)
    parser.add_argument('--validate-every', type=float, default=5)
    return parser.parse_args()


def patches_of(pictures, side=128):
    """Held-out pictures cut into whole patches, [N, 3, side, side]."""
    out = []
    for _, pixels in pictures:
        for y in range(0, pixels.shape[1] - side + 1, side):
            for x in range(0, pixels.shape[2] - side + 1, side):
                out.append(pixels[:, y:y + side, x:x + side])
    return torch.stack(out)


@torch.no_grad()
def analyse(codec, pixels, rates, group):
    """The grids that all codecs share, [B, 1, h, w] each."""
    return codec.analysis(pixels, rates, (group,), autocast=True, mode=0)[group]


@torch.no_grad()
def cost_table(codec, pixels, grids, anchor, modes, step):
    """J of every codec for every patch, [len(modes), B]."""
    rows = []
    for mode in modes:
        error, rate = codec.costs(pixels, grids, mode, anchor, HARD, step)
        rows.append(error + codec.lambdas[anchor] / step ** 2 * rate)
    return torch.stack(rows)


@torch.no_grad()
def validate(codec, patches, anchors, group):
    report, tables = [], []
    for anchor in anchors:
        parts = []
        for start in range(0, len(patches), 16):
            pixels = patches[start:start + 16]
            grids = analyse(codec, pixels, torch.full((1,), codec.rate(anchor)), group)
            parts.append(cost_table(codec, pixels, grids, anchor, range(codec.modes), 1.0))
        table = torch.cat(parts, 1)
        usage = torch.bincount(table.argmin(0), minlength=codec.modes).float() / table.shape[1]
        report.append({'anchor': anchor, 'codecs': table.mean(1).tolist(), 'best': table.min(0).values.mean().item(),
                       'usage': [round(u, 3) for u in usage.tolist()]})
        tables.append(table)
    return report, tables


def main():
    options = parse()
    os.makedirs(options.out, exist_ok=True)
    torch.set_num_threads(options.threads)
    torch.set_flush_denormal(True)
    torch.manual_seed(options.seed)
    pictures = Pictures(options.data)
    crops = Crops(pictures, options.side, options.batch, options.seed)
    held = patches_of(validation_pictures(pictures, 24))
    generalist, checkpoint = load_codec(options.start)
    group = options.group
    anchors = [a for a, name in enumerate(generalist.groups) if name == group]
    codec = split(generalist, [0] * options.modes, JITTER)
    wake_smoothing(codec)
    codec.load_state_dict({**codec.state_dict(), 'log_gain': generalist.log_gain[:1].detach().repeat(options.modes, 1, 1)})
    for name, parameter in codec.named_parameters():
        parts = name.split('.')
        parameter.requires_grad_(parts[0] == 'decoders' and int(parts[1]) > 0 and int(parts[2]) in anchors)
    groups = [{**g, 'params': [p for p in g['params'] if p.requires_grad]} for g in codec.parameter_groups(options.lr)]
    optimiser = torch.optim.Adam([g for g in groups if g['params']], betas=(0.9, 0.99), foreach=True)
    average = {name: value.clone() for name, value in codec.state_dict().items()}
    usage = {anchor: torch.full((options.modes - 1,), 1 / (options.modes - 1)) for anchor in anchors}
    history = {anchor: [] for anchor in anchors}
    scale = {}
    state = dict(checkpoint['state'])
    log = open(os.path.join(options.out, 'log.jsonl'), 'a')
    started = last = window = time.time()
    done = 0

    def report(kind):
        live = {name: value.clone() for name, value in codec.state_dict().items()}
        codec.load_state_dict(average)
        rows, _ = validate(codec, held, anchors, group)
        codec.load_state_dict(live)
        log.write(json.dumps({'kind': kind, 'step': done, 'seconds': time.time() - started, 'validation': rows}) + '\n')
        log.flush()
        for row in rows:
            print(kind, done, f"anchor {row['anchor']} generalist {row['codecs'][0]:.4e} best {row['best'] / row['codecs'][0]:.4f}",
                  'rivals', ' '.join(f"{cost / row['codecs'][0]:.3f}" for cost in row['codecs'][1:]), row['usage'], flush=True)

    while True:
        progress = (time.time() - started) / (60 * options.minutes)
        if progress >= 1:
            break
        for g in optimiser.param_groups:
            g['lr'] = g['base_lr'] * schedule(progress, done)
        pixels = crops.next()
        shares = torch.arange(len(pixels)) * len(anchors) // len(pixels)
        steps = {anchor: math.exp((2 * torch.rand(1).item() - 1) * STEP_RANGE) if torch.rand(1).item() < OFF_ANCHOR else 1.0
                 for anchor in anchors}
        rates = torch.tensor([codec.rate(anchors[share], steps[anchors[share]]) for share in shares])
        outputs = analyse(codec, pixels, rates, group)
        loss = 0.0
        for index, anchor in enumerate(anchors):
            mine, step = shares == index, steps[anchor]
            own, grids = pixels[mine], [grid[mine] for grid in outputs]
            if progress < options.quantiles:
                table = cost_table(codec, own, grids, anchor, [0], step)
                ranks = history[anchor]
                chosen = torch.tensor([1 + min(options.modes - 2, int((options.modes - 1) * (sum(h < c for h in ranks) / max(len(ranks), 1))))
                                       for c in table[0].tolist()])
                history[anchor] = (ranks + table[0].tolist())[-400:]
            else:
                table = cost_table(codec, own, grids, anchor, range(1, options.modes), step)
                discount = FLOOR_DISCOUNT * (1 - usage[anchor] / USAGE_FLOOR).clamp(min=0)
                winners = (table * (1 - discount[:, None])).argmin(0)
                usage[anchor].mul_(0.99).add_(torch.bincount(winners, minlength=options.modes - 1).float() / len(winners), alpha=0.01)
                chosen = winners + 1
            mean = table.min(0).values.mean().item()
            scale[anchor] = scale.get(anchor, mean) + 0.02 * (mean - scale.get(anchor, mean))
            for mode in chosen.unique().tolist():
                rows = (chosen == mode).nonzero()[:, 0]
                error, rate = codec.costs(own[rows], [grid[rows] for grid in grids], mode, anchor, HARD, step)
                cost = (error + codec.lambdas[anchor] / step ** 2 * rate) * step
                # Each patch counts by the root of its own cost: easy patches would not matter to specialists otherwise.
                share = (cost.detach() / scale[anchor]).clamp_min(0.05).rsqrt()
                loss = loss + (cost * share).sum() / scale[anchor] / len(own)
        if math.isfinite(loss.item()) and loss.item() < 6 * len(anchors):
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            optimiser.step()
        done += 1
        update_average(average, codec, min(AVERAGE, (done + 1) / (done + 10)))
        state['pixels'] = state.get('pixels', 0) + pixels.shape[0] * pixels.shape[2] * pixels.shape[3]
        if done % 250 == 0:
            print(f'step {done} {250 / (time.time() - window):.2f} steps/s loss {loss.item():.4f} usage '
                  + ' '.join(f'{u:.2f}' for u in usage[anchors[-1]].tolist()), flush=True)
            window = time.time()
        if time.time() - last > 60 * options.validate_every:
            report('progress')
            save(os.path.join(options.out, 'checkpoint.pt'), codec, average, optimiser, state)
            last = window = time.time()
    report('end')
    save(os.path.join(options.out, 'checkpoint.pt'), codec, average, optimiser, state)


if __name__ == '__main__':
    main()
