"""Anchor assignment: ours beside MMDetection's MaxIoUAssigner."""
import argparse

import torch
from mmdet.models.task_modules.assigners import MaxIoUAssigner
from mmdet.models.task_modules.prior_generators import AnchorGenerator
from mmengine.structures import InstanceData

from pace_mmdet.benchmarking import compare, compare_on_gpu, report
from pace_mmdet.models import BoundedMaxIoUAssigner

STRIDES = (4, 8, 16, 32, 64)
SETTINGS = dict(pos_iou_thr=0.7, neg_iou_thr=0.3, min_pos_iou=1e-6)


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--cells', type=int, nargs='+', default=[300, 1000])
    parser.add_argument(
        '--only-ours', type=int, nargs='*', default=[3000], metavar='CELLS',
        help='numbers of cells for which the other would take too much '
        'memory')
    parser.add_argument('--height', type=int, default=520)
    parser.add_argument('--width', type=int, default=704)
    parser.add_argument('--runs', type=int, default=1)
    parser.add_argument('--device', default='cpu', help='cpu or cuda')
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    generator = AnchorGenerator(
        strides=STRIDES, scales=[2], ratios=[0.5, 1, 2, 3, 4])
    sizes = [(-(-args.height // stride), -(-args.width // stride))
             for stride in STRIDES]
    anchors = InstanceData(
        priors=torch.cat(generator.grid_priors(sizes, device=args.device)))
    for count in args.cells + args.only_ours:
        torch.manual_seed(0)
        centres = torch.rand(count, 2)
        centres *= torch.tensor([args.width, args.height])
        half = torch.rand(count, 2) * 10 + 3
        cells = InstanceData(
            bboxes=torch.cat([centres - half, centres + half], dim=1),
            labels=torch.zeros(count).long()).to(args.device)
        assigners = dict(ours=BoundedMaxIoUAssigner(**SETTINGS))
        if count in args.cells:
            assigners['MaxIoUAssigner'] = MaxIoUAssigner(**SETTINGS)
        measure = compare if args.device == 'cpu' else compare_on_gpu
        costs = measure(
            {
                name: lambda assigner=assigner: assigner.assign(
                    anchors, cells)
                for name, assigner in assigners.items()
            }, args.runs)
        print(f'{count} cells, {len(anchors)} anchors, '
              f'{"one thread" if args.device == "cpu" else args.device}, '
              f'medians of {args.runs} runs:')
        print(report(costs, 'ours'))


if __name__ == '__main__':
    main()
