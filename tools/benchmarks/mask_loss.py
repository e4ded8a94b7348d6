"""The loss at points beside MMDetection's mask loss, on the same RoIs.

Targets, loss and gradient of the logits; the network is the same for both.
"""
import argparse

import torch
from mmengine.config import ConfigDict
from torch import Tensor

from pace_mmdet.models import PointMaskHead
from pace_mmdet.testing import synthetic_sample
from pace_mmdet.testing.benchmarking import (Aim, Comparison, add_json_option,
                                             compare, publish)

from mmdet.models.roi_heads.mask_heads import FCNMaskHead  # isort: skip
from mmdet.models.task_modules.samplers import SamplingResult  # isort: skip

HEAD = dict(num_convs=0, in_channels=1, conv_out_channels=1, num_classes=1)
TRAIN_CFG = ConfigDict(mask_size=28)


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--images', type=int, default=2)
    parser.add_argument('--rois', type=int, default=128, help='per image')
    parser.add_argument('--cells', type=int, default=300, help='per image')
    parser.add_argument('--num-points', type=int, default=10)
    parser.add_argument('--runs', type=int, default=7)
    parser.add_argument('--device', default='cpu', help='cpu or cuda')
    add_json_option(parser)
    return parser.parse_args()


def positive_rois(bboxes: Tensor, count: int) -> SamplingResult:
    """RoIs that each match a cell, a little off its box."""
    cells = torch.arange(count, device=bboxes.device) % len(bboxes)
    rois = bboxes[cells] + torch.randn(count, 4, device=bboxes.device)
    return SamplingResult(
        pos_inds=torch.arange(count, device=bboxes.device),
        neg_inds=cells[:0],
        priors=rois,
        gt_bboxes=bboxes,
        assign_result=ConfigDict(
            num_preds=count,
            gt_inds=cells + 1,
            labels=torch.zeros_like(cells)),
        gt_flags=torch.zeros_like(cells, dtype=torch.uint8))


def main() -> None:
    args = parse_args()
    torch.manual_seed(0)
    functions = {}
    logits = torch.randn(
        args.images * args.rois, 1, 28, 28, device=args.device,
        requires_grad=True)
    for name, head, num_points in (
            ('ours', PointMaskHead(**HEAD), args.num_points),
            ('FCNMaskHead', FCNMaskHead(**HEAD), 0)):
        truth = [
            synthetic_sample(args.cells, 520, 704, seed,
                             num_points)[1].gt_instances.to(args.device)
            for seed in range(args.images)
        ]
        samples = [positive_rois(gt.bboxes, args.rois) for gt in truth]

        def step(head=head, truth=truth, samples=samples) -> None:
            logits.grad = None
            result = head.loss_and_target(logits, samples, truth, TRAIN_CFG)
            result['loss_mask']['loss_mask'].sum().backward()

        functions[name] = step
    costs = compare(functions, args.runs, args.device)
    where = 'one thread' if args.device == 'cpu' else args.device
    publish([
        Comparison(
            f'Loss at {args.num_points} points and its gradient for '
            f'{args.images * args.rois} RoIs of {args.images} images with '
            f'{args.cells} cells, {where}', costs,
            dict(FCNMaskHead=Aim(1)))
    ], args.json)


if __name__ == '__main__':
    main()
