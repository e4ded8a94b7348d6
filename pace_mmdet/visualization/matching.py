"""How well each annotated cell is found, to pick what to look at.

Letters in the shapes: N annotated cells, D predicted ones.
"""
from typing import List, Sequence

import numpy as np
from pycocotools import mask as mask_utils

from pace_mmdet.masks.codes import encode_bitmaps, to_rles
from pace_mmdet.masks.segmentations import NO_MASK, read_masks

from .contours import Masks, plain_masks

_CELLS_AT_ONCE = 256


def run_length_codes(masks: Masks, height: int, width: int) -> List[dict]:
    """Masks in any form as compressed run-length codes.

    Args:
        masks: As for
            :func:`~pace_mmdet.visualization.contours.mask_outlines`.
        height (int): Height of the image in pixels.
        width (int): Width of the image in pixels.

    Returns:
        list[dict]: ``{'size': [height, width], 'counts': bytes}`` per cell.

    Raises:
        ValueError: If a mask cannot be read or has another size.
    """
    masks = plain_masks(masks)
    if isinstance(masks, np.ndarray):
        if len(masks) and masks.shape[1:] != (height, width):
            raise ValueError(f'masks of size {masks.shape[1:]} (height, '
                             f'width) on an image of {(height, width)}')
        return to_rles(encode_bitmaps(masks), height, width)
    counts, faults = read_masks(masks, height, width)
    for row, fault in faults.items():
        if fault != NO_MASK:  # such a cell is there, without a pixel
            raise ValueError(f'mask {row}: {fault}')
    return to_rles(counts, height, width)


def best_ious(truth: Sequence[dict],
              predictions: Sequence[dict]) -> np.ndarray:
    """IoU of each annotated cell with the prediction that fits it best.

    Args:
        truth (Sequence[dict]): N run-length codes.
        predictions (Sequence[dict]): D run-length codes.

    Returns:
        ndarray: From 0 to 1, float64, shape (N, ).
    """
    best = np.zeros(len(truth))
    if not len(predictions):
        return best
    # A few columns at a time: N x D numbers of 20,000 cells are 3 GB.
    for start in range(0, len(truth), _CELLS_AT_ONCE):
        part = list(truth[start:start + _CELLS_AT_ONCE])
        ious = mask_utils.iou(list(predictions), part, [0] * len(part))
        best[start:start + len(part)] = ious.max(axis=0)
    return best


def most_different(truth: Sequence[dict],
                   models: Sequence[Sequence[dict]]) -> np.ndarray:
    """Order the annotated cells by how much they tell models apart.

    With one model, those come first that it finds worst.

    Args:
        truth (Sequence[dict]): N run-length codes.
        models (Sequence[Sequence[dict]]): The predictions of each model.

    Returns:
        ndarray: Indices of the cells, int64, shape (N, ).
    """
    ious = np.array([best_ious(truth, model) for model in models])
    spread = np.ptp(ious, axis=0) if len(models) > 1 else 1 - ious[0]
    return np.argsort(-spread, kind='stable')
