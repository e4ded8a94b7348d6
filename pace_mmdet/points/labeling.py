"""Answering "is this point on the cell?" from masks, as an annotator would."""
from typing import Sequence, Union

import numpy as np

from pace_mmdet.masks.run_lengths import decode_counts
from pace_mmdet.masks.segmentations import to_counts

from .hashing import hashed_uniform

_FLIP_STREAM = 2

Segmentation = Union[dict, Sequence[Sequence[float]]]


def label_points(points: np.ndarray, segmentations: Sequence[Segmentation],
                 height: int, width: int) -> np.ndarray:
    """Label pixels by the cells' masks without decoding an image.

    The run of a mask's run-length code that a pixel falls in says whether it
    belongs to the mask; one binary search serves all points of all cells.

    Args:
        points (ndarray): Pixel indices (x, y) inside the image, integer,
            shape (N, P, 2).
        segmentations (Sequence): N masks in any form COCO knows: polygons,
            run-length codes, compressed or not.
        height (int): Height of the image in pixels.
        width (int): Width of the image in pixels.

    Returns:
        ndarray: 1 on the cell, 0 off it; int8, shape (N, P).

    Raises:
        ValueError: If the numbers of cells differ, a point lies outside the
            image, or a cell has no mask of the image's size.
    """
    points = np.asarray(points, dtype=np.int64)
    if len(points) != len(segmentations):
        raise ValueError(f'expected one mask per cell, got '
                         f'{len(segmentations)} masks for {len(points)} cells')
    if not len(points):
        return np.zeros(points.shape[:2], dtype=np.int8)
    if (points < 0).any() or (points >= (width, height)).any():
        raise ValueError(f'a point lies outside the image of {width} x '
                         f'{height} pixels')
    counts, runs_per_cell = decode_counts(
        to_counts(segmentations, height, width))
    # The runs of a mask, background first, go down the columns and fill the
    # whole image. Laid end to end, cell n's pixels start at n * area.
    area = height * width
    run_ends = np.cumsum(counts)
    last_runs = np.cumsum(runs_per_cell) - 1
    cells = np.arange(len(points))
    positions = (
        cells[:, None] * area + points[..., 0] * height + points[..., 1])
    runs = np.searchsorted(run_ends, positions, side='right')
    first_runs = last_runs + 1 - runs_per_cell
    return ((runs - first_runs[:, None]) % 2).astype(np.int8)


def flip_labels(labels: np.ndarray,
                ann_ids: np.ndarray,
                flip_prob: float,
                seed: int = 0) -> np.ndarray:
    """Imitate annotators' mistakes: turn each answer over with a probability.

    Like the points, the mistakes depend on the seed and the annotation only,
    and are nested in the number of points.

    Args:
        labels (ndarray): 1, 0 or -1 (not to be used), int8, shape (N, P).
        ann_ids (ndarray): The annotations' ids, integer, shape (N, ).
        flip_prob (float): Probability of a mistake, in [0, 1].
        seed (int): Seed.

    Returns:
        ndarray: A new array; -1 stays -1; int8, shape (N, P).

    Raises:
        ValueError: If ``flip_prob`` is not in [0, 1].
    """
    if not 0 <= flip_prob <= 1:
        raise ValueError(f'flip_prob must be in [0, 1], got {flip_prob}')
    labels = np.asarray(labels, dtype=np.int8)
    mistaken = hashed_uniform(ann_ids, labels.shape[1], seed,
                              _FLIP_STREAM) < flip_prob
    return np.where(mistaken & (labels >= 0), 1 - labels,
                    labels).astype(np.int8)
