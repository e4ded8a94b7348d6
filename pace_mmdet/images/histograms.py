"""Percentiles of images, without a copy of a wider type."""
from typing import Iterator, Optional, Sequence, Tuple

import cv2
import numpy as np

_PIXELS_AT_ONCE = 1 << 22


def percentiles(img: np.ndarray,
                percent: Sequence[float]) -> Optional[Tuple[float, ...]]:
    """``np.percentile`` as of float64, for few bits without such a copy.

    Args:
        img (ndarray): Of real numbers, finite or not, any shape of two or
            more axes.
        percent (Sequence[float]): From 0 to 100.

    Returns:
        tuple[float]: Those of the values that are finite; None if there are
        none.
    """
    if img.dtype.kind not in 'uib' or img.dtype.itemsize > 2:
        values = img.astype(np.float64)
        if img.dtype.kind == 'f' and not np.isfinite(values).all():
            values = values[np.isfinite(values)]
        return tuple(np.percentile(values, percent, overwrite_input=True)) \
            if values.size else None
    least, most = int(img.min()), int(img.max())
    histogram = np.zeros(most - least + 1, np.int64)
    for rows in strips(img):
        histogram += _counts(img[rows], least, len(histogram))
    below = np.cumsum(histogram)
    ranks = np.array(percent) / 100 * (img.size - 1)
    lower, upper = (np.searchsorted(below, side, side='right') + least
                    for side in (np.floor(ranks), np.ceil(ranks)))
    return tuple(lower + (upper - lower) * (ranks - np.floor(ranks)))


def _counts(part: np.ndarray, least: int, count: int) -> np.ndarray:
    """How often so many whole numbers occur, int64."""
    if part.dtype in (np.uint8, np.uint16):
        # A tenth of bincount's time. Of a strip, its floats are exact.
        return cv2.calcHist(
            [np.ascontiguousarray(part).reshape(len(part), -1)], [0], None,
            [count], [least, least + count])[:, 0].astype(np.int64)
    shifted = part.ravel().astype(np.int32) - least
    return np.bincount(shifted, minlength=count)


def strips(img: np.ndarray) -> Iterator[slice]:
    """The image in strips of rows."""
    height = max(_PIXELS_AT_ONCE // max(img[:1].size, 1), 1)
    for start in range(0, len(img), height):
        yield slice(start, start + height)
