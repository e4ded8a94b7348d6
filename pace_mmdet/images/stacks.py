"""Image files as stacks of planes: one plane in memory at a time.

A plane is what a model sees as one image, shape (H, W), or (H, W, 3) in
colour. A file's other axes (time, depth, channel, or the pages of a plain
TIFF) are the stack's.
"""
import contextlib
import logging
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass
from pathlib import Path
from typing import Iterator, List, Optional, Tuple, Union

import imageio.v3 as imageio
import numpy as np
import tifffile

from pace_mmdet.errors import ImageFileError

from .formats import image_format
from .tiff_files import PlainPages, open_tiff

TIFF_SUFFIXES = ('.tif', '.tiff')
_Series = Union[tifffile.TiffPageSeries, PlainPages]
_MICRONS = {'micron', 'microns', 'um', 'µm', 'μm', '\\u00B5m'}


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


class ImageStack:
    """The planes of an image file; a context manager.

    TIFF files go through tifffile, all others through Pillow, by what is in
    them, not by their names. Reduced copies of the image (thumbnails,
    pyramids) are no planes.

    Args:
        path (str or Path): The file.
        channel (int, optional): The channel to read, from 0: of the axis
            that the file calls channel, else of the colours. By default,
            channels are planes like those of other axes.

    Attributes:
        axes (str): A letter for each axis of the stack, as tifffile has
            them: T time, Z depth, C channel, I images of the file, others
            whatever; '' for a file of a single plane.
        shape (tuple[int]): Its lengths.
        plane_shape (tuple[int]): (H, W) or (H, W, 3).
        num_channels (int): Length of the axis called channel; 1 without.
        channel_names (list[str]): Their names, as far as the file has them.
        pixel_size (PixelSize, optional): If the file says.
        is_ome (bool): Whether it is an OME-TIFF.
        is_uniform (bool): Whether its images, if it holds several, are all of
            the same size and axes. Otherwise all their planes follow one
            another.

    Raises:
        ImageFileError: If the file is missing or broken, is no image of a
            kind that is read (:func:`~pace_mmdet.images.formats.image_format`)
            or has no such channel.
    """

    def __init__(self,
                 path: Union[str, Path],
                 channel: Optional[int] = None) -> None:
        self.path = Path(path)
        kind = image_format(self.path)
        self.channel = channel
        self.axes, self.shape = '', ()
        self.num_channels = 1
        self.channel_names: List[str] = []
        self.pixel_size: Optional[PixelSize] = None
        self.is_ome = False
        self.is_uniform = True
        self._tif: Optional[tifffile.TiffFile] = None
        self._whole: Tuple[int, Optional[np.ndarray]] = (-1, None)
        try:
            with self._clear_errors():
                if kind == 'TIFF':
                    self._open_tiff()
                else:
                    self._open_other()
            self._choose_channel()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> 'ImageStack':
        return self

    def __exit__(self, *args) -> None:
        self.close()

    def __len__(self) -> int:
        return int(np.prod(self.shape, dtype=np.int64))

    @property
    def max_pixels(self) -> int:
        """Pixels of the largest plane, by what the file says of itself."""
        if self._tif is None:
            return int(np.prod(self.plane_shape[:2], dtype=np.int64))
        return max(series.keyframe.imagewidth * series.keyframe.imagelength
                   for series in self._series)

    def close(self) -> None:
        """Close the file."""
        self._whole = (-1, None)
        if self._tif is not None:
            self._tif.close()

    def read(self, index: int) -> np.ndarray:
        """Read a plane.

        Args:
            index (int): Which, the last axis running fastest.

        Returns:
            ndarray: Shape (H, W), or (H, W, 3) in RGB order (an alpha channel
            is left out); the file's own dtype.

        Raises:
            ImageFileError: If it is broken, or has channels that are not RGB.
        """
        if self._axis is not None:
            place = list(np.unravel_index(index, self.shape))
            place.insert(self._axis, self.channel)
            index = int(np.ravel_multi_index(place, self._full_shape))
        with self._clear_errors():
            img = (self._read_tiff if self._tif else self._read_other)(index)
        if self._from_colours:
            img = img if img.ndim == 2 else img[..., self.channel]
        return _as_grey_or_rgb(np.ascontiguousarray(img), self.path)

    def _open_tiff(self) -> None:
        self._tif, self._series = open_tiff(self.path)
        first = self._series[0]
        self.plane_shape = _plane_shape(first)
        self.axes = ''.join(a for a in first.axes if a not in 'YXS')
        self.shape = _outer_shape(first)
        if len(self._series) > 1:
            # Such as the positions of a plate.
            self.is_uniform = all(
                (series.axes, series.shape) == (first.axes, first.shape)
                for series in self._series)
            self.axes = f'I{self.axes}' if self.is_uniform else 'I'
            self.shape = ((len(self._series), *self.shape) if self.is_uniform
                          else (sum(map(_count_planes, self._series)), ))
        self.is_ome = bool(self._tif.is_ome)
        self.pixel_size = _pixel_size(self._tif)
        self.channel_names = _channel_names(self._tif)

    def _open_other(self) -> None:
        properties = imageio.improps(self.path, index=..., plugin='pillow')
        # is_batch counts an image without frames as one.
        count = properties.n_images if properties.is_batch else 1
        if (count or 1) > 1:
            self.axes, self.shape = 'I', (count, )
        self.plane_shape = properties.shape[1 if properties.is_batch else 0:]

    def _choose_channel(self) -> None:
        self._full_shape = self.shape
        self._axis: Optional[int] = None
        self._from_colours = False
        if self.axes.count('C') == 1:
            self.num_channels = self.shape[self.axes.index('C')]
        if self.channel is None:
            return
        count = self.num_channels
        if self.axes.count('C') == 1:
            self._axis = self.axes.index('C')
            self.axes = self.axes.replace('C', '')
            self.shape = (self.shape[:self._axis] +
                          self.shape[self._axis + 1:])
        else:
            self._from_colours = True
            count = self.plane_shape[2] if len(self.plane_shape) > 2 else 1
        if not 0 <= self.channel < count:
            raise ImageFileError(
                f'{self.path}: channel {self.channel} is not in the file, '
                f'which has {count} (numbered from 0)')
        self.plane_shape = self.plane_shape[:2 if self._from_colours else 3]

    def _read_tiff(self, index: int) -> np.ndarray:
        for number, series in enumerate(self._series):
            if index < _count_planes(series):
                break
            index -= _count_planes(series)
        if series.dataoffset is not None and len(series.shape) > 2:
            # A plane of a long stack that is stored in one piece.
            with contextlib.suppress(ValueError):
                whole = self._tif.filehandle.memmap_array(
                    self._tif.byteorder + series.dtype.char, series.shape,
                    series.dataoffset)
                plane, axes = _take_plane(whole, series.axes, index)
                return _samples_last(np.array(plane, series.dtype), axes)
        if len(series) == _count_planes(series) > 1:
            if series[index] is None:
                raise ImageFileError(f'{self.path}: page {index} of the '
                                     'stack is missing in the file')
            return _samples_last(
                series.asarray(key=index), series[index].axes)
        if self._whole[0] != number:
            self._whole = (number, series.asarray())
        plane, axes = _take_plane(self._whole[1], series.axes, index)
        return _samples_last(plane, axes)

    def _read_other(self, index: int) -> np.ndarray:
        return imageio.imread(self.path, index=index, plugin='pillow')

    @contextlib.contextmanager
    def _clear_errors(self) -> Iterator[None]:
        """Turn what the decoders raise, or only log, into one error."""
        heard = _Errors()
        logger = logging.getLogger('tifffile')
        logger.addHandler(heard)
        propagate, logger.propagate = logger.propagate, False
        try:
            yield
        except (ImageFileError, MemoryError):
            raise
        # The decoders raise whatever they come upon in a broken file.
        except Exception as error:
            raise _broken(self.path, f'{type(error).__name__}: {error}') \
                from error
        finally:
            logger.removeHandler(heard)
            logger.propagate = propagate
        if heard.messages:
            # For instance a file whose last pages are cut off.
            raise _broken(self.path, heard.messages[0])


