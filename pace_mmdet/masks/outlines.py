"""Outlines of cells to be drawn, through the middle of their border pixels.

Letters in the shapes: M corners of a ring, H and W a bitmap's height and
width in pixels. Everything is in image pixels, continuous: pixel i covers
[i, i + 1), so a mask of one pixel is outlined around i + 0.5.
"""
from typing import List, Sequence, Tuple

import cv2
import numpy as np
from skimage.measure import find_contours

Outline = List[np.ndarray]
"""The rings of a cell, each float64 of shape (M, 2); holes are rings too."""


def bitmap_outline(bitmap: np.ndarray,
                   corner: Tuple[int, int] = (0, 0)) -> Outline:
    """Outline a bitmap along the edges of its pixels, corners cut.

    Args:
        bitmap (ndarray): Bool, shape (H, W).
        corner (tuple[int]): Column and row of the bitmap's first pixel in
            the image.

    Returns:
        list[ndarray]: Its closed rings.
    """
    x, y, width, height = cv2.boundingRect(bitmap.astype(np.uint8))
    if not width:
        return []
    # A rim of background closes the rings of cells at the border. The rim
    # moves indices by one, and index i is the centre i + 0.5 of a pixel.
    rimmed = np.pad(bitmap[y:y + height, x:x + width], 1)
    offset = np.array((x + corner[0], y + corner[1])) - 0.5
    return [ring[:, ::-1] + offset for ring in find_contours(rimmed, 0.5)]


def outlines_within(outlines: Sequence[Outline],
                    window: Sequence[float]) -> List[Outline]:
    """The outlines that may be seen in a window (x1, y1, x2, y2)."""
    x1, y1, x2, y2 = window
    return [
        rings for rings in outlines
        if any(ring[:, 0].max() > x1 and ring[:, 0].min() < x2
               and ring[:, 1].max() > y1 and ring[:, 1].min() < y2
               for ring in rings)
    ]
