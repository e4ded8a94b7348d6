"""What must hold in a point COCO file; vectorised over annotations.

Letters in the shapes: A annotations, K points of all of them end to end.
"""
from typing import List, Tuple

import numpy as np

from pace_mmdet.errors import Faults

from .files import CocoFile
from .point_columns import PointColumns


def check_block(columns: PointColumns, num_points: int,
                file: CocoFile) -> Tuple[np.ndarray, np.ndarray]:
    """Note the faults of some annotations in ``file.faults``.

    Args:
        columns (PointColumns): The annotations.
        num_points (int): How many points each must have at least.
        file (CocoFile): Gives the images and categories.

    Returns:
        tuple[ndarray]: Indices of the annotations whose points and image are
        in order, int64, and the position of each annotation's image in
        ``file.images``, -1 where there is none, int64, shape (A, ).
    """
    faults = file.faults
    ids = columns.ann_ids
    image_index = find_ids(columns.image_ids, [i.id for i in file.images])
    known = image_index >= 0
    faults.add_where(
        ~known, lambda i: f'annotation {ids[i]}: image_id '
        f'{columns.image_ids[i]} is none of the file\'s images')
    category_index = find_ids(columns.category_ids,
                              [c.id for c in file.categories])
    faults.add_where(
        category_index < 0, lambda i: f'annotation {ids[i]}: category_id '
        f'{columns.category_ids[i]} is none of the file\'s categories '
        f'{[c.id for c in file.categories][:10]}')

    sizes = np.array([(i.width, i.height) for i in file.images] + [(0, 0)],
                     dtype=np.float64)[image_index]
    _check_boxes(columns, sizes, known, faults)
    complete = _check_counts(columns, num_points, faults)
    _check_points(columns, sizes, known, faults)
    _check_labels(columns, faults)
    # An earlier fault makes the file unusable as a whole; nothing is kept
    # then, and values that fit no integer are never converted.
    usable = known & complete
    return np.flatnonzero(usable & (not faults)), image_index


def check_unique(ids: List[np.ndarray], faults: Faults) -> None:
    """Note every annotation id that occurs more than once.

    Args:
        ids (list[ndarray]): Annotation ids, int64, in blocks.
        faults (Faults): Where to note them.
    """
    values, counts = np.unique(
        np.concatenate(ids) if ids else np.zeros(0, np.int64),
        return_counts=True)
    faults.add_where(
        counts > 1, lambda i: f'annotation {values[i]}: this id occurs '
        f'{counts[i]} times')


def find_ids(wanted: np.ndarray, table: List[int]) -> np.ndarray:
    """Positions of ids in a table.

    Args:
        wanted (ndarray): Ids, int64, shape (A, ).
        table (list[int]): Unique ids in any order.

    Returns:
        ndarray: Position in ``table``, -1 if absent; int64, shape (A, ).
    """
    if not len(table):
        return np.full(len(wanted), -1, dtype=np.int64)
    table = np.asarray(table, dtype=np.int64)
    order = np.argsort(table)
    rank = np.searchsorted(table[order], wanted).clip(max=len(table) - 1)
    found = order[rank]
    return np.where(table[found] == wanted, found, -1)


def _check_boxes(columns: PointColumns, sizes: np.ndarray,
                 known: np.ndarray, faults: Faults) -> None:
    ids, boxes = columns.ann_ids, columns.bboxes
    x, y, width, height = boxes.T
    finite = np.isfinite(boxes).all(axis=1)
    faults.add_where(
        ~finite, lambda i: f'annotation {ids[i]}: bbox {boxes[i].tolist()}, '
        'expected 4 finite numbers')
    empty = finite & ((width <= 0) | (height <= 0))
    faults.add_where(
        empty, lambda i: f'annotation {ids[i]}: bbox {boxes[i].tolist()} '
        '(x, y, width, height), expected a width and height above 0')
    outside = (x >= sizes[:, 0]) | (y >= sizes[:, 1]) | (x + width <= 0) | (
        y + height <= 0)
    faults.add_where(
        finite & ~empty & known & outside,
        lambda i: f'annotation {ids[i]}: bbox {boxes[i].tolist()} (x, y, '
        f'width, height) lies outside its image of {_size(sizes[i])}')
    far = (boxes[:, :2] < -10 * sizes).any(axis=1) | (
        boxes[:, :2] + boxes[:, 2:] > 11 * sizes).any(axis=1)
    faults.add_where(
        finite & ~empty & known & ~outside & far,
        lambda i: f'annotation {ids[i]}: bbox {boxes[i].tolist()} (x, y, '
        'width, height) reaches out of its image by more than ten times its '
        f'size, {_size(sizes[i])}')


def _check_counts(columns: PointColumns, num_points: int,
                  faults: Faults) -> np.ndarray:
    """Check the numbers of points; return who has enough, shape (A, )."""
    ids, coords, labels = (columns.ann_ids, columns.num_coords,
                           columns.num_labels)
    has_points = columns.has_points
    faults.add_where(
        ~has_points, lambda i: f'annotation {ids[i]}: no point_coords or no '
        'point_labels, expected a list in both')
    unequal = has_points & (coords != labels)
    faults.add_where(
        unequal, lambda i: f'annotation {ids[i]}: {coords[i]} point_coords '
        f'but {labels[i]} point_labels, expected as many')
    few = has_points & ~unequal & (coords < num_points)
    faults.add_where(
        few, lambda i: f'annotation {ids[i]}: {coords[i]} points, expected '
        f'at least num_points={num_points}')
    return has_points & ~unequal & ~few


def _check_points(columns: PointColumns, sizes: np.ndarray,
                  known: np.ndarray, faults: Faults) -> None:
    owner = np.repeat(np.arange(len(columns.ann_ids)), columns.num_coords)
    x, y = columns.coords.T
    if columns.coords.dtype.kind == 'i':
        whole = np.ones(len(x), dtype=bool)
    else:
        whole = (np.isfinite(x) & np.isfinite(y) & (x == np.floor(x)) &
                 (y == np.floor(y)))

    def name(k: int) -> str:
        return (f'annotation {columns.ann_ids[owner[k]]}: point '
                f'[{x[k]:g}, {y[k]:g}]')

    faults.add_where(
        ~whole, lambda k: f'{name(k)}, expected whole numbers, the column '
        'and row of a pixel')
    widths, heights = sizes.T
    outside = ((x < 0) | (y < 0) | (x >= widths[owner]) |
               (y >= heights[owner]))
    faults.add_where(
        whole & known[owner] & outside, lambda k: f'{name(k)} lies outside '
        f'its image of {_size(sizes[owner[k]])}')


def _check_labels(columns: PointColumns, faults: Faults) -> None:
    labels = columns.labels
    wrong = ~((labels == 0) | (labels == 1) | (labels == -1))
    if not wrong.any():
        return
    owner = np.repeat(columns.ann_ids, columns.num_labels)
    faults.add_where(
        wrong, lambda k: f'annotation {owner[k]}: point label {labels[k]:g}, '
        'expected 1 (on the cell), 0 (off it) or -1 (not to be used)')


def _size(size: np.ndarray) -> str:
    return f'{size[0]:.0f} x {size[1]:.0f} pixels (width x height)'
