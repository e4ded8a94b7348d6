"""COCO annotations with masks, and which of them cannot be used."""
from typing import Any, Container, Dict, List, Optional, Tuple, Union

import msgspec
import numpy as np
from pycocotools import mask as mask_utils

from pace_mmdet.masks.run_lengths import compressed_counts, decode_counts
from pace_mmdet.masks.segmentations import clean_segmentation, is_near

from .files import Id, ImageEntry

_NOT_FILLING = 'run-length code that does not fill its image'


class MaskAnnotation(msgspec.Struct, gc=False):
    """One annotation of a COCO file with masks, as it stands there."""
    id: Id
    image_id: Id
    category_id: Id
    bbox: Any = None
    area: Optional[float] = None
    segmentation: Union[dict, list, None] = None
    iscrowd: Union[bool, int] = 0
    ignore: Union[bool, int] = False


def unusable_reason(bbox: Any, area: Optional[float], segmentation: Any,
                    ignore: bool, height: int, width: int) -> str:
    """Say why an annotation cannot be trained on.

    The first four rules are those by which MMDetection's ``CocoDataset``
    leaves annotations out (without a word); the last two keep what has no
    mask to label points by.

    Args:
        bbox (list[float]): (x, y, width, height) in image pixels.
        area (float, optional): The annotation's area; None is no fault.
        segmentation (list | dict): Polygons or run-length code.
        ignore (bool): Whether the file says to ignore it.
        height (int): Height of the image in pixels.
        width (int): Width of the image in pixels.

    Returns:
        str: The reason, the same text for the same fault; empty if usable.
    """
    if ignore:
        return 'marked "ignore"'
    if not _is_box(bbox):
        return 'bbox is not 4 finite numbers'
    x, y, box_width, box_height = bbox
    if box_width < 1 or box_height < 1:
        return 'box narrower or lower than 1 pixel'
    if min(x + box_width, width) <= max(x, 0) or min(
            y + box_height, height) <= max(y, 0):
        return 'box outside the image'
    if area is not None and not area > 0:
        return 'area not above 0'
    return _unusable_mask(segmentation, height, width)


def mask_or_reason(ann: MaskAnnotation, images: Dict[int, ImageEntry],
                   categories: Container[int]) -> Tuple[Optional[dict], str]:
    """Give an annotation's mask, or say why nothing can be learned from it.

    Stricter than :func:`unusable_reason`, since the mask is made: it must
    have a pixel, and a run-length code must fill its image.

    Args:
        ann (MaskAnnotation): The annotation.
        images (dict): The file's images by id.
        categories (Container[int]): The ids of the file's categories.

    Returns:
        tuple[dict | None, str]: The mask as a compressed run-length code, or
        None and the reason, the same text for the same fault.
    """
    image = images.get(ann.image_id)
    if image is None:
        return None, 'image_id is none of the file\'s images'
    if ann.category_id not in categories:
        return None, 'category_id is none of the file\'s categories'
    height, width = image.height, image.width
    reason = unusable_reason(ann.bbox, ann.area, ann.segmentation, ann.ignore,
                             height, width)
    if reason:
        return None, reason
    counts = compressed_counts(
        clean_segmentation(ann.segmentation), height, width)
    if isinstance(ann.segmentation, dict) and not _fills(
            counts, height * width):
        return None, _NOT_FILLING
    code = dict(size=[height, width], counts=counts)
    return (code, '') if mask_utils.area(code) else (None, 'empty mask')


def _is_box(bbox: Any) -> bool:
    return (isinstance(bbox, (list, tuple)) and len(bbox) == 4
            and all(isinstance(side, (int, float)) for side in bbox)
            and all(np.isfinite(side) for side in bbox))


def _unusable_mask(segmentation: Any, height: int, width: int) -> str:
    if isinstance(segmentation, dict):
        counts = segmentation.get('counts')
        if (segmentation.get('size') != [height, width] or not counts
                or not isinstance(counts, (list, str, bytes))):
            return 'run-length code without counts or of another size'
        if not isinstance(counts, list) and not counts.isascii():
            return _NOT_FILLING
        if isinstance(counts, list) and not _are_runs(counts, height * width):
            return _NOT_FILLING
        if not _run_length_area(counts, height, width):
            return 'empty mask'
        return ''
    polygons = clean_segmentation(segmentation)
    if not polygons:
        return 'no mask'
    if not all(is_near(polygon, height, width) for polygon in polygons):
        return ('polygon with coordinates that are no numbers or far outside '
                'the image')
    return ''


def _are_runs(counts: list, pixels: int) -> bool:
    return all(
        isinstance(run, int) and run >= 0
        for run in counts) and sum(counts) == pixels


def _fills(counts: bytes, pixels: int) -> bool:
    """Whether a compressed run-length code is sound and fills its image."""
    try:
        runs, _ = decode_counts([counts])
    except ValueError:
        return False
    return runs.min() >= 0 and runs.sum() == pixels


def _run_length_area(counts: Union[str, bytes, List[int]], height: int,
                     width: int) -> int:
    if isinstance(counts, list):
        return sum(counts[1::2])
    return int(mask_utils.area(dict(size=[height, width], counts=counts)))
