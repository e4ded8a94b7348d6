"""Parts of a TIFF page, by its own tiles and strips."""
import threading
from typing import List, Optional

import numpy as np
import tifffile
from tifffile import COMPRESSION, PLANARCONFIG

from .windows import Level

_JPEGS = (COMPRESSION.OJPEG, COMPRESSION.JPEG, COMPRESSION.JPEG_LOSSY,
          COMPRESSION.ALT_JPEG)


def page_levels(tif: tifffile.TiffFile,
                page: tifffile.TiffPage,
                reduced: Optional[list] = None) -> List[Level]:
    """A page and its reduced copies.

    Args:
        tif (TiffFile): The open file.
        page (TiffPage): At full size.
        reduced (list[TiffPage], optional): Its copies; by default those that
            stand in the page (SubIFDs).

    Returns:
        list[Level]: Empty if the page is stored in a way that is not read in
        parts.
    """
    if reduced is None:
        reduced = [one.aspage() for one in (page.pages or [])]
    pages = [page] + sorted(
        (one for one in reduced if _alike(one, page)),
        key=lambda one: -one.imagewidth)
    lock = threading.Lock()
    found = [_level(tif, one, lock) for one in pages]
    return [level for level in found if level] if found[0] else []


def _alike(one: tifffile.TiffPage, page: tifffile.TiffPage) -> bool:
    return (one.dtype == page.dtype and one.imagewidth < page.imagewidth
            and one.samplesperpixel == page.samplesperpixel
            and one.photometric == page.photometric)


def _level(tif: tifffile.TiffFile, page: tifffile.TiffPage,
           lock: threading.Lock) -> Optional[Level]:
    separate = (page.samplesperpixel > 1
                and page.planarconfig == PLANARCONFIG.SEPARATE)
    if separate or page.imagedepth > 1 or page.dtype is None:
        return None
    size = page.imagelength, page.imagewidth
    if page.is_memmappable:
        whole = tif.filehandle.memmap_array(
            tif.byteorder + page.dtype.char, page.shape,
            page.dataoffsets[0])
        # In pieces, so that what is kept stays small.
        return Level(size, (512, 512), lambda y1, y2, x1, x2: np.array(
            whole[y1:y2, x1:x2], page.dtype))
    block = ((page.tilelength, page.tilewidth) if page.is_tiled else
             (min(page.rowsperstrip, size[0]), size[1]))
    across = -(-size[1] // block[1])
    options = {}
    if page.compression in _JPEGS:
        options = dict(jpegtables=page.jpegtables,
                       jpegheader=page.keyframe.jpegheader)

    def read(y1: int, y2: int, x1: int, x2: int) -> np.ndarray:
        index = y1 // block[0] * across + x1 // block[1]
        samples = page.samplesperpixel
        shape = (y2 - y1, x2 - x1) + ((samples, ) if samples > 1 else ())
        decoded = None
        # Sparse files store nothing where there is nothing.
        if page.databytecounts[index]:
            with lock:
                tif.filehandle.seek(page.dataoffsets[index])
                data = tif.filehandle.read(page.databytecounts[index])
            if len(data) < page.databytecounts[index]:
                raise ValueError(f'it ends in its tile or strip {index}')
            decoded = page.keyframe.decode(data, index, **options)[0]
        if decoded is None:
            return np.full(shape, page.nodata, page.dtype)
        return decoded[0, :shape[0], :shape[1]].reshape(shape)

    return Level(size, block, read)
