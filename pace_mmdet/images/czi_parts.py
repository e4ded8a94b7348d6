"""Parts of the planes of a CZI, from the sub-blocks that lie there.

A slide scanner's file holds tens of thousands of them, and czifile reads
them all at once only.
"""
import functools
import threading
from typing import Any, Sequence, Tuple

import numpy as np

# Decoded sub-blocks that are kept: a part may end within one.
_KEPT = 8


class CziParts:
    """Reads parts of planes.

    Args:
        czi (CziFile): The open file.

    Attributes:
        block (tuple[int]): Height and width of the largest sub-block.
    """

    def __init__(self, czi: Any) -> None:
        self._shape, self._dtype = czi.shape, np.dtype(czi.dtype)
        entries = czi.filtered_subblock_directory
        # Reduced copies, if the file tells them from the full size only by
        # what they store.
        self._entries = [entry for entry in entries if
                         entry.stored_shape == entry.shape] or entries
        self._first = np.array(
            [entry.start for entry in self._entries]) - czi.start
        self._last = self._first + [entry.shape for entry in self._entries]
        self._rows, self._columns = map(czi.axes.index, 'YX')
        largest = (self._last - self._first).max(axis=0)
        self.block = int(largest[self._rows]), int(largest[self._columns])
        self._lock = threading.Lock()
        self._decoded = functools.lru_cache(_KEPT)(
            lambda number: self._entries[number].data_segment().data())

    def read(self, place: Sequence[int], y1: int, y2: int, x1: int,
             x2: int) -> np.ndarray:
        """Read a part; what no sub-block covers is 0.

        Args:
            place (Sequence[int]): Index along each of the file's axes; those
                of rows, columns and samples don't count.
            y1, y2, x1, x2 (int): Rows and columns.

        Returns:
            ndarray: Shape (y2 - y1, x2 - x1, S).
        """
        low = np.array([*place[:len(self._shape) - 1], 0])
        high = low + 1
        low[[self._rows, self._columns]] = y1, x1
        high[[self._rows, self._columns]] = y2, x2
        high[-1] = self._shape[-1]
        part = np.zeros(high - low, self._dtype)
        for number in np.flatnonzero(((self._first < high) &
                                      (self._last > low)).all(axis=1)):
            first, last = self._first[number], self._last[number]
            a, b = np.maximum(low, first), np.minimum(high, last)
            with self._lock:
                pixels = self._decoded(int(number))
            part[_slices(a - low, b - low)] = pixels[
                _slices(a - first, b - first)]
        order = [self._rows, self._columns, part.ndim - 1]
        rest = [axis for axis in range(part.ndim) if axis not in order]
        return part.transpose(rest + order).reshape(
            y2 - y1, x2 - x1, part.shape[-1])


def _slices(starts: np.ndarray, ends: np.ndarray) -> Tuple[slice, ...]:
    return tuple(map(slice, starts, ends))
