"""Ground truth of instance segmentation, as arrays per image.

Letters in shapes: G cells of one image.
"""
import logging
import math
import os
from dataclasses import dataclass
from typing import (Any, Dict, Iterable, Iterator, List, Mapping, Optional,
                    Tuple, Union)

import msgspec
import numpy as np
from mmengine.logging import print_log

from pace_mmdet.coco.files import CocoFile, Id, ImageEntry
from pace_mmdet.coco.regions import complete_regions, cut_off, note_faults
from pace_mmdet.coco.whole_file import check_some_left
from pace_mmdet.errors import AnnotationError, Faults
from pace_mmdet.masks.codes import empty_counts, mask_areas
from pace_mmdet.masks.segmentations import NO_MASK, excerpt, read_masks


@dataclass(frozen=True)
class ImageTruth:
    """The cells of one image.

    Attributes:
        file_name (str): As the file gives it; two ids may share one.
        height (int): In pixels.
        width (int): In pixels.
        bboxes (np.ndarray): (G, 4) float64, x, y, w, h in pixels.
        areas (np.ndarray): (G,) float64, the file's ``area``, in pixels;
            where it has none, the mask's, or the box's without masks.
        crowd (np.ndarray): (G,) bool, the file's ``iscrowd``, and cells that
            reach out of what is fully annotated: what lies in them counts
            neither way.
        counts (List[bytes], optional): G compressed RLE counts.
        regions (np.ndarray, optional): (K, 4) int64, x1, y1, x2, y2, what is
            fully annotated; None if all of it is.
    """
    file_name: str
    height: int
    width: int
    bboxes: np.ndarray
    areas: np.ndarray
    crowd: np.ndarray
    counts: Optional[List[bytes]]
    regions: Optional[np.ndarray] = None


@dataclass(frozen=True)
class GroundTruth:
    """A whole data set.

    Attributes:
        source (str): Where it comes from, for messages.
        images (Dict[int, ImageTruth]): By image id.
        category_ids (Tuple[int, ...]): In the file's order.
        has_masks (bool): Whether it can score masks.
    """
    source: str
    images: Dict[int, ImageTruth]
    category_ids: Tuple[int, ...]
    has_masks: bool


class _Annotation(msgspec.Struct, gc=False):
    id: Id
    image_id: Id
    bbox: Tuple[float, float, float, float]
    area: Optional[float] = None
    iscrowd: Union[int, bool] = 0
    segmentation: Any = None
    point_coords: Any = None


class _Category(msgspec.Struct):
    id: Id


class _Content(msgspec.Struct):
    """Ground truth in memory, with what a file would give."""
    images: List[ImageEntry]
    annotations: List[_Annotation]
    categories: List[_Category] = []


class _Cells:
    """Gathers the annotations of one image."""

    def __init__(self) -> None:
        self.bboxes: List[Tuple[float, ...]] = []
        self.areas: List[float] = []
        self.crowd: List[bool] = []
        self.counts: List[bytes] = []

    def add(self, ann: _Annotation, counts: Optional[bytes],
            area: float) -> None:
        self.bboxes.append(ann.bbox)
        self.areas.append(area)
        self.crowd.append(bool(ann.iscrowd))
        if counts is not None:
            self.counts.append(counts)

    def as_truth(self, image: ImageEntry, with_masks: bool) -> ImageTruth:
        size = image.height, image.width
        bboxes = np.array(self.bboxes, dtype=np.float64).reshape(-1, 4)
        crowd = np.array(self.crowd, dtype=bool)
        regions = complete_regions(image.complete, *size)
        if regions is not None:
            corners = np.c_[bboxes[:, :2], bboxes[:, :2] + bboxes[:, 2:]]
            crowd = crowd | cut_off(corners, regions, *size)
        return ImageTruth(
            image.file_name,
            *size,
            bboxes=bboxes,
            areas=np.array(self.areas, dtype=np.float64),
            crowd=crowd,
            counts=self.counts if with_masks else None,
            regions=regions)


