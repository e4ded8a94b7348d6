"""Anchor assignment: ours beside MMDetection's MaxIoUAssigner."""
import argparse

import torch
from mmengine.structures import InstanceData

from pace_mmdet.models import BoundedMaxIoUAssigner
from pace_mmdet.testing.benchmarking import (Aim, Comparison, add_json_option,
                                             available_megabytes, compare,
                                             publish)

from mmdet.models.task_modules import AnchorGenerator  # isort: skip
from mmdet.models.task_modules import MaxIoUAssigner  # isort: skip

STRIDES = (4, 8, 16, 32, 64)
SETTINGS = dict(pos_iou_thr=0.7, neg_iou_thr=0.3, min_pos_iou=1e-6)
# What MaxIoUAssigner takes at its peak for each pair of cell and anchor, as
# this script measured it.
BYTES_PER_PAIR = 37


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        '--cells', type=int, nargs='+', default=[300, 1000, 3000])
    parser.add_argument('--height', type=int, default=520)
    parser.add_argument('--width', type=int, default=704)
    parser.add_argument('--runs', type=int, default=1)
    parser.add_argument('--device', default='cpu', help='cpu or cuda')
    add_json_option(parser)
    return parser.parse_args()


def make_cells(count: int, args: argparse.Namespace) -> InstanceData:
    """Boxes of 6 to 26 pixels anywhere in the image."""
    torch.manual_seed(0)
    centres = torch.rand(count, 2) * torch.tensor([args.width, args.height])
    half = torch.rand(count, 2) * 10 + 3
    return InstanceData(
        bboxes=torch.cat([centres - half, centres + half], dim=1),
        labels=torch.zeros(count).long()).to(args.device)


def main() -> None:
    args = parse_args()
    generator = AnchorGenerator(
        strides=STRIDES, scales=[2], ratios=[0.5, 1, 2, 3, 4])
    sizes = [(-(-args.height // stride), -(-args.width // stride))
             for stride in STRIDES]
    anchors = InstanceData(
        priors=torch.cat(generator.grid_priors(sizes, device=args.device)))
    comparisons = []
    for count in args.cells:
        cells = make_cells(count, args)
        assigners = dict(
            ours=BoundedMaxIoUAssigner(**SETTINGS),
            MaxIoUAssigner=MaxIoUAssigner(**SETTINGS))
        remarks = []
        needed = count * len(anchors) * BYTES_PER_PAIR / 1e6
        if args.device == 'cpu' and needed > available_megabytes() - 1000:
            del assigners['MaxIoUAssigner']
            remarks.append(f'MaxIoUAssigner would need {needed:.0f} MB, which '
                           'this machine does not have free')
        costs = compare(
            {
                name: lambda assigner=assigner: assigner.assign(
                    anchors, cells)
                for name, assigner in assigners.items()
            }, args.runs, args.device)
        where = 'one thread' if args.device == 'cpu' else args.device
        comparisons.append(
            Comparison(
                f'Assigning {len(anchors):,} anchors to {count:,} cells, '
                f'{where}', costs, dict(MaxIoUAssigner=Aim(1, 5)), remarks))
    publish(comparisons, args.json)


if __name__ == '__main__':
    main()
