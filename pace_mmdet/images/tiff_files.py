"""Opening TIFF files: bounded in what they open, and in the time it takes.

tifffile reads whatever else a file names, from any folder, follows chains of
pages that lead in a circle, and parses every page at once. A file of a set
stands for its own planes here: no other one is opened.
"""
import mmap
import struct
from pathlib import Path
from typing import Optional

import numpy as np
import tifffile

from pace_mmdet.errors import ImageFileError

# What tifffile may find in a file without reading the meaning of its axes
# from somewhere. Any other flag stands for a format that has one.
_PLAIN = {'uniform', 'bigtiff', 'subifd'}


class PlainPages:
    """Pages of one size and type, each parsed when it is asked for.

    It has as much of ``tifffile.TiffPageSeries`` as ``TiffPlanes`` uses.

    Args:
        tif (TiffFile): A file without a description of its axes.
    """
    dataoffset: Optional[int] = None
    kind = 'uniform'
    name = ''

    def __init__(self, tif: tifffile.TiffFile) -> None:
        self._pages = tif.pages
        self.keyframe = tif.pages.first
        self.dtype = np.dtype(self.keyframe.dtype)
        several = len(tif.pages) > 1
        self.axes = ('I' if several else '') + self.keyframe.axes
        self.shape = ((len(tif.pages), ) if several else
                      ()) + self.keyframe.shape

    def __len__(self) -> int:
        return len(self._pages)

    def __getitem__(self, index: int) -> tifffile.TiffPage:
        page = self._pages[index]
        if page.hash != self.keyframe.hash:
            raise ValueError(f'page {index} is of another size or type than '
                             'the first')
        return page

    def asarray(self, key: int = 0) -> np.ndarray:
        """The pixels of a page."""
        return self[key].asarray()


class _OwnFile(tifffile.TiffFile):
    """A file that opens no other one of its set.

    OME-TIFF is the third format of sets; see ``ome.py``.
    """
    is_mmstack = False
    is_ndtiff = False


def open_tiff(path: Path) -> tifffile.TiffFile:
    """Open a TIFF file.

    Raises:
        ImageFileError: If its pages lead in a circle, or it has no pixels.
    """
    tif = _OwnFile(path)
    try:
        _check_first_page(tif, path)
        _check_chain(tif, path)
    except BaseException:
        tif.close()
        raise
    return tif


def is_plain(tif: tifffile.TiffFile) -> bool:
    """Whether a file is no more than pages of one size and type."""
    return bool(tif.is_uniform) and set(tif.flags) <= _PLAIN


def _check_first_page(tif: tifffile.TiffFile, path: Path) -> None:
    try:
        first = tif.pages.first
    except IndexError:
        raise ImageFileError(f'{path}: holds no page') from None
    if not first.imagewidth * first.imagelength:
        raise ImageFileError(f'{path}: its first page has no pixels')


def _check_chain(tif: tifffile.TiffFile, path: Path) -> None:
    """Follow the offsets from page to page once."""
    form = tif.tiff
    seen = set()
    with open(path, 'rb') as file, mmap.mmap(
            file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        offset = tif.pages.first.offset
        # Of a broken chain tifffile says what is wrong.
        while 0 < offset < len(content) - form.tagnosize:
            if offset in seen:
                raise ImageFileError(f'{path}: is broken: its pages lead in '
                                     'a circle')
            seen.add(offset)
            count, = struct.unpack_from(form.tagnoformat, content, offset)
            after = offset + form.tagnosize + count * form.tagsize
            if after + form.offsetsize > len(content):
                break
            offset, = struct.unpack_from(form.offsetformat, content, after)
