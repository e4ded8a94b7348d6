"""Sizes of pixels and names of channels that TIFF files carry."""
import xml.etree.ElementTree as ElementTree
from typing import List, Optional

import tifffile

from .ome import find_all
from .planes import PixelSize

_MICRONS = {'micron', 'microns', 'um', 'µm', 'μm', '\\u00B5m'}


def pixel_size(tif: tifffile.TiffFile) -> Optional[PixelSize]:
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


def channel_names(tif: tifffile.TiffFile) -> List[str]:
    """Names of the channels, as far as the file has them."""
    pixels = _ome_pixels(tif) if tif.is_ome else None
    if pixels is None:
        return []
    names = [node.get('Name', '') for node in find_all(pixels, 'Channel')]
    return [name for name in names if name]


def _ratio(tag: Optional[tifffile.TiffTag]) -> float:
    if tag is None:
        return 0.
    above, below = tag.value
    return above / below if below else 0.


def _ome_pixels(tif: tifffile.TiffFile) -> Optional[ElementTree.Element]:
    """The description of the first image."""
    root = ElementTree.fromstring(tif.ome_metadata)
    return next(find_all(root, 'Pixels'), None)
