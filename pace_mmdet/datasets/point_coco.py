"""Reading point COCO files: boxes and yes/no points, as arrays.

Letters in the shapes: A annotations, P points per cell, K points of all
annotations of a block laid end to end.
"""
import gc
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, Iterator, List, NamedTuple, Sequence, Tuple, Union

import msgspec
import numpy as np

from .coco_json import Category, CocoFile, Id, ImageEntry
from .errors import AnnotationError
from .point_checks import check_block, check_unique

MAKE_POINTS = ('python tools/dataset_converters/masks_to_points.py MASKS.json '
               'POINTS.json --max-points 10')


class PointAnnotation(msgspec.Struct, gc=False):
    """One annotation of a point COCO file, as it stands there."""
    id: Id
    image_id: Id
    category_id: Id
    bbox: Tuple[float, float, float, float]
    point_coords: Union[List[Tuple[float, float]], msgspec.UnsetType,
                        None] = msgspec.UNSET
    point_labels: Union[List[float], msgspec.UnsetType, None] = msgspec.UNSET
    iscrowd: Union[bool, int] = 0


class PointColumns(NamedTuple):
    """Annotations as arrays, one element or row per annotation.

    Attributes:
        ann_ids: int64, shape (A, ).
        image_ids: int64, shape (A, ).
        category_ids: int64, shape (A, ).
        bboxes: (x, y, width, height) in image pixels, float64, shape (A, 4).
        iscrowd: bool, shape (A, ).
        has_points: Whether both point fields are there, bool, shape (A, ).
        num_coords: int64, shape (A, ).
        num_labels: int64, shape (A, ).
        coords: (x, y) of all points end to end, float64, shape (K, 2).
        labels: Labels of all points end to end, float64, shape (K, ).
    """
    ann_ids: np.ndarray
    image_ids: np.ndarray
    category_ids: np.ndarray
    bboxes: np.ndarray
    iscrowd: np.ndarray
    has_points: np.ndarray
    num_coords: np.ndarray
    num_labels: np.ndarray
    coords: np.ndarray
    labels: np.ndarray


@dataclass
class PointCoco:
    """A whole point COCO file, checked.

    Attributes:
        images: The file's images, in its order.
        categories: The file's categories, in its order.
        info: The file's ``info`` block.
        ann_ids: int64, shape (A, ).
        image_index: Position of each annotation's image in ``images``,
            int64, shape (A, ).
        category_ids: int64, shape (A, ).
        bboxes: (x1, y1, x2, y2) in image pixels, float32, shape (A, 4).
        iscrowd: bool, shape (A, ).
        coords: Pixel indices (x, y) of the first P points, int32,
            shape (A, P, 2).
        labels: 1 on the cell, 0 off it, -1 not to be used; int8,
            shape (A, P).
    """
    images: List[ImageEntry]
    categories: List[Category]
    info: dict
    ann_ids: np.ndarray
    image_index: np.ndarray
    category_ids: np.ndarray
    bboxes: np.ndarray
    iscrowd: np.ndarray
    coords: np.ndarray
    labels: np.ndarray


def check_num_points(num_points: Any) -> int:
    """Return ``num_points`` if it is a usable number of points.

    Raises:
        ValueError: If it is not an integer of at least 1.
    """
    if (not isinstance(num_points, (int, np.integer))
            or isinstance(num_points, bool) or num_points < 1):
        raise ValueError('num_points must be a whole number of at least 1, '
                         f'the points used per cell; got {num_points!r}')
    return int(num_points)


def read_point_coco(path: Union[str, Path], num_points: int) -> PointCoco:
    """Read and check a point COCO file.

    Args:
        path (str or Path): The JSON file.
        num_points (int): Points per cell to return, P: the first ones.

    Returns:
        PointCoco: Its content.

    Raises:
        ValueError: If ``num_points`` is below 1.
        AnnotationError: If the file is missing, no JSON, made for masks, or
            if anything in it is wrong; lists all faults.
    """
    num_points = check_num_points(num_points)
    file = CocoFile(path)
    rows, ids, num_read, num_with_points = [], [], 0, 0
    with _no_garbage_collection():
        for block in file.blocks(PointAnnotation):
            columns = to_columns(block)
            num_read += len(block)
            num_with_points += int(columns.has_points.sum())
            usable, image_index = check_block(columns, num_points, file)
            ids.append(columns.ann_ids)
            rows.append(_keep(columns, usable, image_index, num_points))
    if num_read and not num_with_points:
        raise AnnotationError(
            f'{path}: none of its {num_read} annotations has point_coords '
            'and point_labels, so this is no point COCO file. If it holds '
            f'masks, make the points with\n  {MAKE_POINTS}')
    check_unique(ids, file.faults)
    file.faults.raise_if_any(
        'Correct the file, or make it again from masks with\n  ' +
        MAKE_POINTS)
    return PointCoco(file.images, file.categories, file.info,
                     *_join(rows, num_points))


@contextmanager
def _no_garbage_collection() -> Iterator[None]:
    """Keep Python from searching millions of new lists for cycles.

    There are none, and the search takes half of the reading time.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def to_columns(annotations: Sequence[PointAnnotation]) -> PointColumns:
    """Lay annotations out as arrays.

    Args:
        annotations (Sequence[PointAnnotation]): A of them.

    Returns:
        PointColumns: The same as arrays.
    """
    count = len(annotations)
    coords = [_or_empty(ann.point_coords) for ann in annotations]
    labels = [_or_empty(ann.point_labels) for ann in annotations]
    num_coords = np.fromiter(map(len, coords), np.int64, count)
    num_labels = np.fromiter(map(len, labels), np.int64, count)
    numbers = chain.from_iterable
    return PointColumns(
        np.fromiter((a.id for a in annotations), np.int64, count),
        np.fromiter((a.image_id for a in annotations), np.int64, count),
        np.fromiter((a.category_id for a in annotations), np.int64, count),
        np.fromiter(
            numbers(a.bbox for a in annotations), np.float64,
            4 * count).reshape(-1, 4),
        np.fromiter((a.iscrowd for a in annotations), bool, count),
        np.fromiter(
            (isinstance(a.point_coords, list)
             and isinstance(a.point_labels, list) for a in annotations),
            bool, count),
        num_coords,
        num_labels,
        np.fromiter(
            numbers(numbers(coords)), np.float64,
            2 * int(num_coords.sum())).reshape(-1, 2),
        np.fromiter(numbers(labels), np.float64, int(num_labels.sum())),
    )


def _or_empty(points: Any) -> list:
    return points if isinstance(points, list) else []


def _keep(columns: PointColumns, usable: np.ndarray, image_index: np.ndarray,
          num_points: int) -> tuple:
    """The usable annotations with their first points, compactly."""
    starts = np.cumsum(columns.num_coords) - columns.num_coords
    label_starts = np.cumsum(columns.num_labels) - columns.num_labels
    steps = np.arange(num_points)
    bboxes = columns.bboxes[usable]
    bboxes[:, 2:] += bboxes[:, :2]
    return (columns.ann_ids[usable], image_index[usable],
            columns.category_ids[usable], bboxes.astype(np.float32),
            columns.iscrowd[usable],
            columns.coords[starts[usable, None] + steps].astype(np.int32),
            columns.labels[label_starts[usable, None] + steps].astype(np.int8))


def _join(rows: List[tuple], num_points: int) -> List[np.ndarray]:
    if not rows:
        rows = [_keep(to_columns([]), np.zeros(0, np.int64),
                      np.zeros(0, np.int64), num_points)]
    return [np.concatenate(column) for column in zip(*rows)]
