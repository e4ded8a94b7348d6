"""The tiles of a slide: read as they are needed, segmented, measured."""
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import (Any, Callable, Iterable, Iterator, List, NamedTuple,
                    Optional, Tuple)

import numpy as np

from pace_mmdet.images.intensities import Scaling
from pace_mmdet.images.windows import PlaneWindows

from .cells import Cells, no_cells
from .merging import belonging
from .segmenter import Segmenter
from .stitching import Measured
from .tiling import Layout
from .writers.measurements import intensities_of


@dataclass(frozen=True)
class SlidePlan:
    """How a slide is segmented.

    Attributes:
        level (int): The level of its pyramid that is read.
        zoom (int): How many pixels of the slide are one of the level.
        factor (float): By how much the level's tiles are resized.
        parts (Layout): The tiles, in pixels of the level.
        layout (Layout): The same in pixels of the slide.
        scaling (Scaling): Of the intensities, by the level or a sample of it.
    """
    level: int
    zoom: int
    factor: float
    parts: Layout
    layout: Layout
    scaling: Scaling


def plan_slide(segmenter: Segmenter,
               windows: PlaneWindows) -> Tuple[SlidePlan, np.ndarray]:
    """Choose a level and cut it into tiles.

    Args:
        segmenter (Segmenter): The model.
        windows (PlaneWindows): The slide.

    Returns:
        tuple[SlidePlan, ndarray]: And the pixels that the intensities were
        judged by.

    Raises:
        ValueError: If the intensities cannot be normalised.
    """
    height, width = windows.levels[0]
    factor = segmenter.preparation.factor(height, width)
    level = windows.level_for(factor)
    zoom = windows.zoom(level)
    factor, parts = segmenter.plan(*windows.levels[level], factor * zoom)
    sample = windows.sample(level)
    return SlidePlan(
        level, zoom, factor, parts,
        Layout(_enlarged(parts.columns, zoom, width),
               _enlarged(parts.rows, zoom, height)),
        segmenter.preparation.scaling(sample)), sample


def _enlarged(ranges: List[Tuple[int, int]], zoom: int,
              length: int) -> List[Tuple[int, int]]:
    found = [(start * zoom, end * zoom) for start, end in ranges]
    # The level may be rounded up or down.
    return found[:-1] + [(found[-1][0], length)]


class Part(NamedTuple):
    """The pixels of a tile.

    Attributes:
        img (ndarray): As the network gets them; None if all are alike, and
            nothing can be there.
        values (ndarray): As they are in the file.
    """
    img: Optional[np.ndarray]
    values: np.ndarray


class TileFinder:
    """Finds the cells of tiles.

    Args:
        segmenter (Segmenter): The model.
        windows (PlaneWindows): The slide.
        plan (SlidePlan): Of it.
    """

    def __init__(self, segmenter: Segmenter, windows: PlaneWindows,
                 plan: SlidePlan) -> None:
        self._segmenter, self._windows, self._plan = segmenter, windows, plan

    def groups(self) -> List[List[int]]:
        """Tiles that go through the network at once: a row's, of one size.

        They are the same whoever runs them, so that each gives the same.
        """
        layout = self._plan.parts
        groups: List[List[int]] = []
        columns = len(layout.columns)
        for first in range(0, columns * len(layout.rows), columns):
            size = None
            for index, (x1, x2) in enumerate(layout.columns, first):
                if x2 - x1 != size or len(groups[-1]) == \
                        self._segmenter.batch_size:
                    groups.append([])
                groups[-1].append(index)
                size = x2 - x1
        return groups

    def read(self, index: int) -> Part:
        """Read a tile."""
        plan, tile = self._plan, self._plan.parts.tile(index)
        height, width = self._windows.levels[plan.level]
        margin = plan.scaling.margin
        x1, y1 = max(tile.x1 - margin, 0), max(tile.y1 - margin, 0)
        wide = self._windows.read(x1, y1, min(tile.x2 + margin, width),
                                  min(tile.y2 + margin, height), plan.level)
        inside = (slice(tile.y1 - y1, tile.y2 - y1),
                  slice(tile.x1 - x1, tile.x2 - x1))
        if (wide == wide.flat[0]).all():
            return Part(None, wide[inside])
        img = plan.scaling.apply(wide, self._segmenter.preparation.dtype)
        return Part(img[inside], wide[inside])

    def find(self, group: List[int],
             parts: List[Part]) -> List[Tuple[Measured, bool]]:
        """Find the cells of some tiles, in one batch.

        Args:
            group (list[int]): Numbers of the tiles.
            parts (list[Part]): Their pixels.

        Returns:
            list[tuple[Measured, bool]]: Of each tile, the cells that belong
            to it, in pixels of the slide, with the mean and the sum of their
            intensities; and whether the model gave as many as it can.
        """
        plan, detector = self._plan, self._segmenter.detector
        images = [part.img for part in parts if part.img is not None]
        found: List[Cells] = []
        if images:
            found = (detector(images, plan.factor) if plan.zoom == 1 else
                     detector(images, plan.factor, plan.zoom))
        limit = getattr(detector, 'limit', None)
        rest = iter(found)
        return [
            self._of_tile(index, part.values,
                          None if part.img is None else next(rest), limit)
            for index, part in zip(group, parts)
        ]

    def _of_tile(self, index: int, values: np.ndarray,
                 cells: Optional[Cells],
                 limit: Optional[int]) -> Tuple[Measured, bool]:
        height, width = self._windows.levels[0]
        if cells is None:
            return Measured(no_cells(height, width), np.zeros((0, 2))), False
        full = limit is not None and len(cells) >= limit
        tile = self._plan.layout.tile(index)
        cells = cells[cells.scores >= self._segmenter.score_thr].shifted(
            tile.x1, tile.y1, height, width).clipped()
        owned, _ = belonging(cells, index, self._plan.layout)
        cells = cells[owned]
        return Measured(cells, intensities_of(
            cells, values, (tile.x1, tile.y1), self._plan.zoom)), full

    def measure(self, cells: Cells) -> np.ndarray:
        """Mean and sum of the intensities of cells anywhere, (N, 2)."""
        zoom, level = self._plan.zoom, self._plan.level
        height, width = self._windows.levels[level]
        found = [np.zeros((0, 2))]
        for row, (x1, y1, x2, y2) in enumerate(cells.mask_boxes.tolist()):
            left, top = min(x1 // zoom, width - 1), min(y1 // zoom,
                                                        height - 1)
            values = self._windows.read(
                left, top, min(max(-(-x2 // zoom), left + 1), width),
                min(max(-(-y2 // zoom), top + 1), height), level)
            found.append(intensities_of(cells[[row]], values,
                                        (left * zoom, top * zoom), zoom))
        return np.concatenate(found)


def read_ahead(read: Callable[[Any], Any], items: Iterable[Any],
               threads: int) -> Iterator[Tuple[Any, Any]]:
    """Read while what was read is worked on.

    Args:
        read (Callable): From an item to what is read.
        items (Iterable): Taken as they are needed.
        threads (int): How many are read at once.

    Yields:
        tuple: Each item, and what was read, in order.
    """
    waiting: deque = deque()
    with ThreadPoolExecutor(threads) as pool:
        for item in items:
            waiting.append((item, pool.submit(read, item)))
            if len(waiting) > threads:
                first, future = waiting.popleft()
                yield first, future.result()
        while waiting:
            first, future = waiting.popleft()
            yield first, future.result()
