"""Trains one codec at every rate anchor at once. See training/PLAN.md for the runs.

    /usr/bin/python3 -m tessera.train --data CACHE --out RUN [--resume CHECKPOINT] --minutes 60

Every step runs the analysis once and all anchors' decoders on its output. The learning rate follows the share of
`--minutes` that has passed (so a run always ends annealed, whatever the machine), unless --steps is given.
"""
import argparse
import json
import math
import os
import time

import torch

from .analysis import SHAPES
from .codec import ANCHOR_GROUPS, LAMBDAS, Codec, Quantiser
from .competition import share_coarse, wake_smoothing
from .data import Crops, Pictures, validation_pictures
from .evaluate import silent_share, validate
from .export import load_codec
from .loop import save, schedule, update_average
from .optimiser import build
from .remap import remap, take_decoders, with_fresh_trunk

GUARD = 6.0                   # a step whose loss is this many times its running mean is skipped
RESCUE = 10                   # skipped steps in a row after which the averaged weights take over: one bad step can throw a trunk off for good
CLIP = 1.0                    # on the norm of the gradient of each parameter group, after balancing the anchors
STEP_RANGE = 0.30             # half the distance between anchors in log gain, as the fine quality steps use it
AVERAGE = 0.999
ONE_RATE = 1e-3               # of --plain


def parse():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--data', required=True)
    parser.add_argument('--out', required=True)
    parser.add_argument('--resume')
    parser.add_argument('--start', help='checkpoint whose averaged weights to start from, with a fresh optimiser')
    parser.add_argument('--minutes', type=float, default=60)
    parser.add_argument('--steps', type=int, default=0, help='end after this many steps instead of --minutes')
    parser.add_argument('--side', type=int, default=128)
    parser.add_argument('--batch', type=int, default=8)
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('--threads', type=int, default=1)
    parser.add_argument('--lr', type=float, default=1.0, help='factor on every learning rate')
    parser.add_argument('--noise-from', type=float, default=0.0,
                        help='where the annealing of the rounding noise starts, 0 (uniform) to 1 (narrow): 1 to go on from an annealed run')
    parser.add_argument('--straight', action='store_true', help='rounding with the gradient of the identity instead of noise')
    parser.add_argument('--anchors', help='comma separated subset of the anchors to train')
    parser.add_argument('--groups', help='comma separated head group per anchor')
    parser.add_argument('--lambdas', help='comma separated weight of the rate per anchor')
    parser.add_argument('--hard-share', type=float, default=0.15, help='share of the costs at hard rounding, which teach the decoder alone')
    parser.add_argument('--rivals', type=float, default=0.0, help='share of the steps that train another codec than the generalist, '
                        'any of them: they follow the trunk')
    parser.add_argument('--share-coarse', action='store_true', help="all codecs keep the first one's gains and its analysis of the coarse grids")
    parser.add_argument('--late-side', type=int, help='side of the crops in the last quarter of the run')
    parser.add_argument('--late-batch', type=int)
    parser.add_argument('--off-anchor', type=float, default=0.5, help='share of the steps that train a rate between anchors')
    parser.add_argument('--fresh', choices=SHAPES, help='give the generalist of --start an untrained trunk of this shape')
    parser.add_argument('--decoders', help='checkpoint whose generalist gives decoders and gains')
    parser.add_argument('--freeze-decoders', action='store_true', help='decoders and gains stay as they are')
    parser.add_argument('--deepen', action='store_true', help='add second blocks to the trunks that have none')
    parser.add_argument('--plain', action='store_true', help='the plain recipe, to compare with: heads at random, no linear part, one learning rate for all')
    parser.add_argument('--muon', action='store_true', help="Muon for the trunk's convolutions")
    parser.add_argument('--validate-every', type=float, default=5, help='minutes')
    parser.add_argument('--validation-limit', type=int, default=24)
    parser.add_argument('--device', default='cuda' if torch.cuda.is_available() else 'cpu')
    options = parser.parse_args()
    if (options.fresh or options.decoders or options.freeze_decoders) and not options.start:
        parser.error('--fresh, --decoders and --freeze-decoders need --start')
    if options.plain and (options.start or options.resume):
        parser.error('--plain starts from nothing')
    return options


