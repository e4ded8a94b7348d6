"""Predicted masks to run-length codes: ours beside MMDetection's way."""
import argparse

import numpy as np
import torch
from mmengine.config import ConfigDict
from pycocotools import mask as mask_utils
from torch.nn import functional as F

from pace_mmdet.models.mask_codes import masks_to_codes
from pace_mmdet.testing.benchmarking import (Aim, Comparison, add_json_option,
                                             compare, publish)

from mmdet.models.roi_heads.mask_heads import FCNMaskHead  # isort: skip


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--cells', type=int, default=3000)
    parser.add_argument('--height', type=int, default=520)
    parser.add_argument('--width', type=int, default=704)
    parser.add_argument('--runs', type=int, default=3)
    parser.add_argument('--device', default='cpu', help='cpu or cuda')
    parser.add_argument(
        '--only-ours',
        action='store_true',
        help='for images that would not fit into memory the other way')
    add_json_option(parser)
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    torch.manual_seed(0)
    logits = F.avg_pool2d(torch.randn(args.cells, 1, 28, 28), 5, 1, 2) * 5
    corners = torch.rand(args.cells, 2)
    corners *= torch.tensor([args.width - 26.0, args.height - 26.0])
    bboxes = torch.cat(
        [corners, corners + 6 + 20 * torch.rand(args.cells, 2)], dim=1)
    logits, bboxes = logits.to(args.device), bboxes.to(args.device)
    size = (args.height, args.width)
    head = FCNMaskHead(
        num_convs=0, in_channels=1, conv_out_channels=1, num_classes=1)

    def ours() -> list:
        return masks_to_codes(logits.sigmoid()[:, 0], bboxes, *size)

    def stock() -> list:
        masks = head._predict_by_feat_single(
            logits, bboxes.clone(),
            torch.zeros(args.cells).long().to(args.device),
            dict(scale_factor=(1.0, 1.0), ori_shape=size),
            ConfigDict(mask_thr_binary=0.5), rescale=True)
        return [
            mask_utils.encode(np.asfortranarray(mask))
            for mask in masks.cpu().numpy().view(np.uint8)
        ]

    functions = dict(ours=ours)
    if not args.only_ours:
        functions['MMDetection'] = stock
    costs = compare(functions, args.runs, args.device)
    remarks = []
    if not args.only_ours:
        same = sum(a == b for a, b in zip(ours(), stock()))
        remarks.append(f'identical codes: {same} of {args.cells}')
    where = 'one thread' if args.device == 'cpu' else args.device
    publish([
        Comparison(
            f'Pasting and encoding {args.cells:,} masks on {args.width} x '
            f'{args.height} pixels, {where}', costs,
            dict(MMDetection=Aim(20, 20)), remarks)
    ], args.json)


if __name__ == '__main__':
    main()
