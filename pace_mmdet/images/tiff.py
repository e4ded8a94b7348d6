"""TIFF files and their kin as planes, through tifffile."""
import contextlib
import logging
from dataclasses import replace
from pathlib import Path
from typing import Iterator, List, Optional, Sequence, Tuple, Union

import numpy as np
import tifffile
from tifffile import COMPRESSION, PHOTOMETRIC

from pace_mmdet.errors import ImageFileError

from .ome import own_images
from .planes import Planes, Series, broken
from .samples import UPRIGHT, Samples, compact_table, extra_samples
from .tiff_files import PlainPages, is_plain, open_tiff
from .tiff_metadata import channel_names, pixel_size
from .tiff_windows import page_levels
from .windows import Level

# A last axis of so many is samples, not pixels: no picture is that narrow.
_MOST_SAMPLES = 10
_JPEGS = (COMPRESSION.OJPEG, COMPRESSION.JPEG, COMPRESSION.JPEG_LOSSY,
          COMPRESSION.ALT_JPEG)
# Beside the slide itself, in the formats of slide scanners.
_NO_SLIDE = ('Thumbnail', 'Label', 'Macro', 'Map')


class TiffPlanes(Planes):
    """A TIFF file; see :class:`~pace_mmdet.images.planes.Planes`."""

    def __init__(self, path: Path, as_numbers: bool = False) -> None:
        super().__init__(path)
        self._as_numbers = as_numbers
        self._whole: Tuple[int, Optional[np.ndarray]] = (-1, None)
        self._tif: Optional[tifffile.TiffFile] = None
        try:
            with _logged_errors(path):
                self._tif = open_tiff(path)
                self.hold(self._find_series(), as_numbers)
                self.is_ome = bool(self._tif.is_ome)
                self.pixel_size = pixel_size(self._tif)
                self.channel_names = channel_names(self._tif)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        super().close()
        self._whole = (-1, None)
        if self._tif is not None:
            self._tif.close()

    def read(self, index: int) -> np.ndarray:
        with _logged_errors(self.path):
            return super().read(index)

    def _find_series(self) -> List[Series]:
        own = None
        if self._tif.is_ome:
            own = own_images(self._tif.ome_metadata, self.path.name,
                             len(self._tif.pages))
        if own is not None:
            # Without any, it is another file's copy under another name.
            return [self._of_pages(*image) for image in own or [
                ('I', (len(self._tif.pages), ),
                 list(range(len(self._tif.pages))))]]
        if is_plain(self._tif):
            return [self._of_series(0, PlainPages(self._tif))]
        found = self._tif.series
        kept = [series for series in found if _is_image(series)] or found[:1]
        # Of a pyramid whose copies are pages like any other.
        reduced = [series for series in found
                   if len(kept) == 1 and series.keyframe.is_reduced]
        return [self._of_series(k, series, reduced)
                for k, series in enumerate(kept)]

    def _of_pages(self, axes: str, shape: Tuple[int, ...],
                  pages: List[int]) -> Series:
        """Planes that are pages of the file."""
        first = self._page(pages[0])

        def read(plane: int) -> np.ndarray:
            page = self._page(pages[plane])
            return _samples_last(page.asarray(), page.axes)

        def levels(plane: int) -> List[Level]:
            return page_levels(self._tif, self._page(pages[plane]))

        return Series(axes, shape, self._meaning(first),
                      (first.imagelength, first.imagewidth), read, levels)

    def _page(self, number: int) -> tifffile.TiffPage:
        return self._tif.pages[number].aspage()

    def _of_series(self, number: int, series: tifffile.TiffPageSeries,
                   reduced: Sequence[tifffile.TiffPageSeries] = ()
                   ) -> Series:
        sides = dict(zip(series.axes, series.shape))
        if (series.kind == 'shaped' and series.ndim > 2
                and series.axes[-2:] == 'YX'
                and 2 <= sides['X'] <= _MOST_SAMPLES < sides['Y']):
            return self._of_pixels_last(series)

        def read(plane: int) -> np.ndarray:
            return self._read_series(number, series, plane)

        def levels(plane: int) -> List[Level]:
            return self._levels(series, plane, reduced)

        outer = [k for k, axis in enumerate(series.axes) if axis not in 'YXS']
        return Series(
            ''.join(series.axes[k] for k in outer),
            tuple(series.shape[k] for k in outer),
            self._meaning(series.keyframe, series.kind == 'shaped'),
            (sides['Y'], sides['X']), read, levels)

    def _levels(self, series: tifffile.TiffPageSeries, plane: int,
                reduced: Sequence[tifffile.TiffPageSeries]) -> List[Level]:
        """Those of a plane that is a page of its own; else none."""
        outer = [side for side, axis in zip(series.shape, series.axes)
                 if axis not in 'YXS']
        if len(series) != np.prod(outer, dtype=np.int64) or \
                series[plane] is None:
            return []
        others = [
            level[plane].aspage()
            for level in [*getattr(series, 'levels', []), *reduced]
            if level is not series and len(level) == len(series)
            and level[plane] is not None]
        return page_levels(self._tif, series[plane].aspage(), others or None)

    def _of_pixels_last(self, series: tifffile.TiffPageSeries) -> Series:
        """Channels of each pixel that were written as rows of pages."""
        axes, (height, width, count) = series.axes[:-3], series.shape[-3:]

        def read(plane: int) -> np.ndarray:
            if self._whole[1] is None:
                self._whole = (0, series.asarray())
            return self._whole[1].reshape(-1, height, width, count)[plane]

        meaning = replace(self._meaning(series.keyframe), kind='channels',
                          count=count)
        return Series(axes, series.shape[:-3], meaning, (height, width), read)

    def _read_series(self, number: int, series: tifffile.TiffPageSeries,
                     index: int) -> np.ndarray:
        outer = [side for side, axis in zip(series.shape, series.axes)
                 if axis not in 'YXS']
        count = int(np.prod(outer, dtype=np.int64))
        if series.dataoffset is not None and len(series.shape) > 2:
            # A plane of a long stack that is stored in one piece.
            with contextlib.suppress(ValueError):
                whole = self._tif.filehandle.memmap_array(
                    self._tif.byteorder + series.dtype.char, series.shape,
                    series.dataoffset)
                plane, axes = _take_plane(whole, series.axes, index)
                return _samples_last(np.array(plane, series.dtype), axes)
        if len(series) == count > 1:
            if series[index] is None:
                raise ImageFileError(f'{self.path}: page {index} of the '
                                     'stack is missing in the file')
            return _samples_last(
                series.asarray(key=index), series[index].axes)
        if self._whole[0] != number:
            self._whole = (number, series.asarray())
        plane, axes = _take_plane(self._whole[1], series.axes, index)
        return _samples_last(plane, axes)

    def _meaning(self, page: tifffile.TiffPage,
                 is_shaped: bool = False) -> Samples:
        """What the file says of its samples.

        Raises:
            ImageFileError: If it is nothing that is read here.
        """
        tag = page.tags.get('Orientation')
        orientation = UPRIGHT if tag is None else int(tag.value)
        total, photometric = page.samplesperpixel, page.photometric
        extra = page.extrasamples if 'ExtraSamples' in page.tags else None
        if self._as_numbers:
            # Labels are what is stored, however it is to be shown.
            kind, count = extra_samples(1, total, extra)
            return Samples(kind, count, orientation=orientation)
        if photometric == PHOTOMETRIC.PALETTE and page.colormap is not None:
            table = compact_table(np.ascontiguousarray(page.colormap.T))
            return Samples('grey' if table.ndim == 1 else 'rgb', table=table,
                           orientation=orientation)
        is_rgb = photometric == PHOTOMETRIC.RGB or (
            photometric == PHOTOMETRIC.YCBCR and not page.extrasamples
            and page.compression in _JPEGS)
        is_grey = photometric in (PHOTOMETRIC.MINISBLACK,
                                  PHOTOMETRIC.MINISWHITE,
                                  PHOTOMETRIC.PALETTE)
        if not is_rgb and not is_grey:
            name = getattr(photometric, 'name', photometric)
            raise ImageFileError(
                f'{self.path}: its colours are {name}, which is not read '
                'here: save it as a grey or an RGB image')
        if (is_rgb and is_shaped and total == 4
                and page.planarconfig == tifffile.PLANARCONFIG.SEPARATE):
            # tifffile took any stack of four for colours and alpha once.
            extra = (0, )
        kind, count = extra_samples(3 if is_rgb else 1, total, extra)
        white = None
        if photometric == PHOTOMETRIC.MINISWHITE:
            white = 2**page.bitspersample - 1
        return Samples(kind, count, white, orientation=orientation)


def _is_image(series: tifffile.TiffPageSeries) -> bool:
    """Whether it is no reduced copy, mask, or picture of the slide."""
    page = series.keyframe
    return not (page.is_reduced or page.is_mask
                or page.photometric == PHOTOMETRIC.MASK
                or series.kind in ('svs', 'ndpi', 'qpi', 'scn', 'bif')
                and series.name in _NO_SLIDE)


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


class _Errors(logging.Handler):
    """Keeps the errors that tifffile logs instead of raising them."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.messages: List[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(record.getMessage())


@contextlib.contextmanager
def _logged_errors(path: Path) -> Iterator[None]:
    """Raise what tifffile only logs."""
    heard = _Errors()
    logger = logging.getLogger('tifffile')
    logger.addHandler(heard)
    propagate, logger.propagate = logger.propagate, False
    try:
        yield
    finally:
        logger.removeHandler(heard)
        logger.propagate = propagate
    if heard.messages:
        # For instance a file whose last pages are cut off.
        raise broken(path, heard.messages[0])
