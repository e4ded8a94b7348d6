"""Opening TIFF files: bounded in what they open, and in the time it takes.

tifffile reads whatever else a file names, from any folder, follows chains of
pages that lead in a circle, and parses every page at once.
"""
import mmap
import struct
from pathlib import Path
from typing import Iterator, List, Optional, Tuple
from xml.etree import ElementTree

import numpy as np
import tifffile

from pace_mmdet.errors import ImageFileError

# What tifffile may find in a file without reading the meaning of its axes
# from somewhere. Any other flag stands for a format that has one.
_PLAIN = {'uniform', 'bigtiff', 'subifd'}


class PlainPages:
    """Pages of one size and type, each parsed when it is asked for.

    It has as much of ``tifffile.TiffPageSeries`` as ``ImageStack`` uses.

    Args:
        tif (TiffFile): A file without a description of its axes.
    """
    dataoffset: Optional[int] = None

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


def open_tiff(path: Path) -> Tuple[tifffile.TiffFile, List]:
    """Open a TIFF file.

    Args:
        path (Path): The file.

    Returns:
        tuple[TiffFile, list[TiffPageSeries | PlainPages]]: The open file and
        its images, without reduced copies of them.

    Raises:
        ImageFileError: If it holds no image, names parts of itself that lie
            elsewhere than beside it, or its pages lead in a circle.
    """
    tif = tifffile.TiffFile(path)
    try:
        _check_chain(tif, path)
        _check_parts(tif, path)
        if tif.is_uniform and set(tif.flags) <= _PLAIN:
            series = [PlainPages(tif)]
        else:
            series = tif.series
        series = [one for one in series if not one.keyframe.is_reduced]
        if not series:
            raise ImageFileError(f'{path}: holds no image')
    except BaseException:
        tif.close()
        raise
    return tif, series


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


def _check_parts(tif: tifffile.TiffFile, path: Path) -> None:
    """Refuse files that would be opened with this one from elsewhere."""
    folder = Path(tif.filehandle.dirname).resolve()
    for name in dict.fromkeys(_parts(tif)):
        part = Path(folder, name)
        # Backslashes separate folders on Windows only, and in no name.
        if (name in ('', '.', '..') or set(name) & set('/\\:')
                or part.resolve().parent != folder):
            raise ImageFileError(
                f'{path}: names {name!r} as a part of it; only files in its '
                'own folder are opened. Copy them there, and name them '
                'without a folder')
        if part.exists() and not part.is_file():
            raise ImageFileError(f'{path}: names {name!r} as a part of it, '
                                 'which is no regular file')


def _parts(tif: tifffile.TiffFile) -> Iterator[str]:
    """Names of the files that a file says it consists of."""
    if tif.is_ome:
        for node in ElementTree.fromstring(tif.ome_metadata).iter():
            if node.tag.endswith('UUID') and 'FileName' in node.attrib:
                yield node.attrib['FileName']
    folder = Path(tif.filehandle.dirname)
    if tif.is_mmstack:
        start = tif.filename.partition('_MMStack')[0] + '_MMStack'
        for path in folder.glob('*_MMStack*.tif'):
            if path.name.startswith(start):
                yield path.name
    if tif.is_ndtiff:
        for entry in tifffile.read_ndtiff_index(folder / 'NDTiff.index'):
            yield entry[1]
