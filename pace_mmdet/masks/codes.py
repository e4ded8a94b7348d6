"""Masks as COCO run-length encodings, kept as their compressed counts.

A mask is one ``bytes`` object: the compressed ``counts`` of COCO's RLE
(column-major runs, as pycocotools writes them). The size (height, width) is
the image's and is stored once per image.
"""
import math
from functools import lru_cache
from typing import Any, Iterable, List, Sequence

import numpy as np
from faster_coco_eval.core import mask as mask_api

from .run_lengths import decode_counts
from .segmentations import is_near


def encode_bitmaps(masks: Iterable) -> List[bytes]:
    """Encode bitmaps, one at a time so that no copy of all of them is made.

    Args:
        masks (Tensor | ndarray): (N, H, W) bool or uint8 0/1, on any
            device.

    Returns:
        List[bytes]: N compressed counts.
    """
    counts = []
    for mask in masks:
        if hasattr(mask, 'detach'):  # a tensor
            mask = mask.detach().cpu().numpy()
        mask = np.asfortranarray(mask, dtype=np.uint8)
        counts.append(mask_api.encode(mask)['counts'])
    return counts


def to_counts(segmentation: Any, height: int, width: int) -> bytes:
    """Turn any COCO segmentation into compressed counts.

    Polygon parts of fewer than three points enclose nothing and are left out
    (pycocotools reads a part of two points as a box); a cell of which nothing
    remains is an empty mask.

    Args:
        segmentation (list | dict): Polygons [[x0, y0, x1, y1, ...], ...] in
            continuous image pixels, or RLE with ``size`` [h, w] and
            ``counts`` compressed (str or bytes) or not (list of runs).
        height (int): Height of the image in pixels.
        width (int): Width of the image in pixels.

    Returns:
        bytes: Compressed counts of an RLE of size (height, width).

    Raises:
        ValueError: If it is neither, or an RLE of another size.
    """
    if isinstance(segmentation, dict):
        return _counts_of_rle(segmentation, height, width)
    if not (isinstance(segmentation, (list, tuple)) and segmentation):
        raise ValueError('expected polygons or an RLE as segmentation, got '
                         f'{_shorten(segmentation)}')
    for part in segmentation:
        if not (isinstance(part, (list, tuple)) and len(part) % 2 == 0
                and all(isinstance(value, (int, float)) for value in part)
                and all(map(math.isfinite, part))):
            raise ValueError('expected a polygon [x0, y0, x1, y1, ...] of '
                             f'finite numbers, got {_shorten(part)}')
        if part and not is_near(part, height, width):
            raise ValueError('a polygon lies far outside the image of '
                             f'{height} x {width} pixels: {_shorten(part)}')
    parts = [[float(v) for v in part] for part in segmentation
             if len(part) >= 6]
    if not parts:
        return empty_counts(height, width)
    rles = mask_api.frPyObjects(parts, height, width)
    return (rles[0] if len(rles) == 1 else mask_api.merge(rles))['counts']


@lru_cache(maxsize=None)
def empty_counts(height: int, width: int) -> bytes:
    """Compressed counts of a mask without a pixel."""
    return _compress([height * width], height, width)


def to_rles(counts: Sequence[bytes], height: int, width: int) -> List[dict]:
    """COCO RLE dicts of N compressed counts of one image."""
    size = [height, width]
    return [dict(size=size, counts=count) for count in counts]


def find_broken(counts: Sequence[bytes], height: int,
                width: int) -> List[int]:
    """Which of N compressed counts are no masks of this size.

    The library trusts its input: on codes of another number of pixels its
    IoU may never return.

    Returns:
        List[int]: Indices of codes that are cut off or don't add up to
        height x width pixels.
    """
    if not counts:
        return []
    try:
        runs, num_runs = decode_counts(counts)
    except ValueError:  # says that there is one, not which
        if len(counts) == 1:
            return [0]
        return [i for i, code in enumerate(counts)
                if find_broken([code], height, width)]
    starts = np.cumsum(num_runs) - num_runs
    wrong = (np.add.reduceat(runs, starts) != height * width) | (
        np.minimum.reduceat(runs, starts) < 0)
    return np.flatnonzero(wrong).tolist()


def mask_areas(counts: Sequence[bytes], height: int,
               width: int) -> np.ndarray:
    """Areas of N compressed counts: (N,) float64, in pixels."""
    if not counts:
        return np.zeros(0)
    rles = to_rles(counts, height, width)
    return np.asarray(mask_api.area(rles), dtype=np.float64)


def _counts_of_rle(rle: dict, height: int, width: int) -> bytes:
    size, counts = rle.get('size'), rle.get('counts')
    if not isinstance(size, (list, tuple)) or list(size) != [height, width]:
        raise ValueError(f'the RLE has size {size}, the image is '
                         f'[{height}, {width}] (height, width)')
    if isinstance(counts, str):
        return counts.encode('ascii')
    if isinstance(counts, bytes):
        return counts
    if (isinstance(counts, list)
            and all(isinstance(run, int) and run >= 0 for run in counts)
            and sum(counts) == height * width):
        return _compress(counts, height, width)
    raise ValueError('expected RLE counts as a string or as runs that add up '
                     f'to {height * width} pixels, got {_shorten(counts)}')


def _compress(runs: List[int], height: int, width: int) -> bytes:
    rle = dict(size=[height, width], counts=runs)
    return mask_api.frPyObjects(rle, height, width)['counts']


def _shorten(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f'{text[:57]}...'
