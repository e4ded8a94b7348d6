"""Reading point COCO files: boxes and yes/no points, as arrays.

Letters in the shapes: A annotations, P points per cell.
"""
import gc
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Iterator, List, Union

import numpy as np

from pace_mmdet.errors import AnnotationError

from .files import Category, CocoFile, ImageEntry
from .point_checks import check_block, check_unique
from .point_columns import (PointAnnotation, PointColumns, text_to_columns,
                            to_columns)

# What is done once a block no longer counts then, and a block is 10 MB.
_BLOCK_SIZE = 20_000

MAKE_POINTS = 'pace data points MASKS.json POINTS.json --max-points 10'


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
        for block in file.blocks(PointAnnotation, _BLOCK_SIZE,
                                 text_to_columns):
            columns = (block if isinstance(block, PointColumns) else
                       to_columns(block))
            num_read += len(columns.ann_ids)
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
