"""A detector without a network, for tests and benchmarks."""
from typing import List, Sequence

import numpy as np
from scipy import ndimage

from .cells import Cells


class ThresholdDetector:
    """Takes each connected bright part of a tile for a cell.

    What it finds is known exactly, so that everything around a network can
    be tested and measured with it.

    Args:
        threshold (float): A pixel above it is bright.
    """

    classes = ('cell', )
    step = 1

    def __init__(self, threshold: float = 128) -> None:
        self.threshold = threshold

    @property
    def identity(self) -> str:
        """Tells it from other detectors."""
        return f'threshold {self.threshold:g}'

    def __call__(self, tiles: Sequence[np.ndarray], factor: float,
                 zoom: int = 1) -> List[Cells]:
        """Find the cells of some tiles; as of ``NetworkDetector``.

        The larger of two cells scores more.
        """
        if zoom > 1:
            tiles = [tile.repeat(zoom, 0).repeat(zoom, 1) for tile in tiles]
        return [self._cells(tile) for tile in tiles]

    def _cells(self, tile: np.ndarray) -> Cells:
        bright = tile if tile.ndim == 2 else tile.mean(axis=2)
        numbers, count = ndimage.label(bright > self.threshold)
        places = ndimage.find_objects(numbers)
        crops = [numbers[place] == number
                 for number, place in enumerate(places, 1)]
        boxes = np.array([(x.start, y.start, x.stop, y.stop)
                          for y, x in places], np.int64).reshape(-1, 4)
        areas = np.array([crop.sum() for crop in crops]).reshape(-1)
        return Cells(*tile.shape[:2], boxes.astype(np.float64),
                     areas / (areas + 10.0), np.zeros(count, np.int64),
                     boxes[:, :2], crops)
