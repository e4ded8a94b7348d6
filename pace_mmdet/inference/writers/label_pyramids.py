"""Label images too large for one piece: TIFF in tiles, with reduced levels."""
import zlib
from pathlib import Path
from typing import Iterator, Sequence

import numpy as np
import tifffile

from pace_mmdet.files import atomic_file
from pace_mmdet.inference import painting
from pace_mmdet.inference.painting import LabelPlane

from .label_images import metadata_of
from .results import FileCells

# Labels are long runs of one number: more effort gains little.
_EFFORT = 3


def write_label_pyramid(about: FileCells, planes: Sequence[LabelPlane],
                        path: Path) -> None:
    """Write a stack of the input's shape in which cell i has value i.

    A BigTIFF in tiles with reduced levels as SubIFDs, packed, with OME
    metadata where its axes have OME's names, as QuPath and Fiji's Bio-Formats
    open it.

    Args:
        about (FileCells): The file.
        planes (Sequence[LabelPlane]): The label image of each plane, all of
            one size.
        path (Path): The file to write.
    """
    most = max(len(plane.scores) for plane in planes)
    dtype = np.dtype(np.uint16 if most < 2**16 else np.uint32)
    sizes = planes[0].sizes
    options = metadata_of(about)
    is_ome = options.pop('ome')
    with atomic_file(path) as file, tifffile.TiffWriter(
            file, bigtiff=True, ome=is_ome) as tif:
        for level, size in enumerate(sizes):
            tif.write(
                _tiles(planes, level, dtype),
                shape=(*about.shape, *size),
                dtype=dtype,
                photometric='minisblack',
                compression='zlib',
                tile=(painting.BLOCK, painting.BLOCK),
                subifds=0 if level else len(sizes) - 1,
                subfiletype=1 if level else 0,
                **({} if level else options))


def _tiles(planes: Sequence[LabelPlane], level: int,
           dtype: np.dtype) -> Iterator[bytes]:
    """All tiles of a level, packed."""
    side = painting.BLOCK
    empty = zlib.compress(bytes(side * side * dtype.itemsize), _EFFORT)
    for plane in planes:
        height, width = plane.size(level)
        for row in range(-(-height // painting.BLOCK)):
            blocks = plane.blocks(level, row, dtype)
            for column in range(-(-width // painting.BLOCK)):
                block = blocks.pop(column, None)
                if block is None:
                    yield empty
                    continue
                tile = np.zeros((side, side), dtype.newbyteorder('<'))
                tile[:block.shape[0], :block.shape[1]] = block
                yield zlib.compress(tile, _EFFORT)
