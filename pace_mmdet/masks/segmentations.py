"""The segmentations of COCO files: which of them are masks."""
from math import isfinite
from typing import Any, Sequence

import numpy as np

# Times the longer side of the image.
_FAR = 10


def clean_segmentation(segmentation: Any) -> Any:
    """Leave out the polygons that enclose nothing.

    Published files hold parts of fewer than 3 points beside whole ones.

    Args:
        segmentation (list | dict): Polygons or run-length code.

    Returns:
        list | dict: The polygons with at least 3 points, possibly none; a
        run-length code as it is.
    """
    if isinstance(segmentation, dict):
        return segmentation
    return [
        polygon for polygon in segmentation or ()
        if isinstance(polygon, (list, tuple, np.ndarray)) and len(polygon) >= 6
        and len(polygon) % 2 == 0
    ]


def is_near(polygon: Sequence[float], height: int, width: int) -> bool:
    """Whether all of a polygon's numbers are such, and not far off the image.

    On others, pycocotools crashes and its kin fill the memory. Fast, as it is
    asked of a million polygons.
    """
    limit = _FAR * max(height, width)
    try:
        return (max(polygon) <= limit and min(polygon) >= -limit
                and isfinite(sum(polygon)))
    except TypeError:
        return False
