"""OME-TIFF files that describe a set, and hold a part of it themselves.

Microscopes write one file for each position or time, and the description of
all of them into each. Here a file stands for its own planes; no other file
is opened.
"""
import xml.etree.ElementTree as ElementTree
from typing import Dict, Iterator, List, NamedTuple, Optional, Tuple

import numpy as np


class OwnImage(NamedTuple):
    """The planes of one of the set's images that lie in this file.

    Attributes:
        axes (str): A letter for each axis along which there are several.
        shape (tuple[int]): Their lengths.
        pages (list[int]): Numbers of the file's pages, in that order.
    """
    axes: str
    shape: Tuple[int, ...]
    pages: List[int]


def own_images(xml: str, file_name: str,
               num_pages: int) -> Optional[List[OwnImage]]:
    """What an OME-TIFF of a set holds itself.

    Args:
        xml (str): The description.
        file_name (str): The file's name; tells its planes from others' where
            the description lacks the file's own UUID.
        num_pages (int): Of the file.

    Returns:
        list[OwnImage], optional: None if the description names no other
        file.
    """
    root = ElementTree.fromstring(xml)
    own_id = root.get('UUID')
    images, others = [], False
    for pixels in find_all(root, 'Pixels'):
        order, sizes = _outer_axes(pixels)
        held: Dict[int, int] = {}
        for first, page, count, uuid in _blocks(pixels, order, sizes,
                                                num_pages):
            if not _is_own(uuid, own_id, file_name):
                others = True
                continue
            for step in range(count):
                if page + step < num_pages:
                    held[first + step] = page + step
        if held:
            images.append(_arranged(held, order, sizes))
    return images if others else None


def find_all(node: ElementTree.Element,
             name: str) -> Iterator[ElementTree.Element]:
    """The elements of a name, in any of OME's name spaces."""
    return (child for child in node.iter()
            if child.tag.rpartition('}')[2] == name)


def _outer_axes(pixels: ElementTree.Element) -> Tuple[str, List[int]]:
    """Letters and lengths of the axes of planes, the outermost first."""
    # XYCZT: X runs fastest.
    order = pixels.get('DimensionOrder', 'XYCZT')[:1:-1]
    sizes = {axis: int(pixels.get(f'Size{axis}', 1)) for axis in order}
    samples = [int(channel.get('SamplesPerPixel', 1))
               for channel in find_all(pixels, 'Channel')]
    if samples and 'C' in sizes:
        # Red, green and blue of a plane count as three.
        sizes['C'] = max(sizes['C'] // max(samples), 1)
    return order, [sizes[axis] for axis in order]


def _blocks(pixels: ElementTree.Element, order: str, sizes: List[int],
            num_pages: int) -> Iterator[tuple]:
    """Place of the first plane, first page, number, and UUID of each block."""
    for block in find_all(pixels, 'TiffData'):
        first = np.ravel_multi_index(
            [int(block.get(f'First{axis}', 0)) for axis in order], sizes,
            mode='clip')
        page = int(block.get('IFD', 0))
        count = block.get('PlaneCount') or block.get('NumPlanes')
        if count is None:
            count = 1 if 'IFD' in block.attrib else num_pages - page
        yield int(first), page, int(count), next(find_all(block, 'UUID'),
                                                 None)


def _is_own(uuid: Optional[ElementTree.Element], own_id: Optional[str],
            file_name: str) -> bool:
    if uuid is None:
        return True
    if own_id is not None:
        return uuid.text == own_id
    return uuid.get('FileName', '').lower() == file_name.lower()


def _arranged(held: Dict[int, int], order: str,
              sizes: List[int]) -> OwnImage:
    """The planes along the axes, or one after the other if some lack."""
    places = sorted(held)
    pages = [held[place] for place in places]
    index = np.unravel_index(
        np.minimum(places, np.prod(sizes, dtype=np.int64) - 1), sizes)
    lengths = [len(np.unique(column)) for column in index]
    if np.prod(lengths) != len(places):
        return OwnImage('I', (len(places), ), pages)
    kept = [k for k, length in enumerate(lengths) if length > 1]
    return OwnImage(''.join(order[k] for k in kept),
                    tuple(lengths[k] for k in kept), pages)
