"""Tiles of a large image, and which tile a cell belongs to.

Everything is in pixels of the image. Along one axis, N cells and T tiles.

A cell belongs to the tile in which it is farthest from the tile's inner
borders (those that are not the image's): there the network sees most of its
surroundings. The rule decides by the cell's place alone, so that a cell that
a border cuts is taken from the tile that sees it whole.
"""
import math
from dataclasses import dataclass
from typing import List, Tuple

import numpy as np

LEFT_WHOLE = 1.25
"""An image is left whole up to so many times the side of a tile."""
# Farther from an inner border than anything: there is none.
_NO_BORDER = 1e9


@dataclass(frozen=True)
class Tile:
    """A part of an image: rows y1 to y2 and columns x1 to x2."""
    x1: int
    y1: int
    x2: int
    y2: int

    def cut(self, img: np.ndarray) -> np.ndarray:
        """The part of an image, shape (H, W) or (H, W, C); no copy."""
        return img[self.y1:self.y2, self.x1:self.x2]


@dataclass(frozen=True)
class Layout:
    """Tiles in rows and columns that cover an image.

    Attributes:
        columns (list[tuple[int, int]]): First and last x (the latter not
            included) of each column of tiles.
        rows (list[tuple[int, int]]): The same of y.
    """
    columns: List[Tuple[int, int]]
    rows: List[Tuple[int, int]]

    def tiles(self) -> List[Tile]:
        """The tiles, row by row."""
        return [self.tile(index)
                for index in range(len(self.rows) * len(self.columns))]

    def tile(self, index: int) -> Tile:
        """A tile by its number, row by row."""
        row, column = divmod(int(index), len(self.columns))
        (y1, y2), (x1, x2) = self.rows[row], self.columns[column]
        return Tile(x1, y1, x2, y2)


def plan_tiles(height: int, width: int, size: int, overlap: int,
               step: int = 1) -> Layout:
    """Cover an image with tiles.

    Args:
        height (int): Height of the image.
        width (int): Width of the image.
        size (int): Side of a tile. An image that is larger by no more than
            a quarter is left whole.
        overlap (int): By how much neighbours overlap at least; the largest
            cell must fit in. Less than ``size``.
        step (int): Tiles begin at multiples of it: a network with strides
            then sees a cell alike in every tile.

    Returns:
        Layout: All tiles have the given size, but at the image's right and
        lower end, where they may differ from it by less than ``step``.

    Raises:
        ValueError: If the tiles would not get on.
    """
    if max(height, width) > LEFT_WHOLE * size and not (
            0 <= overlap < size - 2 * step):
        raise ValueError(f'tiles of {size} pixels cannot overlap by '
                         f'{overlap}: make them larger than '
                         f'{overlap + 2 * step}')
    return Layout(
        _cover(width, size, overlap, step), _cover(height, size, overlap,
                                                   step))


def _cover(length: int, size: int, overlap: int,
           step: int) -> List[Tuple[int, int]]:
    """Ranges along one axis."""
    if length <= LEFT_WHOLE * size:
        return [(0, length)]
    count = math.ceil((length - size) / (size - overlap)) + 1
    while True:
        # Spread evenly: the overlaps are then larger than asked for, if
        # moving to multiples of the step does not make them smaller.
        starts = [
            step * round(start / step)
            for start in np.linspace(0, length - size, count)
        ]
        if np.diff(starts).max() <= size - overlap:
            ends = [start + size for start in starts[:-1]] + [length]
            return list(zip(starts, ends))
        count += 1


def clearance(starts: np.ndarray, ends: np.ndarray,
              ranges: List[Tuple[int, int]]) -> np.ndarray:
    """How far cells are from the inner borders of tiles, along one axis.

    Args:
        starts (ndarray): Where each cell's box starts, shape (N, ).
        ends (ndarray): Where it ends, shape (N, ).
        ranges (list[tuple[int, int]]): Of T columns or rows of tiles.

    Returns:
        ndarray: Pixels, negative where a cell reaches beyond; very large
        where a tile has no inner border. float64, shape (N, T).
    """
    first = np.array([r[0] for r in ranges], np.float64)
    last = np.array([r[1] for r in ranges], np.float64)
    before = starts[:, None] - first
    after = last - ends[:, None]
    before[:, 0] = _NO_BORDER
    after[:, -1] = _NO_BORDER
    return np.minimum(before, after)
