"""How large the cells of an annotation file typically are."""
from pathlib import Path
from typing import Iterable, NamedTuple, Optional, Tuple, Union

import msgspec
import numpy as np

from .files import CocoFile


class BoxSizes(NamedTuple):
    """Medians over boxes.

    Attributes:
        length (float): Of the longer sides, in pixels.
        diameter (float): Of the square roots of the areas, in pixels.
        count (int): Boxes.
    """
    length: float
    diameter: float
    count: int


class _Box(msgspec.Struct, gc=False):
    bbox: Tuple[float, float, float, float]
    iscrowd: Union[bool, int] = 0


def measure_boxes(paths: Iterable[Union[str, Path]]) -> Optional[BoxSizes]:
    """Measure the boxes of COCO files.

    Crowds and boxes without area don't count; what else is wrong with a file
    is for who trains on it to say.

    Args:
        paths (Iterable[str or Path]): The files.

    Returns:
        BoxSizes, optional: None if there is no box.

    Raises:
        AnnotationError: If a file is missing or no COCO file.
    """
    sizes = [np.zeros((0, 2))]
    for path in paths:
        for block in CocoFile(path).blocks(_Box):
            sizes.append(np.array(
                [box.bbox[2:] for box in block if not box.iscrowd],
                np.float64).reshape(-1, 2))
    joined = np.concatenate(sizes)
    joined = joined[np.isfinite(joined).all(1) & (joined > 0).all(1)]
    if not len(joined):
        return None
    return BoxSizes(
        float(np.median(joined.max(axis=1))),
        float(np.median(np.sqrt(joined.prod(axis=1)))), len(joined))
