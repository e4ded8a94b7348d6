"""What an annotator says of the cells that a model finds on an image.

A place that was rejected holds no cell. A box that somebody drew or accepted
holds one: that which fits it best, whatever its score, and no other.

Letters in the shapes: N cells, M boxes. Boxes are x, y, width, height in
pixels of the image.
"""
from typing import Dict, List, NamedTuple, Sequence, Tuple

import msgspec
import numpy as np

# The least score of cells that are found for an annotator to judge.
LOWEST_SCORE = 0.05
# Of the smaller one of two boxes: as much in common means the same place.
# Boxes of touching cells share less.
_SAME_PLACE = 0.5
# Of two boxes, the overlap (IoU) above which they are those of one cell.
SAME_CELL = 0.5
Box = Tuple[float, float, float, float]


class Corrections(msgspec.Struct):
    """Of one image.

    Attributes:
        boxes (list): Each is a cell.
        rejected (list): Boxes of places without a cell.
    """
    boxes: List[Box] = []
    rejected: List[Box] = []


class CorrectionsFile(msgspec.Struct):
    """Of many images, by the absolute path of each."""
    images: Dict[str, Corrections]


class Corrected(NamedTuple):
    """What becomes of N cells.

    Attributes:
        kept (ndarray): Bool, shape (N, ): cells that a box says are some,
            whatever their score.
        dropped (ndarray): Bool, shape (N, ): cells that are none.
        without (int): Boxes that no cell fits.
    """
    kept: np.ndarray
    dropped: np.ndarray
    without: int

    def shown(self, scores: np.ndarray, score_thr: float) -> np.ndarray:
        """Which cells there are, bool, shape (N, )."""
        return self.kept | (~self.dropped & (scores >= score_thr))


def shared_area(box: Sequence[float], boxes: np.ndarray) -> np.ndarray:
    """Area that a box shares with each of M others, shape (M, )."""
    box = np.asarray(box, np.float64)
    low = np.maximum(boxes[:, :2], box[:2])
    high = np.minimum(boxes[:, :2] + boxes[:, 2:], box[:2] + box[2:])
    return np.clip(high - low, 0, None).prod(axis=1)


def overlaps(box: Sequence[float], boxes: np.ndarray) -> np.ndarray:
    """Overlap (IoU) of a box with each of M others, shape (M, )."""
    shared = shared_area(box, boxes)
    return shared / (boxes[:, 2] * boxes[:, 3] + box[2] * box[3] - shared)


def free_places(proposed: Sequence[Sequence[float]],
                taken: Sequence[Sequence[float]]) -> np.ndarray:
    """Which boxes are not where something is already.

    Args:
        proposed (Sequence): N boxes.
        taken (Sequence): M boxes.

    Returns:
        ndarray: Bool, shape (N, ): False where a box shares half of the
        smaller one's area with one that is there.
    """
    free = np.ones(len(proposed), bool)
    if not len(proposed) or not len(taken):
        return free
    new, old = (np.asarray(boxes, np.float64) for boxes in (proposed, taken))
    areas = old[:, 2] * old[:, 3]
    for index, box in enumerate(new):
        smaller = np.minimum(areas, box[2] * box[3])
        free[index] = not (shared_area(box, old)
                           >= _SAME_PLACE * smaller).any()
    return free


def correct(cells: Sequence[Sequence[float]],
            corrections: Corrections) -> Corrected:
    """Compare the cells of an image with what an annotator says of it.

    A box takes the cell that fits it best, the best pairs first. Other cells
    at its place are none, nor are those at a place that was rejected.

    Args:
        cells (Sequence): Boxes of N cells.
        corrections (Corrections): Of the image.
    """
    cells = np.asarray(cells, np.float64).reshape(-1, 4)
    kept = np.zeros(len(cells), bool)
    fits = [(overlap, row, cell)
            for row, box in enumerate(corrections.boxes)
            for cell, overlap in enumerate(overlaps(box, cells))
            if overlap >= SAME_CELL]
    has_one = set()
    for _, row, cell in sorted(fits, key=lambda fit: (-fit[0], *fit[1:])):
        if row not in has_one and not kept[cell]:
            has_one.add(row)
            kept[cell] = True
    dropped = ~kept & ~free_places(
        cells, [*corrections.boxes, *corrections.rejected])
    return Corrected(kept, dropped, len(corrections.boxes) - len(has_one))
