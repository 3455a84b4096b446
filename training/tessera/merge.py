"""Joins runs of different head groups, of one codec or of M, into one checkpoint.

    /usr/bin/python3 -m tessera.merge --runs middle=RUN8-middle/checkpoint.pt high=RUN8-high/checkpoint.pt --out RUN8/checkpoint.pt
"""
import argparse
import os

import torch


def merge(parts):
    """parts: {group: checkpoint}. The analysis of a group comes from its run, decoders and gains from that of their anchor's group."""
    first = next(iter(parts.values()))
    groups = first['groups']
    out = {**{key: first[key] for key in ('modes', 'groups', 'lambdas')}, 'shape': {group: shape_of(part, group) for group, part in parts.items()}}
    for kind in ('codec', 'average'):
        if any(kind not in part for part in parts.values()):
            continue    # of one that is slim
        merged = {}
        for name in first[kind]:
            if name.startswith('analysis.'):
                group = next(g for g in parts if name.split('.')[2].startswith(g))
                merged[name] = parts[group][kind][name]
            elif name.startswith('decoders.'):
                merged[name] = parts[groups[int(name.split('.')[2])]][kind][name]
            elif name == 'log_gain':
                merged[name] = torch.stack([parts[group][kind][name][:, a] for a, group in enumerate(groups)], 1)
        out[kind] = merged
    out['state'] = {**first['state'], 'groups': {group: part['state'] for group, part in parts.items()}}
    return out


def shape_of(checkpoint, group):
    """Name of the shape of a group's trunk; checkpoints from before there were several have plain rectifiers."""
    shape = checkpoint.get('shape', 'plain')
    return shape if isinstance(shape, str) else shape[group]


def slim(checkpoint):
    average = {name: value.half() if name.startswith('analysis.trunk.') else value for name, value in checkpoint['average'].items()}
    return {'average': average, **{key: checkpoint[key] for key in ('modes', 'groups', 'lambdas', 'shape', 'state')}}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--runs', nargs='+', required=True, help='GROUP=CHECKPOINT')
    parser.add_argument('--out', required=True)
    parser.add_argument('--slim', action='store_true', help='what the repository keeps: averaged weights alone, trunks in half precision, as they are exported')
    options = parser.parse_args()
    parts = {}
    for item in options.runs:
        group, path = item.split('=', 1)
        parts[group] = torch.load(path, map_location='cpu')
    assert set(parts) == set(next(iter(parts.values()))['groups']), 'one run per head group'
    os.makedirs(os.path.dirname(options.out) or '.', exist_ok=True)
    merged = merge(parts)
    torch.save(slim(merged) if options.slim else merged, options.out)


if __name__ == '__main__':
    main()
