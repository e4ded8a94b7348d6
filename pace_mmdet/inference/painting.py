"""Label images in blocks, at any level of a pyramid, from cells alone.

A pixel of a reduced level is the one of every 2nd, 4th, ... row and column of
the full size. So no level needs another one, and blocks are made in any order
and by any process.
"""
import math
from dataclasses import dataclass
from typing import Callable, Dict, Iterator, List, Sequence, Tuple

import numpy as np

from .cells import Cells

BLOCK = 1024


@dataclass(frozen=True)
class Band:
    """Cells that follow one another in reading order.

    Attributes:
        first (int): How many cells come before.
        top (int): Row where the first begins.
        bottom (int): Row where the last ends.
        read (Callable): Gives them.
    """
    first: int
    top: int
    bottom: int
    read: Callable[[], Cells]


@dataclass(frozen=True)
class LabelPlane:
    """The label image of a plane.

    Attributes:
        height (int): In pixels.
        width (int): In pixels.
        scores (ndarray): Of its N cells in reading order, shape (N, ).
        bands (Sequence[Band]): The cells.
    """
    height: int
    width: int
    scores: np.ndarray
    bands: Sequence[Band]

    @classmethod
    def of(cls, cells: Cells) -> 'LabelPlane':
        """Of cells that are in memory, in bands of their own."""
        ends = cells.mask_boxes
        bands = []
        for first in range(0, len(cells), _BAND):
            rows = slice(first, first + _BAND)
            bands.append(Band(first, ends[rows, 1].min(), ends[rows, 3].max(),
                              lambda rows=rows: cells[rows]))
        return cls(cells.height, cells.width, cells.scores, bands)

    def blocks(self, level: int, row: int, dtype: np.dtype
               ) -> Dict[int, np.ndarray]:
        """A row of blocks of :data:`BLOCK` x :data:`BLOCK` pixels.

        Where cells overlap, the pixel is the better scoring one's (the first
        one's, if they score alike), as of ``Cells.label_image``.

        Args:
            level (int): 0 is the full size, 1 half of it, and so on.
            row (int): Which, from the top.
            dtype (dtype): An unsigned type that holds the number of cells.

        Returns:
            dict[int, ndarray]: By the column, those that hold any cell.
            Smaller at the right and the lower end.
        """
        step, (height, width) = 2**level, self.size(level)
        y1, y2 = row * BLOCK, min((row + 1) * BLOCK, height)
        blocks: Dict[int, np.ndarray] = {}
        for band in self.bands:
            if band.top < y2 * step and band.bottom > y1 * step:
                cells = band.read()
                for number, column, place, part in _parts(
                        cells, band.first, y1, y2, step):
                    if column not in blocks:
                        blocks[column] = np.zeros(
                            (y2 - y1, min(width - column * BLOCK, BLOCK)),
                            dtype)
                    self._set(blocks[column][place], part, number)
        return blocks

    def size(self, level: int) -> Tuple[int, int]:
        """Height and width of a level."""
        return -(-self.height // 2**level), -(-self.width // 2**level)

    @property
    def sizes(self) -> List[Tuple[int, int]]:
        """Those of all levels, down to one of a single block."""
        longest = max(self.height, self.width, BLOCK)
        return [self.size(level) for level in range(
            1 + math.ceil(math.log2(longest / BLOCK)))]

    def _set(self, view: np.ndarray, part: np.ndarray, number: int) -> None:
        before = view[part]
        if before.any():
            mine = self.scores[number - 1]
            theirs = self.scores[before.astype(np.int64) - 1]
            above = (before == 0) | (theirs < mine) | (
                (theirs == mine) & (before > number))
            view[part] = np.where(above, number, before)
        else:
            view[part] = number


# Cells of a band that is in memory already.
_BAND = 4096


def _parts(cells: Cells, first: int, y1: int, y2: int, step: int
           ) -> Iterator[Tuple[int, int, tuple, np.ndarray]]:
    """What of cells lies in a row of blocks.

    Yields:
        tuple: A cell's number, the column of the block, its place there and
        its mask there.
    """
    boxes = cells.mask_boxes
    tops, ends = -(-boxes[:, 1::2].T // step)
    lefts, rights = -(-boxes[:, ::2].T // step)
    tops, ends = np.maximum(tops, y1), np.minimum(ends, y2)
    inside = np.flatnonzero((tops < ends) & (lefts < rights))
    for row in inside.tolist():
        x, y = cells.corners[row].tolist()
        top, end = int(tops[row]), int(ends[row])
        left, right = int(lefts[row]), int(rights[row])
        mask = cells.crops[row][top * step - y:(end - 1) * step - y + 1:step,
                                left * step - x::step]
        for column in range(left // BLOCK, (right - 1) // BLOCK + 1):
            start = column * BLOCK
            a, b = max(left, start), min(right, start + BLOCK)
            yield (first + row + 1, column,
                   (slice(top - y1, end - y1), slice(a - start, b - start)),
                   mask[:, a - left:b - left])
