"""Images for the page: in tiles, at several sizes, between two intensities.

Level 0 is the image itself; each further level is half as wide and high,
averaged, down to a level of a single tile. They keep the image's own type:
which intensities become black and white is said for each tile.
"""
import threading
from collections import OrderedDict
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Callable, List, NamedTuple, Optional, Sequence, Tuple

import cv2
import numpy as np

from pace_mmdet.errors import ImageFileError
from pace_mmdet.images.intensities import (Intensities, check_values,
                                           percentile_range, to_uint8)

from .errors import ChangeRefused, NotFound

TILE = 512
_CACHE_BYTES = 400e6
# An image that takes a second or more: the others do not wait for it.
_LARGE = 2**23
# Pixels that are looked at to find a range of what is in view.
_LOOKED_AT = 2**20
# The least compression: the page is on the same machine or network.
_PNG = (cv2.IMWRITE_PNG_COMPRESSION, 1)
# OpenCV averages these; others become float32.
_AVERAGED = ('uint8', 'uint16', 'int16', 'float32')

Window = Tuple[float, float]


def num_levels(width: int, height: int) -> int:
    """How many levels an image has."""
    return 1 + max(0, int(np.ceil(np.log2(max(width, height) / TILE))))


class Pyramid(NamedTuple):
    """An image at several sizes.

    Attributes:
        levels (list[ndarray]): Level 0 first; level k is ceil(W / 2**k) wide.
        window (tuple[float]): What becomes black and white by default.
        extent (tuple[float]): The least and the greatest intensity.
    """
    levels: List[np.ndarray]
    window: Window
    extent: Window

    @property
    def nbytes(self) -> int:
        """Memory that it takes."""
        return sum(level.nbytes for level in self.levels)

    def tile(self, level: int, column: int, row: int,
             window: Optional[Window] = None) -> bytes:
        """A tile as a PNG file of 8 bits.

        Args:
            level (int): Which size.
            column (int): From 0.
            row (int): From 0.
            window (tuple[float], optional): What becomes black and white.

        Raises:
            NotFound: If there is no such tile.
            ChangeRefused: If the window is empty.
        """
        if not 0 <= level < len(self.levels):
            raise NotFound('no such level')
        return encode_tile(self.levels[level], column, row,
                           window or self.window)

    def window_of(self, place: Sequence[float],
                  low: float, high: float) -> Window:
        """Black and white for a part of the image.

        Args:
            place (Sequence[float]): x, y, width, height in image pixels.
            low (float): Percentile that becomes black.
            high (float): Percentile that becomes white.
        """
        height, width = self.levels[0].shape[:2]
        x1, y1 = (int(np.clip(side, 0, most - 1)) for side, most in zip(
            place[:2], (width, height)))
        x2, y2 = (int(np.clip(np.ceil(start + side), least + 1, most))
                  for start, side, least, most in zip(
                      place[:2], place[2:], (x1, y1), (width, height)))
        # Every n-th pixel: averages would hide how bright the brightest are.
        step = int(np.ceil(np.sqrt((x2 - x1) * (y2 - y1) / _LOOKED_AT)))
        bottom, top = percentile_range(
            np.ascontiguousarray(self.levels[0][y1:y2:step, x1:x2:step]),
            low, high)
        return float(bottom), float(top)


def make_pyramid(img: np.ndarray,
                 intensities: Intensities = Intensities()) -> Pyramid:
    """All levels of an image.

    Args:
        img (ndarray): As read, (H, W) or RGB (H, W, 3); any type that
            :func:`~pace_mmdet.images.intensities.to_uint8` takes.
        intensities (Intensities): As there; says what is black and white.

    Raises:
        ValueError: If it cannot be shown so.
    """
    check_values(img)
    mode, low, high = intensities
    if mode in ('percentile', 'range'):
        window = (low, high) if mode == 'range' else percentile_range(
            img, low, high)
    else:
        img, window = to_uint8(img, *intensities), (0., 255.)
    if img.dtype == np.bool_:
        img = img.astype(np.uint8)
    elif img.dtype.name not in _AVERAGED:
        img = img.astype(np.float32)
    known = img[np.isfinite(img)] if img.dtype.kind == 'f' else img
    extent = float(known.min()), float(known.max())
    levels = [img]
    for _ in range(1, num_levels(img.shape[1], img.shape[0])):
        height, width = levels[-1].shape[:2]
        padding = [(0, height % 2), (0, width % 2)] + [(0, 0)] * (img.ndim - 2)
        even = np.pad(levels[-1], padding, mode='edge')
        levels.append(
            cv2.resize(even, None, fx=0.5, fy=0.5,
                       interpolation=cv2.INTER_AREA))
    return Pyramid(levels, (float(window[0]), float(window[1])), extent)


