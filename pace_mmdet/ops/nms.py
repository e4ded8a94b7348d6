"""Non-maximum suppression: of boxes that overlap, the best scored.

Greedy and exact, by MMCV's rule: from the best score down, a box is kept if
its IoU with none of those kept before is larger than the threshold. Equal
scores are taken in their order.
"""
from typing import Tuple

import torch
from torch import Tensor

# Boxes decided at a time.
_BLOCK = 256


@torch.no_grad()
def nms(boxes: Tensor,
        scores: Tensor,
        iou_threshold: float,
        offset: int = 0) -> Tensor:
    """Choose boxes.

    Args:
        boxes (Tensor): x1, y1, x2, y2, shape (N, 4).
        scores (Tensor): Shape (N, ).
        iou_threshold (float): Two boxes kept overlap by at most that much.
        offset (int): What is added to every width and height: 1 where x2 and
            y2 are a box's last pixels, otherwise 0.

    Returns:
        Tensor: Indices of the boxes kept, int64, the best first.
    """
    ids = scores.argsort(descending=True, stable=True)
    boxes = boxes[ids].to(torch.promote_types(boxes.dtype, torch.float32)).T
    areas = (boxes[2] - boxes[0] + offset) * (boxes[3] - boxes[1] + offset)
    kept = []
    while len(ids):
        now = min(_BLOCK, len(ids))
        keep = _resolve(_over(
            (boxes[:, :now], areas[:now]), (boxes[:, :now], areas[:now]),
            iou_threshold, offset).triu(1))
        kept.append(ids[:now][keep])
        rest = ~_over(
            (boxes[:, :now][:, keep], areas[:now][keep]),
            (boxes[:, now:], areas[now:]), iou_threshold, offset).any(0)
        boxes, areas = boxes[:, now:][:, rest], areas[now:][rest]
        ids = ids[now:][rest]
    return torch.cat(kept) if kept else ids


def _over(first: Tuple[Tensor, Tensor], second: Tuple[Tensor, Tensor],
          iou_threshold: float, offset: int) -> Tensor:
    """Whether the IoU of boxes is larger, shape (N, M)."""
    (a, a_areas), (b, b_areas) = first, second
    a = a[..., None]
    low, high = torch.maximum(a[:2], b[:2, None]), torch.minimum(
        a[2:], b[2:, None])
    sides = (high - low + offset).clamp_(min=0)
    inter = sides[0] * sides[1]
    return inter / (a_areas[:, None] + b_areas - inter) > iou_threshold


def _resolve(suppresses: Tensor) -> Tensor:
    """Which boxes are kept, if each one kept suppresses those of its row."""
    suppresses = suppresses.float()
    keep = suppresses.new_ones(len(suppresses))
    while True:
        new = (keep @ suppresses == 0).to(keep)
        if torch.equal(new, keep):
            return keep.bool()
        keep = new