@torch.no_grad()
def without_linear_start(codec):
    """Heads and synthesis start at random like any other layer, and the linear parts stay 0. The codec is changed in place."""
    for linear in codec.analysis.linear.values():
        linear.zero_()
    for head in codec.analysis.head.values():
        head.reset_parameters()
    for decoder in codec.decoders[0]:
        for weight in (decoder.w1, decoder.w2):
            torch.nn.init.kaiming_uniform_(weight, a=5 ** 0.5)


def main():
    options = parse()
    os.makedirs(options.out, exist_ok=True)
    torch.set_num_threads(options.threads)
    torch.set_flush_denormal(True)
    torch.manual_seed(options.seed)
    pictures = Pictures(options.data)
    crops = Crops(pictures, options.side, options.batch, options.seed)
    held = validation_pictures(pictures, options.validation_limit)
    lambdas = [float(weight) for weight in options.lambdas.split(',')] if options.lambdas else LAMBDAS
    groups = options.groups.split(',') if options.groups else ANCHOR_GROUPS
    codec, start = Codec(lambdas=lambdas, groups=groups), None
    if options.start:
        start_codec, start = load_codec(options.start)
        codec = remap(start_codec, lambdas, groups)
        if options.fresh:
            codec = with_fresh_trunk(codec, options.fresh)
        if options.decoders:
            take_decoders(codec, load_codec(options.decoders)[0])
        wake_smoothing(codec)
    anchors = ([int(a) for a in options.anchors.split(',')] if options.anchors else list(range(len(codec.lambdas))))
    if options.deepen:
        codec.analysis.deepen(sorted(set(groups[anchor] for anchor in anchors) - set(codec.analysis.deep_groups())))
    if options.plain:
        without_linear_start(codec)
    codec.to(options.device)
    codec.analysis.groups = tuple(sorted({codec.groups[anchor] for anchor in anchors}))
    for name, parameter in codec.named_parameters():
        analysed = name.startswith('analysis.') and any(f'.{group}' in name for group in codec.analysis.groups)
        analysed = analysed and not (options.plain and name.startswith('analysis.linear.'))
        decoded = name.startswith('decoders.') and int(name.split('.')[2]) in anchors
        parameter.requires_grad_(analysed or not options.freeze_decoders and (decoded or name == 'log_gain'))
    learning = [{**group, 'params': [p for p in group['params'] if p.requires_grad]} for group in codec.parameter_groups(options.lr)]
    if options.plain:
        learning = [{**group, 'lr': ONE_RATE * options.lr, 'base_lr': ONE_RATE * options.lr} for group in learning]
    optimiser = build([group for group in learning if group['params']], options.muon)
    average = {name: value.clone() for name, value in codec.state_dict().items()}
    state = {'step': 0, 'pixels': 0, 'seconds': 0.0, 'skipped': 0}
    if start:
        state.update({name: start['state'][name] for name in state})
    if options.resume:
        checkpoint = torch.load(options.resume, map_location=options.device)
        codec.load_state_dict(checkpoint['codec'])
        average = checkpoint['average']
        optimiser.load_state_dict(checkpoint['optimiser'])
        for group, fresh in zip(optimiser.param_groups, [group for group in learning if group['params']]):
            group['base_lr'] = fresh['base_lr']
        state = checkpoint['state']
    log = open(os.path.join(options.out, 'log.jsonl'), 'a')
    checkpoint_path = os.path.join(options.out, 'checkpoint.pt')
    running = {}
    skipped_in_a_row = 0
    first_step, started, last_validation = state['step'], time.time(), time.time()
    seconds_before = state['seconds']
    window_loss, window_count, window_pixels, window_start = 0.0, 0, state['pixels'], time.time()

    def report(kind):
        live = {name: value.clone() for name, value in codec.state_dict().items()}
        codec.load_state_dict(average)
        rows = validate(codec, held, anchors=anchors) if options.device == 'cpu' else []
        silent = silent_share(codec, held[:4], anchors[0]) if options.device == 'cpu' else math.nan
        codec.load_state_dict(live)
        line = {'kind': kind, 'step': state['step'], 'gigapixels': state['pixels'] / 1e9, 'seconds': state['seconds'],
                'skipped': state['skipped'], 'silent': round(silent, 3),
                'validation': [[round(rate, 5), round(psnr, 3), cost] for rate, psnr, cost in rows]}
        log.write(json.dumps(line) + '\n')
        log.flush()
        print(line, flush=True)

    while True:
        elapsed = time.time() - started
        done = state['step'] - first_step
        progress = done / options.steps if options.steps else elapsed / (60 * options.minutes)
        if progress >= 1:
            break
        factor = schedule(progress, state['step'])
        for group in optimiser.param_groups:
            group['lr'] = group['base_lr'] * factor
        noise = Quantiser('straight' if options.straight else 'noise', options.noise_from + (1 - options.noise_from) * progress)
        if options.late_side and progress > 0.75 and crops.side != options.late_side:
            crops = Crops(pictures, options.late_side, options.late_batch, options.seed + 1)
        pixels = crops.next().to(options.device)
        # Every anchor trains on its own share of the batch, at its own step: one run of the trunk serves them all.
        shares = torch.arange(len(pixels)) * len(anchors) // len(pixels)
        steps = {anchor: math.exp((2 * torch.rand(1).item() - 1) * STEP_RANGE) if torch.rand(1).item() < options.off_anchor
                 else 1.0 for anchor in anchors}
        mode = int(torch.randint(1, codec.modes, ())) if torch.rand(1).item() < options.rivals else 0
        loss, costs = 0.0, {}
        for group in codec.analysis.groups:
            members = [index for index, anchor in enumerate(anchors) if codec.groups[anchor] == group]
            rows = torch.tensor([int(share) in members for share in shares])
            rates = torch.tensor([codec.rate(anchors[share], steps[anchors[share]]) for share in shares[rows]])
            outputs = codec.analysis(pixels[rows], rates.to(options.device), (group,), autocast=True, mode=mode)[group]
            for member in members:
                anchor, mine = anchors[member], shares[rows] == member
                weight = codec.lambdas[anchor] / steps[anchor] ** 2
                # Hard rounding teaches decoders alone.
                quantiser = Quantiser('hard') if not options.freeze_decoders and torch.rand(1).item() < options.hard_share else noise
                error, rate = codec.costs(pixels[shares == member], [grid[mine] for grid in outputs], mode, anchor, quantiser,
                                          steps[anchor])
                # J falls about as the gain rises: this keeps fine and coarse steps in balance.
                cost = (error + weight * rate).mean() * steps[anchor]
                costs[anchor, mode] = cost.item()
                loss = loss + cost / running.setdefault((anchor, mode), running.get((anchor, 0), costs[anchor, mode]))
        for codec_at, cost in costs.items():
            mean = running[codec_at]
            if math.isfinite(cost):
                running[codec_at] = mean + 0.02 * (min(cost, 4 * mean) - mean)
        limit = GUARD * len(anchors)
        if math.isfinite(loss.item()) and loss.item() < limit:
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            for group in optimiser.param_groups:
                torch.nn.utils.clip_grad_norm_(group['params'], CLIP)
            optimiser.step()
            if options.share_coarse:
                for group in codec.analysis.groups:
                    share_coarse(codec, group)
            decay = min(AVERAGE, (done + 1) / (done + 10))
            update_average(average, codec, decay)
            skipped_in_a_row = 0
        else:
            state['skipped'] += 1
            skipped_in_a_row += 1
        if skipped_in_a_row == RESCUE:
            codec.load_state_dict(average)
            optimiser = build([group for group in learning if group['params']], options.muon)
            running.clear()
            skipped_in_a_row = 0
            print(f"step {state['step']} back to the averaged weights", flush=True)
        state['step'] += 1
        state['pixels'] += pixels.shape[0] * pixels.shape[2] * pixels.shape[3]
        state['seconds'] = seconds_before + time.time() - started
        window_loss, window_count = window_loss + loss.item(), window_count + 1
        if state['step'] % 200 == 0:
            speed = (state['pixels'] - window_pixels) / (time.time() - window_start) / 1e6
            print(f"step {state['step']} loss {window_loss / window_count:.4f} {speed:.2f} Mpx/s skipped {state['skipped']} "
                  + ' '.join(f'{running.get((a, 0), math.nan):.3e}' for a in anchors), flush=True)
            window_loss, window_count, window_pixels, window_start = 0.0, 0, state['pixels'], time.time()
        if time.time() - last_validation > 60 * options.validate_every:
            report('progress')
            save(checkpoint_path, codec, average, optimiser, state)
            last_validation = time.time()
            window_pixels, window_start = state['pixels'], time.time()
    report('end')
    save(checkpoint_path, codec, average, optimiser, state)


if __name__ == '__main__':
    main()
