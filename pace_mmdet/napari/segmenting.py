"""Running a model on the pixels of a layer."""
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Callable, Dict, List, Sequence, Tuple

import numpy as np

if TYPE_CHECKING:  # PyTorch takes seconds to import
    from pace_mmdet.inference.segmenter import Segmenter


class Stopped(Exception):
    """The user said so."""


@dataclass
class Found:
    """The cells of a layer.

    Attributes:
        labels (ndarray): 0 is background; the cells of all planes are
            numbered on, so that each has a row of the features. int32, of the
            layer's shape without colours.
        features (dict): ``index`` (the cell's number), ``score`` and ``area``
            in pixels, a list each.
        warnings (list[str]): What the user should know.
    """
    labels: np.ndarray
    features: Dict[str, List[Any]] = field(
        default_factory=lambda: dict(index=[], score=[], area=[]))
    warnings: List[str] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.features['index'])


def planes_of(data: Any, rgb: bool) -> Tuple[Tuple[int, ...],
                                             Tuple[int, int]]:
    """Lengths of the axes of a layer's stack, and (H, W) of a plane.

    Args:
        data (array): Of an image layer.
        rgb (bool): Whether its last axis are colours.
    """
    shape = tuple(map(int, data.shape[:-1] if rgb else data.shape))
    return shape[:-2], shape[-2:]


def segment_planes(
    segmenter: 'Segmenter',
    data: Any,
    rgb: bool,
    places: Sequence[Tuple[int, ...]],
    on_tile: Callable[[int, int, int], None] = lambda *_: None
) -> Found:
    """Find the cells of some planes of a layer.

    Args:
        segmenter (Segmenter): The model.
        data (array): Of an image layer; anything that NumPy makes arrays of
            when a plane is taken of it.
        rgb (bool): Whether its last axis are colours.
        places (Sequence[tuple[int]]): Which planes, by their place in the
            stack; [()] for a single plane.
        on_tile (Callable): Called with the number of the plane in ``places``,
            its tiles that are done and their number. What it raises ends it.

    Raises:
        ValueError: If the pixels cannot be normalised.
    """
    stack, plane = planes_of(data, rgb)
    found = Found(np.zeros((*stack, *plane), np.int32))
    # Without alpha.
    colours = np.s_[..., :3] if rgb else np.s_[...]
    images = ((number, segmenter.preparation.intensities(
        np.asarray(data[place])[colours]))
        for number, place in enumerate(places))
    for number, segmented in segmenter.stream(images, on_tile):
        cells, before = segmented.cells, len(found)
        labels = cells.label_image(np.int32)
        labels[labels > 0] += before
        found.labels[places[number]] = labels
        found.features['index'] += range(before + 1, before + 1 + len(cells))
        found.features['score'] += cells.scores.tolist()
        found.features['area'] += cells.areas.tolist()
        if segmented.full_tiles:
            found.warnings.append(
                f'plane {number}: {segmented.full_tiles} tiles have as many '
                'cells as the model gives at most, some may be missing')
    return found
