"""Masks as COCO run-length encodings, kept as their compressed counts.

A mask is one ``bytes`` object: the compressed ``counts`` of COCO's RLE
(column-major runs, as pycocotools writes them). The size (height, width) is
the image's and is stored once per image.
"""
from functools import lru_cache
from typing import Iterable, List, Sequence

import numpy as np
from pycocotools import mask as mask_utils

from .run_lengths import decode_counts, encode_counts


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
        counts.append(mask_utils.encode(mask)['counts'])
    return counts


@lru_cache(maxsize=None)
def empty_counts(height: int, width: int) -> bytes:
    """Compressed counts of a mask without a pixel."""
    return encode_counts([height * width], [1])[0]


def to_rles(counts: Sequence[bytes], height: int, width: int) -> List[dict]:
    """COCO RLE dicts of N compressed counts of one image."""
    size = [height, width]
    return [dict(size=size, counts=count) for count in counts]


def find_broken(counts: Sequence[bytes], height: int,
                width: int) -> List[int]:
    """Which of N compressed counts are no masks of this size.

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
    pixels = height * width
    # No run beyond the image, so that their sum can't overflow.
    wrong = (np.add.reduceat(runs, starts) != pixels) | (
        np.minimum.reduceat(runs, starts) < 0) | (
            np.maximum.reduceat(runs, starts) > pixels)
    return np.flatnonzero(wrong).tolist()


def mask_areas(counts: Sequence[bytes], height: int,
               width: int) -> np.ndarray:
    """Areas of N sound compressed counts: (N,) float64, in pixels."""
    # One at a time: with NumPy 2, pycocotools counts a list's in 8 bits.
    return np.array([mask_utils.area(rle)
                     for rle in to_rles(counts, height, width)], np.float64)
