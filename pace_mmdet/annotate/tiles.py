"""Images for the page: 8 bits, in tiles, at several sizes.

Level 0 is the image itself; each further level is half as wide and high,
averaged, down to a level of a single tile.
"""
import threading
from collections import OrderedDict
from typing import Callable, List, Tuple

import cv2
import numpy as np

from pace_mmdet.errors import ImageFileError
from pace_mmdet.images.intensities import Intensities, to_uint8

from .errors import NotFound

TILE = 512
_CACHE_BYTES = 400e6
# The least compression: the page is on the same machine or network.
_PNG = (cv2.IMWRITE_PNG_COMPRESSION, 1)


def num_levels(width: int, height: int) -> int:
    """How many levels an image has."""
    return 1 + max(0, int(np.ceil(np.log2(max(width, height) / TILE))))


def make_pyramid(img: np.ndarray,
                 intensities: Intensities = Intensities()
                 ) -> List[np.ndarray]:
    """All levels of an image.

    Args:
        img (ndarray): As read, (H, W) or RGB (H, W, 3); any type that
            :func:`~pace_mmdet.images.intensities.to_uint8` takes.
        intensities (Intensities): As there.

    Returns:
        list[ndarray]: uint8, level 0 first; level k is ceil(W / 2**k) wide.
    """
    levels = [to_uint8(img, *intensities)]
    for _ in range(1, num_levels(img.shape[1], img.shape[0])):
        height, width = levels[-1].shape[:2]
        padding = [(0, height % 2), (0, width % 2)] + [(0, 0)] * (img.ndim - 2)
        even = np.pad(levels[-1], padding, mode='edge')
        levels.append(
            cv2.resize(even, None, fx=0.5, fy=0.5,
                       interpolation=cv2.INTER_AREA))
    return levels


def encode_tile(level: np.ndarray, column: int, row: int) -> bytes:
    """One tile of a level as a PNG file.

    Raises:
        NotFound: If it lies outside.
    """
    part = level[row * TILE:(row + 1) * TILE, column * TILE:(column + 1) *
                 TILE] if min(row, column) >= 0 else level[:0]
    if not part.size:
        raise NotFound('no such tile')
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

    def tile(self, key: Tuple, level: int, column: int, row: int) -> bytes:
        """A tile of an image as a PNG file.

        Raises:
            NotFound: If there is no such tile.
            ImageFileError: If the image cannot be read or shown.
        """
        pyramid = self._pyramid(key)
        if not 0 <= level < len(pyramid):
            raise NotFound('no such level')
        return encode_tile(pyramid[level], column, row)

    def _pyramid(self, key: Tuple) -> List[np.ndarray]:
        # Reading under the lock: two large images at once would need twice
        # the memory.
        with self._lock:
            if key not in self._pyramids:
                try:
                    self._pyramids[key] = make_pyramid(
                        self._read(key), self._intensities)
                except ValueError as error:
                    if isinstance(error, ImageFileError):
                        raise
                    raise ImageFileError(str(error)) from None
            self._pyramids.move_to_end(key)
            while len(self._pyramids) > 1 and self._bytes() > self._max_bytes:
                self._pyramids.popitem(last=False)
            return self._pyramids[key]

    def _bytes(self) -> int:
        return sum(level.nbytes for pyramid in self._pyramids.values()
                   for level in pyramid)
