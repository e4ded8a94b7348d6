"""Drawing random points in boxes."""
import numpy as np

from .hashing import hashed_uniform

_STREAM = 1


def draw_points(bboxes: np.ndarray,
                ann_ids: np.ndarray,
                num_points: int,
                height: int,
                width: int,
                seed: int = 0) -> np.ndarray:
    """Draw points uniformly in boxes, as pixels of the image.

    The rule is that of the paper (section 4: "automatically and randomly ...
    inside or on the edge of the bounding box") in the form that the reference
    uses (detectron2, projects/PointSup): uniform in the box, floored to whole
    pixels. Points of a box that reaches out of the image are moved to its
    border pixels.

    The points of a cell depend on ``seed`` and its ``ann_id`` only, and the
    first n of them are what ``num_points=n`` gives.

    Args:
        bboxes (ndarray): Boxes (x1, y1, x2, y2) in image pixels, continuous,
            shape (N, 4). A box without area has all its points at its corner.
        ann_ids (ndarray): The annotations' ids, integer, shape (N, ).
        num_points (int): Points per cell, P; at least 1.
        height (int): Height of the image in pixels.
        width (int): Width of the image in pixels.
        seed (int): Seed.

    Returns:
        ndarray: Pixel indices (x, y), int32, shape (N, P, 2).

    Raises:
        ValueError: If ``num_points`` is below 1, if the numbers of boxes and
            ids differ, or if a box is not finite.
    """
    bboxes = np.asarray(bboxes, dtype=np.float64).reshape(-1, 4)
    ann_ids = np.asarray(ann_ids, dtype=np.int64).reshape(-1)
    if num_points < 1:
        raise ValueError(f'num_points must be at least 1, got {num_points}')
    if len(bboxes) != len(ann_ids):
        raise ValueError(f'expected one annotation id per box, got '
                         f'{len(ann_ids)} ids for {len(bboxes)} boxes')
    if not np.isfinite(bboxes).all():
        bad = np.flatnonzero(~np.isfinite(bboxes).all(axis=1))[0]
        raise ValueError(f'box of annotation {ann_ids[bad]} is not finite: '
                         f'{bboxes[bad].tolist()}')
    unit = hashed_uniform(ann_ids, 2 * num_points, seed, _STREAM)
    unit = unit.reshape(-1, num_points, 2)
    top_left, bottom_right = bboxes[:, None, :2], bboxes[:, None, 2:]
    pixels = np.floor(top_left + unit * (bottom_right - top_left))
    return np.clip(pixels, 0, (width - 1, height - 1)).astype(np.int32)
