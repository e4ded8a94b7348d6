"""OME-Zarr folders (OME-NGFF 0.4 and 0.5) as planes, through zarr.

A plane is read whole or in parts, of a pyramid at any level. The wells of a
plate, and the images of a converted file, are images one after the other.
"""
from pathlib import Path
from typing import Any, Iterator, List, Optional, Tuple

import numpy as np

from .planes import PixelSize, Planes, Series
from .samples import Samples
from .windows import Level

_MICRONS = dict(micrometer=1., nanometer=1e-3, millimeter=1e3, meter=1e6)
_LETTERS = dict(time='T', channel='C')


class ZarrPlanes(Planes):
    """A folder; see :class:`~pace_mmdet.images.planes.Planes`."""

    def __init__(self, path: Path, as_numbers: bool = False) -> None:
        super().__init__(path)
        import zarr
        try:
            root = zarr.open_group(str(path), mode='r')
        except FileNotFoundError:
            raise ValueError('an OME-Zarr folder without .zgroup or '
                             'zarr.json') from None
        groups = list(_image_groups(root))
        if not groups:
            raise ValueError('an OME-Zarr without an image: no '
                             '"multiscales" names one')
        self.hold([_series(group) for group in groups], as_numbers)
        self._describe(groups[0])

    def _describe(self, group: Any) -> None:
        attributes = _attributes(group)
        names = [channel.get('label', '') for channel in
                 attributes.get('omero', {}).get('channels', [])]
        self.channel_names = [name for name in names if name]
        self.pixel_size = _pixel_size(attributes['multiscales'][0])


def _attributes(group: Any) -> dict:
    """OME's part of a group's attributes, which 0.5 has put apart."""
    attributes = dict(group.attrs)
    return attributes.get('ome', attributes)


def _image_groups(group: Any) -> Iterator[Any]:
    """The groups that are images, in the order of the file."""
    attributes = _attributes(group)
    if attributes.get('multiscales'):
        yield group
    elif 'plate' in attributes:
        for well in attributes['plate'].get('wells', []):
            yield from _image_groups(group[well['path']])
    elif 'well' in attributes:
        for field in attributes['well'].get('images', []):
            yield from _image_groups(group[field['path']])
    elif 'bioformats2raw.layout' in attributes:
        number = 0
        while str(number) in group:
            yield from _image_groups(group[str(number)])
            number += 1


def _series(group: Any) -> Series:
    multiscale = _attributes(group)['multiscales'][0]
    array = group[multiscale['datasets'][0]['path']]
    axes = _axes(multiscale, array.ndim)
    outer = [k for k in range(array.ndim) if axes[k] not in 'YX']
    # The standard has Y and X last, in this order.
    if axes[-2:] != 'YX':
        raise ValueError(f'axes {axes}, expected Y and X last')

    def place_of(index: int) -> Tuple[int, ...]:
        return tuple(map(int, np.unravel_index(
            index, [array.shape[k] for k in outer])))

    def read(index: int) -> np.ndarray:
        return np.asarray(array[place_of(index)])

    def levels(index: int) -> List[Level]:
        arrays = [group[one['path']] for one in multiscale['datasets']]
        return [_level(one, place_of(index)) for one in arrays
                if one.shape[:-2] == array.shape[:-2]]

    kept = [k for k in outer if array.shape[k] > 1]
    return Series(''.join(axes[k] for k in kept),
                  tuple(array.shape[k] for k in kept), Samples(),
                  array.shape[-2:], read, levels, group.path)


def _level(array: Any, place: Tuple[int, ...]) -> Level:
    def read(y1: int, y2: int, x1: int, x2: int) -> np.ndarray:
        return np.asarray(array[(*place, slice(y1, y2), slice(x1, x2))])

    return Level(array.shape[-2:], array.chunks[-2:], read)


def _axes(multiscale: dict, ndim: int) -> str:
    axes = multiscale.get('axes') or 'tczyx'[-ndim:]
    letters = ''
    for axis in axes:
        known = axis if isinstance(axis, dict) else dict(name=axis)
        letters += _LETTERS.get(known.get('type', ''),
                                known['name'][:1].upper())
    return letters


def _pixel_size(multiscale: dict) -> Optional[PixelSize]:
    """In µm, of the full size."""
    steps: List[Tuple[str, dict]] = [
        (axis['name'].lower(), axis) for axis in multiscale.get('axes', [])
        if isinstance(axis, dict)]
    scale = np.ones(len(steps))
    for holder in (multiscale['datasets'][0], multiscale):
        for one in holder.get('coordinateTransformations', []):
            if one.get('type') == 'scale' and len(
                    one.get('scale', ())) == len(scale):
                scale = scale * one['scale']
    sizes = {
        name: float(size) * _MICRONS[axis['unit']]
        for (name, axis), size in zip(steps, scale)
        if axis.get('unit') in _MICRONS}
    if {'x', 'y'} <= sizes.keys():
        return PixelSize(sizes['x'], sizes['y'], sizes.get('z'))
    return None