class _Errors(logging.Handler):
    """Keeps the errors that tifffile logs instead of raising them."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.messages: List[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(record.getMessage())


def _broken(path: Path, reason: str) -> ImageFileError:
    return ImageFileError(f'{path}: cannot be read as an image ({reason}). '
                          'If it is incomplete, copy it again.')


def _outer_shape(series: _Series) -> Tuple[int, ...]:
    return tuple(side for side, axis in zip(series.shape, series.axes)
                 if axis not in 'YXS')


def _count_planes(series: _Series) -> int:
    return int(np.prod(_outer_shape(series), dtype=np.int64))


def _plane_shape(series: _Series) -> Tuple[int, ...]:
    sides = dict(zip(series.axes, series.shape))
    return tuple(sides[axis] for axis in 'YXS' if axis in sides)


def _take_plane(whole: np.ndarray, axes: str,
                index: int) -> Tuple[np.ndarray, str]:
    """A plane of an array, and the axes that it is left with."""
    # Names may repeat ('QQYX'), so axes are told by position.
    outer = [k for k, axis in enumerate(axes) if axis not in 'YXS']
    place = np.unravel_index(index, [whole.shape[k] for k in outer])
    key: List[Union[int, slice]] = [slice(None)] * whole.ndim
    for k, position in zip(outer, place):
        key[k] = int(position)
    return whole[tuple(key)], ''.join(a for a in axes if a in 'YXS')


def _samples_last(img: np.ndarray, axes: str) -> np.ndarray:
    return np.moveaxis(img, axes.index('S'), -1) if 'S' in axes else img


def _as_grey_or_rgb(img: np.ndarray, path: Path) -> np.ndarray:
    if img.ndim == 3 and img.shape[2] == 1:
        img = img[..., 0]
    if img.ndim == 3 and img.shape[2] == 4:
        img = img[..., :3]
    if img.ndim not in (2, 3) or img.ndim == 3 and img.shape[2] != 3:
        raise ImageFileError(
            f'{path}: expected a grey or an RGB image, got an array of shape '
            f'{img.shape}')
    if 0 in img.shape:
        raise ImageFileError(f'{path}: the image is empty, {img.shape}')
    return img


def _pixel_size(tif: tifffile.TiffFile) -> Optional[PixelSize]:
    """The size of a pixel, of the formats that carry one."""
    if tif.is_ome:
        pixels = _ome_pixels(tif)
        sizes = {} if pixels is None else pixels.attrib
        if {'PhysicalSizeX', 'PhysicalSizeY'} <= sizes.keys():
            z = sizes.get('PhysicalSizeZ')
            return PixelSize(
                float(sizes['PhysicalSizeX']), float(sizes['PhysicalSizeY']),
                None if z is None else float(z),
                sizes.get('PhysicalSizeXUnit', 'µm'))
        return None
    tags = tif.pages.first.tags
    per_unit = [_ratio(tags.get(f'{axis}Resolution')) for axis in 'XY']
    if not all(per_unit):
        return None
    if tif.is_imagej:
        unit = str(tif.imagej_metadata.get('unit', ''))
        # Without a unit it is a resolution for printing.
        if unit in ('', 'pixel', 'inch'):
            return None
        return PixelSize(1 / per_unit[0], 1 / per_unit[1],
                         tif.imagej_metadata.get('spacing'),
                         'µm' if unit in _MICRONS else unit)
    unit = tags.get('ResolutionUnit')
    # Inches are a printer's, not a microscope's.
    if unit is not None and int(unit.value) == 3:
        return PixelSize(1e4 / per_unit[0], 1e4 / per_unit[1])
    return None


def _ratio(tag: Optional[tifffile.TiffTag]) -> float:
    if tag is None:
        return 0.
    above, below = tag.value
    return above / below if below else 0.


def _channel_names(tif: tifffile.TiffFile) -> List[str]:
    pixels = _ome_pixels(tif) if tif.is_ome else None
    if pixels is None:
        return []
    names = [node.get('Name', '') for node in pixels
             if node.tag.endswith('}Channel')]
    return [name for name in names if name]


def _ome_pixels(tif: tifffile.TiffFile) -> Optional[ElementTree.Element]:
    """The description of the first image."""
    root = ElementTree.fromstring(tif.ome_metadata)
    return next((node for node in root.iter()
                 if node.tag.endswith('}Pixels')), None)