def encode_tile(level: np.ndarray, column: int, row: int,
                window: Window) -> bytes:
    """One tile of a level as a PNG file.

    Raises:
        NotFound: If it lies outside.
        ChangeRefused: If the window is empty.
    """
    part = level[row * TILE:(row + 1) * TILE, column * TILE:(column + 1) *
                 TILE] if min(row, column) >= 0 else level[:0]
    if not part.size:
        raise NotFound('no such tile')
    low, high = window
    if not np.isfinite([low, high]).all() or high < low:
        raise ChangeRefused(f'no range of intensities: {low:g} to {high:g}')
    if part.dtype != np.uint8 or (low, high) != (0, 255):
        # An image of a single value is black.
        part = (to_uint8(part, 'range', low, high) if high > low else
                np.zeros(part.shape, np.uint8))
    # OpenCV writes colours as BGR.
    part = part if part.ndim == 2 else part[..., ::-1]
    return cv2.imencode('.png', np.ascontiguousarray(part), _PNG)[1].tobytes()


class PyramidCache:
    """The pyramids of the images last looked at, within bounded memory.

    Usable from several threads; an image that two ask for is read once.

    Args:
        read (Callable): Gives an image by its key.
        max_bytes (float): Pyramids are dropped above it, oldest first.
        intensities (Intensities): As of :func:`make_pyramid`.
    """

    def __init__(self,
                 read: Callable[[Tuple], np.ndarray],
                 max_bytes: float = _CACHE_BYTES,
                 intensities: Intensities = Intensities()) -> None:
        self._read = read
        self._max_bytes = max_bytes
        self._intensities = intensities
        self._pyramids: OrderedDict = OrderedDict()
        self._lock = threading.Lock()
        # Two large images at once would need twice the memory.
        self._workers = {
            is_large: ThreadPoolExecutor(1, f'pyramids-{is_large}')
            for is_large in (False, True)
        }

    def get(self, key: Tuple, num_pixels: int = 0) -> Future:
        """Ask for the pyramid of an image.

        Args:
            key (tuple): The image.
            num_pixels (int): How large it is.

        Returns:
            Future: Gives a :class:`Pyramid`, or the ImageFileError that says
            why the image cannot be read or shown.
        """
        with self._lock:
            future = self._pyramids.get(key)
            if future is None or (future.done() and future.exception()):
                future = self._workers[num_pixels > _LARGE].submit(
                    self._make, key)
                self._pyramids[key] = future
            self._pyramids.move_to_end(key)
            return future

    def close(self) -> None:
        """Make no more."""
        for worker in self._workers.values():
            worker.shutdown(wait=False, cancel_futures=True)

    def _make(self, key: Tuple) -> Pyramid:
        try:
            made = make_pyramid(self._read(key), self._intensities)
        except ValueError as error:
            if isinstance(error, ImageFileError):
                raise
            raise ImageFileError(str(error)) from None
        with self._lock:
            self._drop(self._max_bytes - made.nbytes, key)
        return made

    def _drop(self, left: float, key: Tuple) -> None:
        """Forget the images used longest ago until the others fit."""
        ready = [(other, future.result().nbytes)
                 for other, future in self._pyramids.items()
                 if other != key and future.done()
                 and not future.cancelled() and not future.exception()]
        size = sum(nbytes for _, nbytes in ready)
        for other, nbytes in ready:
            if size <= left:
                break
            del self._pyramids[other]
            size -= nbytes
