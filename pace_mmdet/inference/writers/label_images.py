"""Label images: one number per cell, as TIFF."""
from pathlib import Path
from typing import Iterator

import numpy as np
import tifffile

from pace_mmdet.files import atomic_file

from .results import FileCells

# Of a file that is no BigTIFF, with some room for what is not pixels.
_MOST_BYTES = 2**32 - 2**25


def write_label_image(found: FileCells, path: Path) -> None:
    """Write a stack of the input's shape in which cell i has value i.

    Where cells overlap, the pixel is the better scoring one's. 16 bits, or
    32 if a plane has more than 65,535 cells. Pixel sizes are kept: as OME
    metadata if the input is an OME-TIFF or ImageJ cannot hold the image, else
    as ImageJ's.

    Args:
        found (FileCells): The cells.
        path (Path): The file to write.
    """
    most = max(map(len, found.planes))
    dtype = np.dtype(np.uint16 if most < 2**16 else np.uint32)
    first = found.planes[0]
    shape = (*found.shape, first.height, first.width)
    size = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
    options: dict = dict(bigtiff=size > _MOST_BYTES)
    if _is_named(found) and not (found.is_ome or dtype.itemsize > 2
                                 or options['bigtiff']):
        options = _imagej(found, most)
    else:
        options.update(metadata_of(found))
    with atomic_file(path) as file:
        with tifffile.TiffWriter(
                file,
                bigtiff=options.pop('bigtiff', False),
                imagej=options.pop('imagej', False),
                ome=options.pop('ome', None)) as tif:
            tif.write(
                _planes(found, dtype),
                shape=shape,
                dtype=dtype,
                photometric='minisblack',
                **options)


def _planes(found: FileCells, dtype: np.dtype) -> Iterator[np.ndarray]:
    for cells in found.planes:
        yield cells.label_image(dtype)


def metadata_of(found: FileCells) -> dict:
    """tifffile's options: OME's metadata where it has names for the axes.

    Among them is ``ome``, whether it is OME's.
    """
    return _ome(found) if _is_named(found) else _plain(found)


def _is_named(found: FileCells) -> bool:
    return _is_subsequence(found.axes, 'TZC')


def _is_subsequence(axes: str, order: str) -> bool:
    """Whether all axes have a name of that order, and follow it."""
    places = [order.find(axis) for axis in axes]
    return -1 not in places and all(
        a < b for a, b in zip(places, places[1:]))


def _imagej(found: FileCells, most: int) -> dict:
    metadata = dict(axes=f'{found.axes}YX', min=0.0, max=float(max(most, 1)))
    options = dict(imagej=True, metadata=metadata)
    size = found.pixel_size
    if size is not None:
        metadata['unit'] = 'micron' if size.unit == 'µm' else size.unit
        if size.z is not None:
            metadata['spacing'] = size.z
        options['resolution'] = (1 / size.x, 1 / size.y)
    return options


def _ome(found: FileCells) -> dict:
    metadata = dict(axes=f'{found.axes}YX', Name=found.path.name)
    size = found.pixel_size
    if size is not None:
        for axis in 'XYZ':
            length = getattr(size, axis.lower())
            if length is not None:
                metadata[f'PhysicalSize{axis}'] = length
                metadata[f'PhysicalSize{axis}Unit'] = size.unit
    return dict(ome=True, metadata=metadata)


def _plain(found: FileCells) -> dict:
    options = dict(ome=False, metadata=dict(axes=f'{found.axes}YX'))
    size = found.pixel_size
    if size is not None and size.unit == 'µm':
        options.update(
            resolution=(1e4 / size.x, 1e4 / size.y),
            resolutionunit='CENTIMETER')
    return options
