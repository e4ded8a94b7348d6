"""From predicted masks to run-length codes, without bitmaps of the image.

Letters in the shapes: N cells, (h, w) the mask head's grid, H and W the
image's height and width in pixels.

Each mask is pasted into the few pixels around its own box, and the code is
read off there. Time and memory follow the cells' pixels, not N x H x W.
"""
from typing import List

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from pace_mmdet.masks.crops import encode_crops

# Pixels that are pasted at once, some 50 bytes each in intermediate results.
# On a CPU they then stay in its caches; on a GPU a chunk must be worth
# starting.
_PIXELS_AT_ONCE = dict(cpu=250_000, cuda=2_000_000)


def masks_to_codes(mask_probs: Tensor,
                   bboxes: Tensor,
                   height: int,
                   width: int,
                   threshold: float = 0.5) -> List[dict]:
    """Paste masks into their boxes and encode them.

    The pixels are those of MMDetection's ``FCNMaskHead``: bilinear
    interpolation at the pixels' centres, zeros outside the mask.

    Args:
        mask_probs (Tensor): Probabilities, shape (N, h, w).
        bboxes (Tensor): Boxes (x1, y1, x2, y2) in image pixels, shape (N, 4).
        height (int): Height of the image in pixels.
        width (int): Width of the image in pixels.
        threshold (float): A pixel from here on is on the cell; above 0.

    Returns:
        list[dict]: N compressed COCO run-length codes, ``size`` [H, W] and
        ``counts`` bytes.

    Raises:
        ValueError: If ``threshold`` is not above 0: every pixel of the image
            would be on every cell.
    """
    if not threshold > 0:
        raise ValueError(f'threshold must be above 0, got {threshold}')
    bboxes = bboxes.float()
    limits = bboxes.new_tensor([width, height])
    # A pixel more on each side: centres just outside the box see its rim.
    corners = (bboxes[:, :2].floor() - 1).clamp(min=0).minimum(limits)
    ends = (bboxes[:, 2:].ceil() + 1).clamp(min=0).minimum(limits)
    own_sizes = (ends - corners).clamp(min=0)
    sizes = own_sizes.long().cpu().numpy()
    codes: List[bytes] = [b''] * len(bboxes)
    at_once = _PIXELS_AT_ONCE['cuda' if bboxes.is_cuda else 'cpu']
    for cells in _chunks(sizes, at_once):
        index = torch.as_tensor(cells, device=bboxes.device)
        crop_width, crop_height = sizes[cells].max(axis=0).tolist()
        on_cell = _paste(mask_probs[index].float(), bboxes[index],
                         corners[index], crop_height, crop_width) >= threshold
        # The chunk's common size is more than most crops' own.
        columns = torch.arange(crop_width, device=bboxes.device)
        rows = torch.arange(crop_height, device=bboxes.device)
        own = own_sizes[index][:, :, None]
        on_cell &= (columns < own[:, 0])[:, None] & \
            (rows < own[:, 1])[:, :, None]
        origins = corners[index].long().cpu().numpy()
        texts = encode_crops(on_cell.cpu().numpy(), origins, height, width)
        for cell, text in zip(cells, texts):
            codes[cell] = text
    return [dict(size=[height, width], counts=text) for text in codes]


def _paste(mask_probs: Tensor, bboxes: Tensor, corners: Tensor, height: int,
           width: int) -> Tensor:
    """Sample masks at the pixels of crops of one size.

    Returns:
        Tensor: Probabilities, shape (N, height, width).
    """
    device = bboxes.device
    size = bboxes[:, 2:] - bboxes[:, :2]
    pixels_x = torch.arange(width, device=device) + 0.5
    pixels_y = torch.arange(height, device=device) + 0.5
    shift = corners - bboxes[:, :2]
    grid_x = (pixels_x + shift[:, :1]) / size[:, :1] * 2 - 1
    grid_y = (pixels_y + shift[:, 1:]) / size[:, 1:] * 2 - 1
    # Boxes without area: as MMDetection, which takes the mask's middle.
    grid_x = torch.where(torch.isfinite(grid_x), grid_x, 0.)
    grid_y = torch.where(torch.isfinite(grid_y), grid_y, 0.)
    grid = torch.stack([
        grid_x[:, None].expand(-1, height, -1),
        grid_y[:, :, None].expand(-1, -1, width)
    ], dim=-1)
    return F.grid_sample(
        mask_probs[:, None], grid, align_corners=False)[:, 0]


def _chunks(sizes: np.ndarray, pixels_at_once: int) -> List[np.ndarray]:
    """Cells of like size together, so that little of a chunk is padding.

    Args:
        sizes (ndarray): Width and height of each cell's crop, shape (N, 2).
        pixels_at_once (int): Bound on a chunk's pixels; a single cell may
            have more.
    """
    order = np.lexsort((sizes[:, 1], sizes.max(axis=1, initial=0)))
    order = order[::-1]
    chunks, start = [], 0
    while start < len(order):
        side = max(int(sizes[order[start]].max()), 1)
        stop = start + max(pixels_at_once // side**2, 1)
        # Not much smaller ones: they would be padded to this size.
        inside = sizes[order[start:stop]].max(axis=1) >= side / 1.5
        stop = start + max(int(inside.sum()), 1)
        chunks.append(order[start:stop].copy())
        start = stop
    return chunks
