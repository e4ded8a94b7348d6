"""The segmentations of COCO files: which of them are masks.

One set of rules for all that reads masks it has not made. pycocotools and its
kin trust their input: a run-length code that is cut off corrupts the memory,
one that does not fill its image never ends, and polygons far off the image
fill the memory. So codes are decoded here before anything else sees them.

- A polygon of fewer than three points encloses nothing and is left out;
  published files hold such parts beside whole ones (pycocotools reads two
  points as a box). A cell of which nothing is left has no mask.
- Every other polygon has an x and a y for each point, finite and not far off
  the image.
- A run-length code is of the image's size, whole, and fills it.
"""
from math import isfinite
from typing import Any, Dict, Iterable, List, Sequence, Tuple

import numpy as np
from pycocotools import mask as mask_utils

from .codes import empty_counts, find_broken
from .run_lengths import encode_counts

# How far off a polygon may lie: times the longer side of the image.
_FAR = 10

NO_MASK = 'no mask'
NOT_KNOWN = 'neither polygons nor a run-length code'
NOT_POINTS = 'polygon that is not a list x0, y0, x1, y1, ...'
NOT_NEAR = ('polygon with coordinates that are no numbers or far outside the '
            'image')
NO_CODE = 'run-length code without counts or of another size'
NOT_FILLING = ('run-length code that is cut off or does not fill its image')
TOO_LARGE = 'image of 2**32 pixels or more, too large for run-length codes'


def read_masks(segmentations: Sequence[Any],
               height: int,
               width: int,
               rasterize: bool = True) -> Tuple[List[bytes], Dict[int, str]]:
    """Read the masks of one image in any form COCO knows.

    Args:
        segmentations (Sequence): N masks: polygons ``[[x0, y0, x1, y1, ...],
            ...]`` in continuous image pixels, or run-length codes ``{'size':
            [height, width], 'counts': list | str | bytes}``.
        height (int): Height of the image in pixels.
        width (int): Width of the image in pixels.
        rasterize (bool): Whether codes of polygons are made. Checking them
            alone takes a quarter of the time.

    Returns:
        tuple: N compressed run-length counts, and what is wrong with those
        that are none: index to fault, the same text for the same fault.
        These are empty masks; polygons that aren't made are empty bytes.
    """
    if height * width >= 2**32:
        return [b''] * len(segmentations), dict.fromkeys(
            range(len(segmentations)), TOO_LARGE)
    counts: List[bytes] = []
    faults: Dict[int, str] = {}
    coded = []
    for row, segmentation in enumerate(segmentations):
        try:
            if segmentation and isinstance(segmentation, dict):
                counts.append(_counts_of_code(segmentation, height, width))
                coded.append(row)
            else:
                counts.append(
                    _counts_of_polygons(segmentation, height, width,
                                        rasterize))
        except ValueError as error:
            counts.append(empty_counts(height, width))
            faults[row] = str(error)
    for place in find_broken([counts[row] for row in coded], height, width):
        counts[coded[place]] = empty_counts(height, width)
        faults[coded[place]] = NOT_FILLING
    return counts, faults


def to_counts(segmentations: Sequence[Any], height: int,
              width: int) -> List[bytes]:
    """As :func:`read_masks` where every mask must be one.

    Raises:
        ValueError: If one is not; names the first.
    """
    counts, faults = read_masks(segmentations, height, width)
    for row in sorted(faults):
        raise ValueError(
            f'mask {row} on an image of {width} x {height} pixels: '
            f'{faults[row]}: {excerpt(segmentations[row])}')
    return counts


def whole_polygons(polygons: Iterable[Any]) -> List[Sequence[float]]:
    """Leave out polygons of fewer than three points.

    Raises:
        ValueError: If one is no list of as many x as y.
    """
    whole = []
    for polygon in polygons:
        if (not isinstance(polygon, (list, tuple, np.ndarray))
                or len(polygon) % 2
                or len(polygon) and isinstance(polygon[0], (list, tuple))):
            raise ValueError(NOT_POINTS)
        if len(polygon) >= 6:
            whole.append(polygon)
    return whole


def excerpt(segmentation: Any) -> str:
    """A segmentation as far as a message shows it."""
    text = repr(segmentation)
    return text if len(text) <= 60 else f'{text[:57]}...'


def _counts_of_polygons(segmentation: Any, height: int, width: int,
                        rasterize: bool) -> bytes:
    if not isinstance(segmentation, (list, tuple, dict, type(None))):
        raise ValueError(NOT_KNOWN)
    parts = whole_polygons(segmentation or ())
    if not parts:
        raise ValueError(NO_MASK)
    if not all(_is_near(part, height, width) for part in parts):
        raise ValueError(NOT_NEAR)
    if not rasterize:
        return b''
    rles = mask_utils.frPyObjects(
        [list(map(float, part)) for part in parts], height, width)
    return (rles[0] if len(rles) == 1 else mask_utils.merge(rles))['counts']


def _is_near(polygon: Sequence[float], height: int, width: int) -> bool:
    """Whether all are numbers and near; fast, for a million polygons."""
    limit = _FAR * max(height, width)
    try:
        return (max(polygon) <= limit and min(polygon) >= -limit
                and isfinite(sum(polygon)))
    except (TypeError, ValueError):  # no numbers, or arrays of them
        return False


def _counts_of_code(code: dict, height: int, width: int) -> bytes:
    size, counts = code.get('size'), code.get('counts')
    if (not isinstance(size, (list, tuple)) or list(size) != [height, width]
            or not isinstance(counts, (str, bytes, list)) or not counts):
        raise ValueError(NO_CODE)
    if isinstance(counts, bytes):
        return counts
    if isinstance(counts, str):
        if not counts.isascii():
            raise ValueError(NOT_FILLING)
        return counts.encode('ascii')
    if (not all(isinstance(run, int) and run >= 0 for run in counts)
            or sum(counts) != height * width):
        raise ValueError(NOT_FILLING)
    return encode_counts(counts, [len(counts)])[0]
