"""Outlines of cells whose masks come in any form.

Letters in the shapes: N cells, M corners of a ring, H and W the image's
height and width in pixels. Everything is in image pixels, continuous: pixel i
covers [i, i + 1), so a mask of one pixel is outlined around i + 0.5.

A cell is handled in its own box, so that thousands of them never become an
N x H x W array.
"""
from typing import List, Sequence, Union

import numpy as np
import torch
from mmdet.structures.mask import BitmapMasks, PolygonMasks

from pace_mmdet.masks.crops import rle_crops
from pace_mmdet.masks.outlines import Outline, bitmap_outline
from pace_mmdet.masks.segmentations import whole_polygons

Masks = Union[np.ndarray, torch.Tensor, BitmapMasks, PolygonMasks,
              Sequence[Union[dict, Sequence]]]


def mask_outlines(masks: Masks) -> List[Outline]:
    """Outline each cell.

    Args:
        masks: The masks of N cells as bitmaps of shape (N, H, W) (ndarray,
            tensor or ``BitmapMasks``), as ``PolygonMasks``, or as a sequence
            that holds for each cell a run-length code (``dict``, compressed
            or not), a polygon ``[x0, y0, x1, y1, ...]`` or a list of such
            polygons.

    Returns:
        list[list[ndarray]]: N outlines; that of an empty mask has no rings.

    Raises:
        TypeError: If the masks have none of these forms.
        ValueError: If bitmaps are not of shape (N, H, W), or a run-length
            code or polygon cannot be read.
    """
    masks = plain_masks(masks)
    if isinstance(masks, np.ndarray):
        return [bitmap_outline(bitmap) for bitmap in masks]
    outlines: List[Outline] = [[] for _ in masks]
    coded = [i for i, mask in enumerate(masks) if isinstance(mask, dict)]
    for i, (bitmap, corner) in zip(coded, rle_crops(masks[i] for i in coded)):
        outlines[i] = bitmap_outline(bitmap, corner)
    for i, mask in enumerate(masks):
        if not isinstance(mask, dict):
            outlines[i] = [np.array(polygon, np.float64).reshape(-1, 2)
                           for polygon in whole_polygons(mask)]
    return outlines


def plain_masks(masks: Masks) -> Union[np.ndarray, List[Union[dict, list]]]:
    """Reduce the forms masks come in to two.

    Args:
        masks: As for :func:`mask_outlines`.

    Returns:
        ndarray | list: Bitmaps, bool of shape (N, H, W), or N items that are
        run-length codes or lists of flat polygons.

    Raises:
        TypeError: If the masks have none of the known forms.
        ValueError: If bitmaps are not of shape (N, H, W).
    """
    if isinstance(masks, torch.Tensor):
        masks = masks.detach().cpu().numpy()
    elif isinstance(masks, (BitmapMasks, PolygonMasks)):
        masks = masks.masks
    if isinstance(masks, np.ndarray) and masks.dtype != object:
        if masks.ndim != 3:
            raise ValueError('expected bitmaps of shape (cells, height, '
                             f'width), got an array of shape {masks.shape}')
        return masks.astype(bool, copy=False)
    if not isinstance(masks, Sequence):
        raise TypeError('expected bitmaps, polygons or run-length codes, got '
                        f'{type(masks).__name__}')
    return [_plain_mask(mask) for mask in masks]


def _plain_mask(mask: Union[dict, Sequence]) -> Union[dict, list]:
    """One item of a sequence of masks: a code, or a list of polygons."""
    if isinstance(mask, dict):
        return mask
    if not isinstance(mask, (list, tuple, np.ndarray)):
        raise TypeError('expected a run-length code or polygons for each '
                        f'cell, got {type(mask).__name__}')
    return [mask] if len(mask) and np.isscalar(mask[0]) else list(mask)
