"""Detections of instances, as arrays per image, and COCO results files.

Letters in shapes: D detections of one image.
"""
import math
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Dict, Iterable, List, Optional, Sequence, Union

import msgspec
import numpy as np
from pycocotools import mask as mask_utils

from pace_mmdet.coco.json_checks import decode_json, syntax_fault
from pace_mmdet.coco.regions import centers_within, is_box
from pace_mmdet.errors import AnnotationError, Faults
from pace_mmdet.files import atomic_file
from pace_mmdet.masks.codes import to_rles
from pace_mmdet.masks.segmentations import NO_MASK, excerpt, read_masks

from .ground_truth import GroundTruth, ImageTruth

WHAT = ('a COCO results file (a list of entries with image_id, score, and '
        'bbox or segmentation)')


@dataclass(frozen=True)
class ImageDetections:
    """The detections of one image, in no particular order.

    Attributes:
        image_id (int): The image's id in the ground truth.
        bboxes (np.ndarray): (D, 4) float64, x, y, w, h in pixels.
        scores (np.ndarray): (D,) float64.
        labels (np.ndarray): (D,) int64, index of the class; scoring ignores
            it.
        counts (List[bytes], optional): D compressed RLE counts of masks of
            the image's size.
    """
    image_id: int
    bboxes: np.ndarray
    scores: np.ndarray
    labels: np.ndarray
    counts: Optional[List[bytes]]


class _Result(msgspec.Struct):
    image_id: int
    score: float
    category_id: int = 1
    bbox: Any = None
    segmentation: Any = None


def load_detections(source: Union[str, os.PathLike, Sequence[dict]],
                    truth: GroundTruth,
                    iou_types: Iterable[str]) -> List[ImageDetections]:
    """Read and check COCO results against the ground truth they belong to.

    Args:
        source (path | Sequence[dict]): A COCO results file or its entries.
        truth (GroundTruth): Gives the images and their sizes.
        iou_types (Iterable[str]): 'bbox' and/or 'segm': what each entry must
            have.

    Returns:
        List[ImageDetections]: One for each image of the ground truth, also
        for those without a detection. The order within an image is the
        file's.

    Raises:
        AnnotationError: One error with all faults: a missing or truncated
            file, unknown image ids, scores or boxes that are missing or not
            finite, absent or unusable masks.
    """
    is_file = isinstance(source, (str, os.PathLike))
    results = _read(Path(source)) if is_file else _convert(source)
    faults = Faults(source if is_file else 'detections')
    with_boxes, with_masks = 'bbox' in iou_types, 'segm' in iou_types
    rows: Dict[int, List[int]] = {image_id: [] for image_id in truth.images}
    counts = [b''] * len(results)
    for row, result in enumerate(results):
        if result.image_id not in truth.images:
            faults.add(f'entry {row}: image_id {result.image_id} is not '
                       f'in {truth.source}')
            continue
        rows[result.image_id].append(row)
        where = f'entry {row} (image {result.image_id})'
        if not math.isfinite(result.score):
            faults.add(f'{where}: score {result.score} should be a finite '
                       'number')
        if with_boxes and not is_box(result.bbox):
            faults.add(f'{where}: bbox {result.bbox} should be [x, y, w, h]')
    for image_id, image_rows in rows.items() if with_masks else ():
        image = truth.images[image_id]
        masks = [results[row].segmentation for row in image_rows]
        found, wrong = read_masks(masks, image.height, image.width)
        for row, text in zip(image_rows, found):
            counts[row] = text
            # The largest part, not needed again.
            results[row].segmentation = None
        for i, fault in wrong.items():
            if fault != NO_MASK or not masks[i]:
                faults.add(f'entry {image_rows[i]} (image {image_id}): '
                           f'{fault}: {excerpt(masks[i])}')
    faults.raise_if_any('Nothing was scored.')
    return [
        _gather(image_id, [results[row] for row in image_rows],
                [counts[row] for row in image_rows] if with_masks else None,
                with_boxes, truth.category_ids)
        for image_id, image_rows in rows.items()
    ]


