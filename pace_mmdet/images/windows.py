"""Parts of planes that are never read whole: slides, pyramids.

A plane has levels: the full size first, then reduced copies, if the file has
any. A level is stored in blocks (tiles, strips, chunks), each of which is
decoded as a whole; those used last are kept.
"""
import math
import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import Callable, List, Optional, Sequence, Tuple

import numpy as np

from .samples import UPRIGHT, Samples

# Of decoded blocks that are kept, in bytes: a row of a slide's blocks.
_KEPT = 1 << 28
# Pixels from which the intensities of a plane are judged, and the sides of
# the parts that are taken of one that has more.
SAMPLE_PIXELS, _SAMPLE_SIDE = 1 << 25, 512
# A reduced copy may be rounded up or down.
_ROUNDING = 1


@dataclass(frozen=True)
class Level:
    """A plane at one size, as it is stored.

    Attributes:
        size (tuple[int]): Height and width.
        block (tuple[int]): Height and width of its blocks.
        read (Callable): From rows y1, y2 and columns x1, x2 to the samples
            there, shape (y2 - y1, x2 - x1) or with samples as last axis.
            Called with whole blocks only, as far as the level reaches.
    """
    size: Tuple[int, int]
    block: Tuple[int, int]
    read: Callable[[int, int, int, int], np.ndarray]


class PlaneWindows:
    """A plane of which any part can be read, at any of its levels.

    Args:
        levels (Sequence[Level]): The full size first.
        samples (Samples): What a pixel holds, upright.
        channel (int): Which picture of them, below ``num_channels``.
        dtype (dtype): Of what is read.
        colour (int, optional): The only one of RGB that is wanted.
    """

    def __init__(self,
                 levels: Sequence[Level],
                 samples: Samples = Samples(),
                 channel: int = 0,
                 colour: Optional[int] = None) -> None:
        if samples.orientation != UPRIGHT:
            raise ValueError('only upright planes are read in parts')
        self._levels = list(levels)
        self._samples, self._channel = samples, channel
        self.colour = colour
        self._kept: 'OrderedDict[tuple, np.ndarray]' = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    @property
    def shape(self) -> Tuple[int, ...]:
        """Shape of the whole plane, (H, W) or (H, W, 3)."""
        shape = self._samples.shape(*self._levels[0].size)
        return shape if self.colour is None else shape[:2]

    @property
    def levels(self) -> List[Tuple[int, int]]:
        """Height and width of each level."""
        return [level.size for level in self._levels]

    def zoom(self, level: int) -> int:
        """How many pixels of the plane are one of a level; 0 if no number."""
        times = [
            max(round(whole / part), 1)
            for whole, part in zip(self.levels[0], self.levels[level])]
        fits = all(
            abs(whole / times[0] - part) <= _ROUNDING
            for whole, part in zip(self.levels[0], self.levels[level]))
        return times[0] if fits else 0

    def level_for(self, factor: float) -> int:
        """The smallest level that need not be enlarged.

        Args:
            factor (float): By which the plane is to be resized.
        """
        fits = [
            (self.zoom(k), -k) for k in range(len(self._levels))
            if 1 <= self.zoom(k) <= max(1 / factor, 1)]
        return -max(fits)[1]

    def read(self, x1: int, y1: int, x2: int, y2: int,
             level: int = 0) -> np.ndarray:
        """Read a part.

        Args:
            x1, y1, x2, y2 (int): Columns and rows, in pixels of the level
                and inside of it.
            level (int): Which.

        Returns:
            ndarray: Shape (y2 - y1, x2 - x1), with 3 colours as last axis of
            a colour image; the file's own dtype.
        """
        height, width = self._levels[level].block
        first, last = y1 // height, (y2 - 1) // height
        left, right = x1 // width, (x2 - 1) // width
        part: Optional[np.ndarray] = None
        for row in range(first, last + 1):
            for column in range(left, right + 1):
                block = self._block(level, row, column)
                if part is None:
                    part = np.empty((y2 - y1, x2 - x1, *block.shape[2:]),
                                    block.dtype)
                top, start = row * height, column * width
                a, b = max(y1, top), min(y2, top + height)
                c, d = max(x1, start), min(x2, start + width)
                part[a - y1:b - y1, c - x1:d - x1] = block[
                    a - top:b - top, c - start:d - start]
        return part

    def _block(self, level: int, row: int, column: int) -> np.ndarray:
        """A block as pictures are, kept for the next."""
        key = level, row, column
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        whole = self._levels[level]
        y, x = row * whole.block[0], column * whole.block[1]
        block = self._samples.picture(
            whole.read(y, min(y + whole.block[0], whole.size[0]), x,
                       min(x + whole.block[1], whole.size[1])),
            self._channel)
        if self.colour is not None and block.ndim > 2:
            block = np.ascontiguousarray(block[..., self.colour])
        if block.size and (block == block.flat[0]).all():
            # What was not scanned is not to push out what was.
            block = np.broadcast_to(block.flat[0], block.shape)
        with self._lock:
            if key not in self._kept:
                self._kept[key] = block
                self._bytes += _stored(block)
            while self._bytes > _KEPT and len(self._kept) > 1:
                self._bytes -= _stored(self._kept.popitem(last=False)[1])
        return block

    def sample(self, level: int = 0,
               most: Optional[int] = None) -> np.ndarray:
        """Pixels that stand for the plane.

        Args:
            level (int): Of which size.
            most (int, optional): How many; by default
                :data:`SAMPLE_PIXELS`.

        Returns:
            ndarray: The whole level if it has no more; else parts of it,
            evenly spread, one below the other.
        """
        height, width = self.levels[level]
        most = SAMPLE_PIXELS if most is None else most
        if height * width <= most:
            return self.read(0, 0, width, height, level)
        side = min(_SAMPLE_SIDE, height, width)
        count = max(math.isqrt(most // side**2), 1)
        block = self._levels[level].block
        parts = []
        for y in _spread(height, side, count, block[0]):
            for x in _spread(width, side, count, block[1]):
                parts.append(self.read(x, y, x + side, y + side, level))
        return np.concatenate(parts)


def _stored(block: np.ndarray) -> int:
    """Bytes that a block takes."""
    return block.nbytes if any(block.strides) else block.itemsize


def whole_plane(img: np.ndarray) -> PlaneWindows:
    """A plane that is in memory, for files that are not read in parts."""
    return PlaneWindows([_in_memory(img)],
                        Samples('rgb' if img.ndim > 2 else 'grey'))


def _in_memory(img: np.ndarray) -> Level:
    return Level(img.shape[:2], img.shape[:2],
                 lambda y1, y2, x1, x2: img[y1:y2, x1:x2])


def _spread(length: int, side: int, count: int, block: int) -> List[int]:
    """Where parts begin along an axis: with a block, where that fits."""
    count = min(count, length // side)
    starts = np.linspace(0, length - side, count).astype(int)
    if block <= length // count:
        starts = starts // block * block
    return starts.tolist()
