"""Which parts of an image are fully annotated.

An entry of a COCO file's ``images`` may hold ``complete``: true (the
default), false, or boxes [[x, y, width, height], ...] in continuous pixels of
the image (pixel i covers i to i + 1) in which every cell is annotated. What
is known of a region holds for the pixels whose centres lie in it.

Letters in the shapes: N cells, K regions.
"""
import sys
from typing import Any, Iterable, List, Optional

import numpy as np

from pace_mmdet.errors import Faults

_FORM = 'expected true, false, or a list of boxes [x, y, width, height]'


def complete_regions(complete: Any, height: int,
                     width: int) -> Optional[np.ndarray]:
    """The parts of an image that are fully annotated.

    Args:
        complete (Any): What its entry says, checked.
        height (int): Height of the image in pixels.
        width (int): Width of the image in pixels.

    Returns:
        ndarray, optional: Whole pixels x1, y1, x2, y2, the last ones not
        included; int64, shape (K, 4). None if all of it is.
    """
    if complete is True:
        return None
    if complete is False:
        return np.zeros((0, 4), np.int64)
    boxes = np.array(complete, np.float64).reshape(-1, 4)
    boxes[:, 2:] += boxes[:, :2]
    regions = _pixels(boxes, height, width)
    return regions[(regions[:, 2:] > regions[:, :2]).all(1)]


def cut_off(bboxes: np.ndarray, regions: np.ndarray, height: int,
            width: int) -> np.ndarray:
    """Which cells reach out of what is fully annotated.

    Args:
        bboxes (ndarray): x1, y1, x2, y2 in continuous pixels, shape (N, 4).
        regions (ndarray): As of :func:`complete_regions`.
        height (int): Height of the image in pixels.
        width (int): Width of the image in pixels.

    Returns:
        ndarray: Whether a pixel of the cell's box lies in no region; bool,
        shape (N, ). What reaches out of the image doesn't count.
    """
    bboxes = np.asarray(bboxes, np.float64).reshape(-1, 4)
    pixels = _pixels(bboxes, height, width)
    # A box between the centres of pixels has the one that it is on.
    middle = (bboxes[:, :2] + bboxes[:, 2:]) / 2
    low = np.floor(middle).clip(0, [width - 1, height - 1]).astype(np.int64)
    thin = pixels[:, 2:] <= pixels[:, :2]
    pixels[:, :2] = np.where(thin, low, pixels[:, :2])
    pixels[:, 2:] = np.where(thin, low + 1, pixels[:, 2:])
    # The regions' borders divide the image into a grid.
    columns, rows = np.unique(regions[:, 0::2]), np.unique(regions[:, 1::2])
    inside = np.zeros((max(len(rows) - 1, 0), max(len(columns) - 1, 0)))
    for x1, y1, x2, y2 in regions:
        inside[np.searchsorted(rows, y1):np.searchsorted(rows, y2),
               np.searchsorted(columns, x1):np.searchsorted(columns, x2)] = 1
    found = (_shared(pixels[:, 1::2], rows) @ inside *
             _shared(pixels[:, 0::2], columns)).sum(1)
    return found < (pixels[:, 2:] - pixels[:, :2]).prod(1)


def centers_within(bboxes: np.ndarray, regions: np.ndarray) -> np.ndarray:
    """Which boxes have their middle in a region.

    Args:
        bboxes (ndarray): x, y, width, height in pixels, shape (N, 4).
        regions (ndarray): As of :func:`complete_regions`.

    Returns:
        ndarray: bool, shape (N, ).
    """
    middle = (bboxes[:, :2] + bboxes[:, 2:] / 2)[:, None]
    return ((middle >= regions[:, :2]) & (middle < regions[:, 2:])).all(
        -1).any(1)


def note_faults(images: Iterable[Any], faults: Faults) -> None:
    """Note what is wrong with the ``complete`` of images.

    Args:
        images (Iterable[ImageEntry]): A file's.
        faults (Faults): Where to note it.
    """
    for image in images:
        for fault in _faults_of(image.complete, image.height, image.width):
            faults.add(f'image {image.id} ({image.file_name}): "complete": '
                       f'{fault}')


def _faults_of(complete: Any, height: int, width: int) -> List[str]:
    if isinstance(complete, bool):
        return []
    if not isinstance(complete, list):
        return [f'{_FORM}, got {_excerpt(complete)}']
    found = []
    for box in complete:
        if not is_box(box):
            found.append(f'{_FORM}; got the box {_excerpt(box)}')
        elif min(box[2:]) <= 0:
            found.append(f'the box {box} (x, y, width, height), expected a '
                         'width and height above 0')
        elif not len(complete_regions([box], height, width)):
            found.append(f'the box {box} (x, y, width, height) holds no pixel '
                         f'of its image of {width} x {height} pixels (width x '
                         'height)')
    return found


def is_box(bbox: Any) -> bool:
    """Whether a bbox is four finite numbers."""
    return (isinstance(bbox, (list, tuple)) and len(bbox) == 4
            and all(isinstance(side, (int, float)) for side in bbox)
            and all(abs(side) <= sys.float_info.max for side in bbox))


def _excerpt(value: Any) -> str:
    text = repr(value)
    return text if len(text) < 60 else f'{text[:60]} ...'


def _shared(spans: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """How much of each step between edges lies in each span (N, 2)."""
    low = np.maximum(spans[:, :1], edges[:-1])
    high = np.minimum(spans[:, 1:], edges[1:])
    return (high - low).clip(0).astype(np.float64)


def _pixels(boxes: np.ndarray, height: int, width: int) -> np.ndarray:
    """Pixels whose centres lie in boxes (x1, y1, x2, y2), as such."""
    limits = np.array([width, height] * 2)
    return np.ceil(boxes - 0.5).clip(0, limits).astype(np.int64)
