"""What every kind of image file is read as: planes.

A plane is what a model sees as one image, shape (H, W), or (H, W, 3) in
colour. A file's other axes (time, depth, channel, or the pages of a plain
TIFF) are the stack's.
"""
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Callable, List, Optional, Sequence, Tuple

import numpy as np

from pace_mmdet.errors import ImageFileError

from .samples import UPRIGHT, Samples, same_samples
from .windows import Level, PlaneWindows, whole_plane


@dataclass(frozen=True)
class PixelSize:
    """How large a pixel is.

    Attributes:
        x (float): Width, in ``unit``.
        y (float): Height, in ``unit``.
        z (float, optional): Distance of slices, in ``unit``.
        unit (str): 'µm', or what the file says.
    """
    x: float
    y: float
    z: Optional[float] = None
    unit: str = 'µm'


@dataclass
class Series:
    """Planes of the same kind.

    Attributes:
        axes (str): Of the planes, without that of the samples in them.
        shape (tuple[int]): Their lengths.
        samples (Samples): What a plane holds.
        size (tuple[int]): Height and width as they are stored.
        read (Callable): From the number of a plane to its samples as they
            are stored, shape (H, W) or (H, W, S).
        levels (Callable, optional): From the number of a plane to its levels,
            the full size first, if parts of it can be read.
        name (str): The image's place in the file, if it has one.
    """
    axes: str
    shape: Tuple[int, ...]
    samples: Samples
    size: Tuple[int, int]
    read: Callable[[int], np.ndarray]
    levels: Optional[Callable[[int], List[Level]]] = None
    name: str = ''

    @property
    def full_axes(self) -> str:
        """With that of the channels in a plane."""
        return self.axes + ('' if self.samples.num_channels == 1 else
                            'S' if 'C' in self.axes else 'C')

    @property
    def full_shape(self) -> Tuple[int, ...]:
        """Lengths of :attr:`full_axes`."""
        count = self.samples.num_channels
        return self.shape if count == 1 else (*self.shape, count)

    @property
    def plane_shape(self) -> Tuple[int, ...]:
        """Shape of a picture of it."""
        return self.samples.shape(*self.size)

    def __len__(self) -> int:
        return int(np.prod(self.full_shape, dtype=np.int64))

    def without_colours(self) -> 'Series':
        """The same, grey if it is grey that was stored as colours."""
        if self.samples.kind == 'channels' and same_samples(self.read(0)):
            return replace(self, samples=replace(self.samples, kind='grey'))
        return self


class Planes:
    """The planes of an image file. An opener is a subclass.

    Its constructor takes the path, and whether the numbers are wanted as
    they are stored (labels) instead of as they are to be shown. It sets the
    attributes, most of them by :meth:`hold`.

    Attributes:
        path (Path): The file.
        axes (str): A letter for each axis of the stack, as tifffile has
            them: T time, Z depth, C channel, I images of the file, others
            whatever; '' for a file of a single plane.
        shape (tuple[int]): Its lengths.
        plane_shape (tuple[int]): (H, W) or (H, W, 3).
        channel_names (list[str]): Their names, as far as the file has them.
        pixel_size (PixelSize, optional): If the file says.
        is_ome (bool): Whether it is an OME-TIFF.
        is_uniform (bool): Whether its images, if it holds several, are all of
            the same size and axes. Otherwise all their planes follow one
            another.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.axes = ''
        self.shape: Tuple[int, ...] = ()
        self.plane_shape: Tuple[int, ...] = ()
        self.channel_names: List[str] = []
        self.pixel_size: Optional[PixelSize] = None
        self.is_ome = False
        self.is_uniform = True

    def hold(self, series: Sequence[Series],
             as_numbers: bool = False) -> None:
        """Take the file's images, such as the positions of a plate.

        Args:
            series (Sequence[Series]): The images.
            as_numbers (bool): Whether they are labels: of colours that are
                equal in every pixel, one is taken.

        Raises:
            ImageFileError: If there is none.
        """
        if not series:
            raise ImageFileError(f'{self.path}: holds no image')
        if as_numbers:
            series = [one.without_colours() for one in series]
        self._series = series
        self._last: Tuple[tuple, Optional[np.ndarray]] = ((), None)
        first = series[0]
        self.plane_shape = first.plane_shape
        self.axes, self.shape = first.full_axes, first.full_shape
        if len(series) == 1:
            return
        self.is_uniform = all(
            (one.full_axes, one.full_shape, one.plane_shape) == (
                self.axes, self.shape, self.plane_shape) for one in series)
        if self.is_uniform:
            self.axes = f'I{self.axes}'
            self.shape = (len(series), *self.shape)
        else:
            self.axes, self.shape = 'I', (sum(map(len, series)), )

    @property
    def max_pixels(self) -> int:
        """Pixels of the largest plane, by what the file says of itself."""
        return max(one.size[0] * one.size[1] for one in self._series)

    def read(self, index: int) -> np.ndarray:
        """A plane, shape (H, W) or (H, W, 3) in RGB order.

        Args:
            index (int): Which, the last axis running fastest.
        """
        number, place, channel = self._find(index)
        series = self._series[number]
        if series.samples.num_channels == 1:
            return series.samples.picture(series.read(place))
        # Its channels are likely to be asked for one after the other.
        if self._last[0] != (number, place):
            self._last = ((number, place), series.read(place))
        return series.samples.picture(self._last[1], channel)

    def windows(self, index: int) -> PlaneWindows:
        """A plane to be read in parts; if need be, it is read whole first.

        Args:
            index (int): As of :meth:`read`.
        """
        number, place, channel = self._find(index)
        series = self._series[number]
        levels = []
        if series.levels is not None and \
                series.samples.orientation == UPRIGHT:
            levels = series.levels(place)
        if not levels:
            return whole_plane(self.read(index))
        return PlaneWindows(levels, series.samples, channel)

    @property
    def names(self) -> List[str]:
        """Places of the images in the file, such as a plate's fields."""
        return [one.name for one in self._series]

    def _find(self, index: int) -> Tuple[int, int, int]:
        """Number of the image, of the plane in it, of the channel in that."""
        for number, series in enumerate(self._series):
            if index < len(series):
                break
            index -= len(series)
        return (number, *divmod(index, series.samples.num_channels))

    def close(self) -> None:
        """Close the file."""
        self._last = ((), None)


def broken(path: Path, reason: str) -> ImageFileError:
    """The error for a file of a known format that cannot be decoded."""
    return ImageFileError(f'{path}: cannot be read as an image, it is broken '
                          f'or misnamed ({reason}). If it is incomplete, '
                          'copy it again.')