def within_regions(dets: ImageDetections, image: ImageTruth,
                   iou_type: str) -> ImageDetections:
    """The detections that an image annotated in part can say something of.

    Args:
        dets (ImageDetections): Of the image.
        image (ImageTruth): The image.
        iou_type (str): 'bbox' or 'segm': by what they are scored.

    Returns:
        ImageDetections: Those whose middle, of the box or of the box around
        the mask, lies in a region that is fully annotated.
    """
    if image.regions is None:
        return dets
    bboxes = dets.bboxes
    if iou_type == 'segm':
        codes = to_rles(dets.counts, image.height, image.width)
        bboxes = np.array([mask_utils.toBbox(code) for code in codes])
    kept = np.flatnonzero(
        centers_within(bboxes.reshape(-1, 4), image.regions))
    return replace(
        dets,
        bboxes=dets.bboxes[kept],
        scores=dets.scores[kept],
        labels=dets.labels[kept],
        counts=None if dets.counts is None else
        [dets.counts[i] for i in kept])


def write_results(path: os.PathLike, detections: Iterable[ImageDetections],
                  truth: GroundTruth) -> int:
    """Write a COCO results file, whole or not at all.

    Args:
        path (os.PathLike): The file; an existing one is replaced.
        detections (Iterable[ImageDetections]): Of any images of ``truth``.
        truth (GroundTruth): Gives image sizes and category ids.

    Returns:
        int: The number of entries.
    """
    encoder, number = msgspec.json.Encoder(), 0
    with atomic_file(path) as file:
        file.write(b'[')
        for dets in detections:
            image = truth.images[dets.image_id]
            size = [image.height, image.width]
            for i, bbox in enumerate(dets.bboxes.tolist()):
                entry = dict(
                    image_id=dets.image_id,
                    category_id=_category_id(truth, int(dets.labels[i])),
                    bbox=bbox,
                    score=float(dets.scores[i]))
                if dets.counts is not None:
                    entry['segmentation'] = dict(
                        size=size, counts=dets.counts[i].decode('ascii'))
                file.write(b',\n' if number else b'\n')
                file.write(encoder.encode(entry))
                number += 1
        file.write(b'\n]\n')
    return number


def _read(path: Path) -> List[_Result]:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise AnnotationError(
            f'{path}: {error.strerror}; expected {WHAT}') from None
    try:
        return decode_json(data, List[_Result])
    except msgspec.ValidationError as error:
        raise AnnotationError(f'{path}: not {WHAT}: {error}') from None
    except msgspec.DecodeError as error:
        raise AnnotationError(f'{path}: expected {WHAT}: '
                              f'{syntax_fault(data, error)}') from None


def _convert(entries: Sequence[dict]) -> List[_Result]:
    try:
        return msgspec.convert(entries, List[_Result])
    except msgspec.ValidationError as error:
        raise AnnotationError(f'not {WHAT}: {error}') from None


def _category_id(truth: GroundTruth, label: int) -> int:
    if label < len(truth.category_ids):
        return truth.category_ids[label]
    raise AnnotationError(
        f'{truth.source}: a detection has class {label}, but the file lists '
        f'{len(truth.category_ids)} categories')


def _gather(image_id: int, results: List[_Result],
            counts: Optional[List[bytes]], with_boxes: bool,
            category_ids: Sequence[int]) -> ImageDetections:
    places = {category: i for i, category in enumerate(category_ids)}
    bboxes = [result.bbox if with_boxes else (0, 0, 0, 0)
              for result in results]
    return ImageDetections(
        image_id,
        bboxes=np.array(bboxes, dtype=np.float64).reshape(-1, 4),
        scores=np.array([result.score for result in results],
                        dtype=np.float64),
        labels=np.array([places.get(result.category_id, 0)
                         for result in results], dtype=np.int64),
        counts=counts)
