"""Reading a predicted mask at labelled points (paper, section 3.3, Fig. 4).

Letters in the shapes: R RoIs, P points per RoI, C classes, (H, W) the mask
head's grid, 28 x 28 by default.

A box's own frame runs from (0, 0) at its top left to (1, 1) at its bottom
right corner. The mask grid divides it into H x W cells; a logit belongs to
the centre of its cell (``align_corners=False``).
"""
from typing import Tuple

import torch
from mmcv.ops import point_sample
from torch import Tensor


def box_coordinates(points_img: Tensor,
                    bboxes: Tensor) -> Tuple[Tensor, Tensor]:
    """Points of the image in the frames of their boxes.

    Args:
        points_img (Tensor): Points (x, y) in image pixels, shape (R, P, 2).
        bboxes (Tensor): Boxes (x1, y1, x2, y2) in image pixels, shape (R, 4).

    Returns:
        tuple[Tensor]: The points in box coordinates, shape (R, P, 2), and
        whether each lies in its box, bool, shape (R, P). No point lies in a
        box without area; what lies outside is given as (0.5, 0.5), so that
        there is never a NaN or an infinity to carry along.
    """
    top_left, bottom_right = bboxes[:, None, :2], bboxes[:, None, 2:]
    size = bottom_right - top_left
    points_box = (points_img - top_left) / size
    inside = ((size > 0) & (points_box >= 0) & (points_box <= 1)).all(dim=-1)
    return torch.where(inside[..., None], points_box, 0.5), inside


def sample_logits(mask_logits: Tensor, points_box: Tensor,
                  labels: Tensor) -> Tensor:
    """Logits of each RoI's class at its points, by bilinear interpolation.

    As in the reference (detectron2, projects/PointRend), what lies beyond the
    outermost centres is interpolated with zeros.

    Args:
        mask_logits (Tensor): Shape (R, C, H, W); C = 1 for a class-agnostic
            head.
        points_box (Tensor): Points (x, y) in box coordinates, [0, 1], shape
            (R, P, 2).
        labels (Tensor): Class of each RoI, int64, shape (R, ); unused if
            C = 1.

    Returns:
        Tensor: float32 whatever the logits' type, shape (R, P).
    """
    if mask_logits.size(1) > 1:
        rois = torch.arange(len(labels), device=labels.device)
        mask_logits = mask_logits[rois, labels][:, None]
    return point_sample(
        mask_logits.float(), points_box.float(),
        align_corners=False).squeeze(1)