def load_ground_truth(source: Union[str, os.PathLike, Mapping, GroundTruth],
                      with_masks: bool = True) -> GroundTruth:
    """Read and check ground truth; polygons become RLE here, once.

    The file is taken as it is, cells and images listed twice included, as
    LIVECell's published numbers do. Polygons that enclose nothing stay as
    cells of no pixel, which can't be found; the log counts them.

    Args:
        source (path | dict | GroundTruth): A COCO annotation file, its
            content, or what this function gave before.
        with_masks (bool): Whether masks will be scored.

    Returns:
        GroundTruth: All images of the file.

    Raises:
        AnnotationError: One error with all faults of the file: missing,
            truncated, doubled ids, unknown image ids, boxes or areas that are
            missing or not finite, and with ``with_masks`` absent or unusable
            masks.
    """
    if isinstance(source, GroundTruth):
        if with_masks and not source.has_masks:
            raise ValueError(f'{source.source}: was read without masks; read '
                             'it with with_masks=True to score masks')
        return source
    if isinstance(source, Mapping):
        name, faults = 'ground truth', Faults('ground truth')
        content = _convert(source)
        images, categories = content.images, content.categories
        note_faults(images, faults)
        blocks: Iterable[List[_Annotation]] = [content.annotations]
    else:
        file = CocoFile(source)
        name, faults = str(source), file.faults
        images, categories = file.images, file.categories
        blocks = file.blocks(_Annotation)
    return _gather(name, images, [category.id for category in categories],
                   blocks, faults, with_masks)


def _convert(content: Mapping) -> _Content:
    try:
        return msgspec.convert(content, _Content, strict=False)
    except msgspec.ValidationError as error:
        raise AnnotationError(f'ground truth: {error}') from None


def _gather(name: str, images: List[ImageEntry], category_ids: List[int],
            blocks: Iterable[List[_Annotation]], faults: Faults,
            with_masks: bool) -> GroundTruth:
    sizes = {image.id: (image.height, image.width) for image in images}
    if len(sizes) < len(images):
        faults.add('an image id is used twice')
    if any(min(size) < 1 for size in sizes.values()):
        faults.add('an image is less than 1 pixel high or wide')
    cells = {image_id: _Cells() for image_id in sizes}
    seen, points, empty = set(), 0, 0
    for block in blocks:
        sound: Dict[int, List[_Annotation]] = {}
        for ann in block:
            found = list(_faults_of(ann, sizes, seen, with_masks))
            for fault in found:
                faults.add(f'annotation {ann.id}: {fault}')
            seen.add(ann.id)
            points += ann.point_coords is not None and not ann.segmentation
            if not found and min(sizes[ann.image_id]) > 0:
                sound.setdefault(ann.image_id, []).append(ann)
        for image_id, anns in sound.items():
            counts, wrong = read_masks(
                [ann.segmentation for ann in anns],
                *sizes[image_id]) if with_masks else ([None] * len(anns), {})
            areas = _areas(anns, counts, sizes[image_id])
            for row, (ann, text) in enumerate(zip(anns, counts)):
                cells[image_id].add(ann, text, areas[row])
                empty += text == empty_counts(*sizes[image_id])
                if wrong.get(row, NO_MASK) != NO_MASK:
                    faults.add(f'annotation {ann.id}: {wrong[row]}: '
                               f'{excerpt(ann.segmentation)}')
    faults.raise_if_any(
        'The file holds points, not masks: give the mask JSON that they were '
        "made from, or score boxes only (metric='bbox')." if with_masks
        and points else 'Nothing can be scored with such a file.')
    kept = sum(len(found.bboxes) for found in cells.values())
    check_some_left(name, kept, sum(sum(found.crowd)
                                    for found in cells.values()), {},
                    'Nothing can be scored.')
    if empty:
        print_log(
            f'{name}: {empty} cells have a mask of no pixel; they count as '
            'cells that were not found.',
            logger='current',
            level=logging.WARNING)
    return GroundTruth(
        name, {
            image.id: cells[image.id].as_truth(image, with_masks)
            for image in images
        }, tuple(category_ids), with_masks)


def _areas(anns: List[_Annotation], counts: List[Optional[bytes]],
           size: Tuple[int, int]) -> List[float]:
    """Areas of one image's cells, from masks or boxes where the file lacks
    them."""
    missing = [row for row, ann in enumerate(anns) if ann.area is None]
    areas = [ann.area for ann in anns]
    made = [row for row in missing if counts[row]]
    for row, area in zip(made, mask_areas([counts[row] for row in made],
                                          *size)):
        areas[row] = float(area)
    for row in missing:
        if areas[row] is None:
            areas[row] = anns[row].bbox[2] * anns[row].bbox[3]
    return areas


def _faults_of(ann: _Annotation, sizes: Mapping[int, Tuple[int, int]],
               seen: set, with_masks: bool) -> Iterator[str]:
    size = sizes.get(ann.image_id)
    if ann.id in seen:
        yield 'this id is used twice'
    if size is None:
        yield f'image_id {ann.image_id} is not among the images'
    if not all(map(math.isfinite, ann.bbox)):
        yield f'bbox {list(ann.bbox)} should be four finite numbers'
    if ann.area is not None and not math.isfinite(ann.area):
        yield (f'area {ann.area} should be a number; which cells are small, '
               'medium and large depends on it')
    if with_masks and not ann.segmentation:
        yield 'no segmentation'
