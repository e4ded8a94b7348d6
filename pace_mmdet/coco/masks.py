"""COCO annotations with masks, and which of them cannot be used."""
from collections import defaultdict
from typing import Any, Container, Dict, List, Optional, Sequence, Tuple, Union

import msgspec

from pace_mmdet.masks.codes import mask_areas
from pace_mmdet.masks.segmentations import read_masks

from .files import Id, ImageEntry
from .regions import is_box


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


def find_unusable(
        annotations: Sequence[MaskAnnotation],
        height: int,
        width: int,
        rasterize: bool = True) -> Tuple[List[bytes], Dict[int, str]]:
    """Read the masks of one image, and say which cannot be trained on.

    By their boxes and areas those that MMDetection's ``CocoDataset`` leaves
    out without a word; then those without a mask, or with one of no pixel.

    Args:
        annotations (Sequence[MaskAnnotation]): N of one image.
        height (int): Height of the image in pixels.
        width (int): Width of the image in pixels.
        rasterize (bool): Whether to make masks of polygons, which takes
            longer; else it isn't known which of them have no pixel.

    Returns:
        tuple: N compressed run-length counts, as
        :func:`~pace_mmdet.masks.segmentations.read_masks` gives them, and why
        some cannot be used: index to reason, the same text for the same
        fault.
    """
    counts, faults = read_masks([ann.segmentation for ann in annotations],
                                height, width, rasterize)
    made = [row for row, text in enumerate(counts) if text]
    areas = dict(zip(made, mask_areas([counts[row] for row in made], height,
                                      width)))
    reasons = {}
    for row, ann in enumerate(annotations):
        reason = _box_fault(ann, height, width) or faults.get(row) or (
            'empty mask' if areas.get(row) == 0 else '')
        if reason:
            reasons[row] = reason
    return counts, reasons


def read_block(
        annotations: Sequence[MaskAnnotation], images: Dict[int, ImageEntry],
        categories: Container[int]) -> Tuple[Dict[int, dict], Dict[int, str]]:
    """Read the masks of some of a file's annotations.

    Args:
        annotations (Sequence[MaskAnnotation]): Of any images.
        images (dict): The file's images by id.
        categories (Container[int]): The ids of the file's categories.

    Returns:
        tuple[dict]: By position, in order: the masks as compressed run-length
        codes, and why the others can't be used.
    """
    by_image = defaultdict(list)
    codes, reasons = {}, {}
    for position, ann in enumerate(annotations):
        if ann.image_id not in images:
            reasons[position] = 'image_id is none of the file\'s images'
        elif ann.category_id not in categories:
            reasons[position] = 'category_id is none of the file\'s categories'
        else:
            by_image[ann.image_id].append(position)
    for image_id, positions in by_image.items():
        size = [images[image_id].height, images[image_id].width]
        counts, unusable = find_unusable([annotations[p] for p in positions],
                                         *size)
        for row, position in enumerate(positions):
            if row in unusable:
                reasons[position] = unusable[row]
            else:
                codes[position] = dict(size=size, counts=counts[row])
    return dict(sorted(codes.items())), dict(sorted(reasons.items()))


def _box_fault(ann: MaskAnnotation, height: int, width: int) -> str:
    if ann.ignore:
        return 'marked "ignore"'
    if not is_box(ann.bbox):
        return 'bbox is not 4 finite numbers'
    x, y, box_width, box_height = ann.bbox
    if box_width < 1 or box_height < 1:
        return 'box narrower or lower than 1 pixel'
    if min(x + box_width, width) <= max(x, 0) or min(
            y + box_height, height) <= max(y, 0):
        return 'box outside the image'
    if ann.area is not None and not ann.area > 0:
        return 'area not above 0'
    return ''
