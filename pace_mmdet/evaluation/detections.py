"""Detections of instances, as arrays per image, and COCO results files.

Letters in shapes: D detections of one image.
"""
import math
import os
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import (Any, BinaryIO, Dict, Iterable, Iterator, List, Optional,
                    Sequence, Union)

import msgspec
import numpy as np

from .faults import raise_faults
from .ground_truth import GroundTruth
from .json_reading import convert, read_json
from .masks import to_counts

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
        FileNotFoundError: If there is no such file.
        ValueError: One error with all faults: truncated JSON, unknown image
            ids, scores or boxes that are missing or not finite, absent or
            unusable masks.
    """
    if isinstance(source, (str, os.PathLike)):
        name = str(source)
        results = read_json(source, List[_Result], WHAT)
    else:
        name = 'detections'
        results = convert(source, List[_Result], WHAT)
    with_boxes, with_masks = 'bbox' in iou_types, 'segm' in iou_types
    rows: Dict[int, List[int]] = {image_id: [] for image_id in truth.images}
    faults: List[str] = []
    counts: List[bytes] = []
    for row, result in enumerate(results):
        image = truth.images.get(result.image_id)
        counts.append(b'')
        if image is None:
            faults.append(f'entry {row}: image_id {result.image_id} is not '
                          f'in {truth.source}')
            continue
        rows[result.image_id].append(row)
        if not math.isfinite(result.score):
            faults.append(f'entry {row} (image {result.image_id}): score '
                          f'{result.score} should be a finite number')
        if with_boxes and not _is_box(result.bbox):
            faults.append(f'entry {row} (image {result.image_id}): bbox '
                          f'{result.bbox} should be [x, y, w, h]')
        if with_masks:
            try:
                counts[row] = to_counts(result.segmentation, image.height,
                                        image.width)
            except ValueError as error:
                faults.append(
                    f'entry {row} (image {result.image_id}): {error}')
            result.segmentation = None
    if faults:
        raise_faults(name, faults, 'Nothing was scored.')
    return [
        _gather(image_id, [results[row] for row in image_rows],
                [counts[row] for row in image_rows] if with_masks else None,
                with_boxes, truth.category_ids)
        for image_id, image_rows in rows.items()
    ]


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
    with _replacing(Path(path)) as file:
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


@contextmanager
def _replacing(path: Path) -> Iterator[BinaryIO]:
    """A temporary file beside ``path`` that takes its place at the end."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f'.{path.name}.{os.getpid()}.tmp')
    try:
        with open(temporary, 'wb') as file:
            yield file
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def _is_box(bbox: Any) -> bool:
    return (isinstance(bbox, (list, tuple)) and len(bbox) == 4
            and all(isinstance(value, (int, float)) for value in bbox)
            and all(map(math.isfinite, bbox)))


def _category_id(truth: GroundTruth, label: int) -> int:
    if label < len(truth.category_ids):
        return truth.category_ids[label]
    raise ValueError(f'{truth.source}: a detection has class {label}, but the '
                     f'file lists {len(truth.category_ids)} categories')


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
