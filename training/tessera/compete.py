"""Makes M codecs out of one: rivals of other assignments join the generalist, all learn together, the best of each patch most.

    /usr/bin/python3 -m tessera.compete --data CACHE --start RUN/checkpoint.pt --group low --out RUN4 --minutes 40
    /usr/bin/python3 -m tessera.compete --data CACHE --start RUN4/checkpoint.pt --group low --modes 8 --out RUN8 --minutes 40

Codec 0 is the generalist: M = 1 uses it, it learns from every patch, and it keeps M = 8 from ever being worse. Every patch also
teaches one of the others: at first any, then more and more the one with the least J under hard rounding.
"""
import argparse
import json
import math
import os
import time

import torch

from .analysis import GRIDS, VARIANTS
from .codec import ANCHOR_GROUPS, LAMBDAS, Quantiser
from .competition import COARSE, add_rivals, allocation, reorder, share_coarse, split, wake_smoothing
from .data import Crops, Pictures, validation_pictures
from .export import load_codec
from .loop import save, schedule, update_average
from .remap import remap

PATCH = 128
SIDE = 256                    # of the crops that are analysed: patches alone are all border to the coarse levels of the trunk
PER_CROP = (SIDE // PATCH) ** 2
GUARD = 4.0
CLIP = 1.0
STEP_RANGE = 0.30
OFF_ANCHOR = 0.4              # share of the steps at a rate between anchors
AVERAGE = 0.999
USAGE_FLOOR = 0.06            # a codec used less than this is given the patches that it loses by least
FLOOR_DISCOUNT = 0.05         # of J, for a codec that is not used at all
HARD_SHARE = (0.2, 0.6)       # share of the costs at hard rounding, at the start and at the end: noise alone lets the context model drift
SPLIT_PATCHES = 240           # training patches that decide which codecs are cloned
ORDER_PATCHES = 400           # training patches that decide their order
JITTER = 0.02                 # relative difference of a clone, so that the two take different patches


def cost_table(codec, pixels, grids, anchor, modes, step=1.0):
    """J of every mode for every patch of crops that it codes alone, with hard rounding: [len(modes), B, rows, columns]."""
    return torch.stack([codec.patch_costs(pixels, grids, mode, anchor, PATCH, step) for mode in modes])


def crops_of(pictures):
    """Held-out pictures cut into whole crops, [N, 3, SIDE, SIDE]."""
    out = []
    for _, pixels in pictures:
        for y in range(0, pixels.shape[1] - SIDE + 1, SIDE):
            for x in range(0, pixels.shape[2] - SIDE + 1, SIDE):
                out.append(pixels[:, y:y + SIDE, x:x + SIDE])
    return torch.stack(out)


@torch.no_grad()
def validate_patches(codec, crops, anchors):
    """Per anchor: mean J of every codec and of the best one per patch, usage of every codec; and the tables of J."""
    sums = {anchor: [] for anchor in anchors}
    for start in range(0, len(crops), 4):
        pixels = crops[start:start + 4]
        for anchor in sums:
            grids = codec.analyse(pixels, anchor, autocast=True)
            sums[anchor].append(cost_table(codec, pixels, grids, anchor, range(codec.modes)).flatten(1))
    report, tables = [], []
    for anchor, parts in sums.items():
        table = torch.cat(parts, 1)
        usage = torch.bincount(table.argmin(0), minlength=codec.modes).float() / table.shape[1]
        report.append({'anchor': anchor, 'codecs': table.mean(1).tolist(), 'best': table.min(0).values.mean().item(),
                       'usage': [round(u, 3) for u in usage.tolist()]})
        tables.append(table)
    return report, tables


def parse():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--data', required=True)
    parser.add_argument('--start', required=True, help='checkpoint of one codec, or of an earlier competition')
    parser.add_argument('--out', required=True)
    parser.add_argument('--modes', type=int, default=4)
    parser.add_argument('--group', required=True, help='only the anchors of this head group learn; tessera.merge joins the runs of all')
    parser.add_argument('--minutes', type=float, default=30)
    parser.add_argument('--batch', type=int, default=3, help='crops per step')
    parser.add_argument('--lr', type=float, default=1.0)
    parser.add_argument('--explore', type=float, default=0.5, help='share of the run in which chance fades out of the assignment')
    parser.add_argument('--noise-from', type=float, default=0.6)
    parser.add_argument('--freeze-trunk', action='store_true')
    parser.add_argument('--decoders-only', action='store_true', help='train decoders on hard rounding alone: heads are shared by the anchors, '
                        'so where they move, codecs that do not win at an anchor go stale there')
    parser.add_argument('--clones', action='store_true', help='all codecs start as clones of the first')
    parser.add_argument('--share-coarse', action='store_true', help="all codecs keep the first one's gains and its analysis of the coarse grids")
    parser.add_argument('--learn-gains', action='store_true', help="only for codecs that never meet: they read their neighbours' latents "
                        'whatever the mode, so they must mean the same by them')
    parser.add_argument('--live', action='store_true', help='start from the live weights of an interrupted run, not the average')
    parser.add_argument('--seed', type=int, default=11)
    parser.add_argument('--threads', type=int, default=1)
    parser.add_argument('--validate-every', type=float, default=10)
    return parser.parse_args()


def grown(codec, modes, anchors, crops):
    """`codec` with as many codecs as wanted: clones of those that win most training patches take the places of those that win none."""
    sample = torch.cat([crops.next() for _ in range(SPLIT_PATCHES // (PER_CROP * crops.batch))])
    report, _ = validate_patches(codec, sample, anchors)
    usage = torch.tensor([row['usage'] for row in report]).mean(0).tolist()
    sources = allocation(usage, modes)
    print('usage', [round(share, 3) for share in usage], 'sources', sources, flush=True)
    return split(codec, sources, JITTER)


def prepared(options, crops):
    """The set of codecs with only its own group learning, and the checkpoint it came from."""
    codec, checkpoint = load_codec(options.start, average=not options.live)
    if codec.lambdas != LAMBDAS:
        codec = remap(codec, LAMBDAS, ANCHOR_GROUPS)
    if options.clones:
        codec = split(codec, [0] * options.modes, JITTER)
    elif codec.modes == 1:
        codec = add_rivals(codec)
    anchors = [a for a, group in enumerate(codec.groups) if group == options.group]
    if codec.modes < options.modes:
        codec = grown(codec, options.modes, anchors, crops)
    wake_smoothing(codec)
    if options.share_coarse:
        share_coarse(codec, options.group)
    codec.analysis.groups = (options.group,)
    mine = [f'decoders.{mode}.{anchor}.' for mode in range(codec.modes) for anchor in anchors]
    if not options.decoders_only:
        grids = range(COARSE if options.share_coarse else GRIDS)
        mine += [f'analysis.{part}.{options.group}{grid}' for part in ('head', 'linear') for grid in grids]
        if options.learn_gains:
            mine.append('log_gain')
        if not options.freeze_trunk:
            mine.append(f'analysis.trunk.{options.group}.')
    for name, parameter in codec.named_parameters():
        parameter.requires_grad_(name.startswith(tuple(mine)))
    return codec, checkpoint, anchors


class Assignment:
    """Which rival learns from each patch of one anchor. Chance 1: any of them. Chance 0: the one with the least J."""

    def __init__(self, codec, anchor):
        self.codec, self.anchor = codec, anchor
        self.rivals = list(range(1, codec.modes))
        self.usage = torch.full((len(self.rivals),), 1 / len(self.rivals))

    def choose(self, pixels, grids, step, chance):
        """Rivals' numbers and their J, each [B, rows, columns], for the patches of crops [B, 3, H, W]."""
        table = cost_table(self.codec, pixels, grids, self.anchor, self.rivals, step)
        discount = FLOOR_DISCOUNT * (1 - self.usage / USAGE_FLOOR).clamp(min=0)
        winners = (table * (1 - discount[:, None, None, None])).argmin(0)
        counts = torch.bincount(winners.flatten(), minlength=len(self.rivals)).float() / winners.numel()
        self.usage.mul_(0.99).add_(counts, alpha=0.01)
        chosen = torch.where(torch.rand(winners.shape) < chance, torch.randint(len(self.rivals), winners.shape), winners)
        return chosen + 1, table.gather(0, chosen[None])[0]


def main():
    options = parse()
    os.makedirs(options.out, exist_ok=True)
    torch.set_num_threads(options.threads)
    torch.set_flush_denormal(True)
    torch.manual_seed(options.seed)
    pictures = Pictures(options.data)
    crops = Crops(pictures, SIDE, options.batch, options.seed)
    held = crops_of(validation_pictures(pictures, 24))
    codec, checkpoint, anchors = prepared(options, crops)
    groups = [{**group, 'params': [p for p in group['params'] if p.requires_grad]}
              for group in codec.parameter_groups(options.lr)]
    optimiser = torch.optim.Adam([group for group in groups if group['params']], betas=(0.9, 0.99), foreach=True)
    average = {name: value.clone() for name, value in codec.state_dict().items()}
    assignments = {anchor: Assignment(codec, anchor) for anchor in anchors}
    running = {}
    state = {'competition_steps': 0, 'competition_patches': 0, **checkpoint['state']}
    log = open(os.path.join(options.out, 'log.jsonl'), 'a')
    started = last_validation = window = time.time()
    seconds_before = state['seconds']
    done, skipped = 0, 0

    def report(kind):
        live = {name: value.clone() for name, value in codec.state_dict().items()}
        codec.load_state_dict(average)
        rows, _ = validate_patches(codec, held, anchors)
        codec.load_state_dict(live)
        line = {'kind': kind, 'step': done, 'gigapixels': state['pixels'] / 1e9, 'seconds': time.time() - started,
                'skipped': skipped, 'validation': rows}
        log.write(json.dumps(line) + '\n')
        log.flush()
        for row in rows:
            print(kind, done, f"anchor {row['anchor']} generalist {row['codecs'][0]:.4e} best {row['best'] / row['codecs'][0]:.4f}",
                  'rivals', ' '.join(f"{cost / row['codecs'][0]:.3f}" for cost in row['codecs'][1:]), row['usage'], flush=True)

    while True:
        progress = (time.time() - started) / (60 * options.minutes)
        if progress >= 1:
            break
        factor = schedule(progress, done)
        for group in optimiser.param_groups:
            group['lr'] = group['base_lr'] * factor
        noise, hard = Quantiser('noise', options.noise_from + (1 - options.noise_from) * progress), Quantiser('hard')
        hard_share = 1.0 if options.decoders_only else HARD_SHARE[0] + (HARD_SHARE[1] - HARD_SHARE[0]) * progress
        chance = 1.0 if not options.explore else 1 - (progress - options.explore / 3) / (options.explore * 2 / 3)
        chance = min(max(chance, 0.0), 1.0) if options.explore else 0.0
        pixels = crops.next()
        shares = torch.arange(len(pixels)) * len(anchors) // len(pixels)
        steps = {anchor: math.exp((2 * torch.rand(1).item() - 1) * STEP_RANGE) if torch.rand(1).item() < OFF_ANCHOR else 1.0
                 for anchor in anchors}
        rates = torch.tensor([codec.rate(anchors[share], steps[anchors[share]]) for share in shares])
        with torch.set_grad_enabled(not options.decoders_only):
            outputs = codec.analysis(pixels, rates, (options.group,), autocast=True)[options.group]
        loss = 0.0
        for index, anchor in enumerate(anchors):
            mine, step = shares == index, steps[anchor]
            own, grids = pixels[mine], [grid[mine] for grid in outputs]
            quantiser = hard if torch.rand(1).item() < hard_share else noise
            chosen, known = assignments[anchor].choose(own, [grid.detach() for grid in grids], step, chance)

            def cost(mode, rows, importance=None):
                error, rate = codec.costs(own[rows], [grid[rows] for grid in grids], mode, anchor, quantiser, step, importance)
                return (error + codec.lambdas[anchor] / step ** 2 * rate) * step

            general = cost(0, torch.arange(len(own)))
            mean = general.detach().mean().item()
            scale = running.setdefault(anchor, mean)
            running[anchor] = scale + 0.02 * (min(mean, 4 * scale) - scale)
            loss = loss + general.mean() / scale
            # Every rival that a patch was given to learns, and codes the whole crop for it: in a picture patches have neighbours.
            # Each patch counts by the root of its own cost: easy ones would not matter otherwise.
            importance = (known * step / scale).clamp_min(0.1).rsqrt()
            special = torch.cat([cost(mode, rows, (importance * (chosen == mode))[rows]) for mode in chosen.unique().tolist()
                                 for rows in [(chosen == mode).flatten(1).any(1).nonzero()[:, 0]]])
            loss = loss + special.sum() / len(own) / scale
        if math.isfinite(loss.item()) and loss.item() < 2 * GUARD * len(anchors):
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            for group in optimiser.param_groups:
                torch.nn.utils.clip_grad_norm_(group['params'], CLIP)
            optimiser.step()
        else:
            skipped += 1
        done += 1
        update_average(average, codec, min(AVERAGE, (done + 1) / (done + 10)))
        state['competition_steps'] += 1
        state['competition_patches'] += options.batch * PER_CROP
        state['pixels'] += options.batch * SIDE ** 2
        state['seconds'] = seconds_before + time.time() - started
        if done % 500 == 0:
            print(f'step {done} loss {loss.item():.4f} {500 / (time.time() - window):.2f} steps/s skipped {skipped} chance {chance:.2f} '
                  + ' '.join(f'{running[a]:.3e}' for a in anchors) + ' usage '
                  + ' '.join(f'{u:.2f}' for u in assignments[anchors[-1]].usage.tolist()), flush=True)
            window = time.time()
        if time.time() - last_validation > 60 * options.validate_every:
            report('progress')
            save(os.path.join(options.out, 'checkpoint.pt'), codec, average, optimiser, state)
            last_validation = window = time.time()
    report('end')
    # The order of the codecs decides the subsets for M = 2 and 4; it is chosen on training patches.
    training = torch.cat([crops.next() for _ in range(ORDER_PATCHES // (PER_CROP * options.batch))])
    codec.load_state_dict(average)
    _, tables = validate_patches(codec, training, anchors)
    if codec.modes > len(VARIANTS[options.group]):
        print('order', reorder(codec, tables), flush=True)
        average = {name: value.clone() for name, value in codec.state_dict().items()}
    save(os.path.join(options.out, 'checkpoint.pt'), codec, average, optimiser, state)


if __name__ == '__main__':
    main()
