"""What the model found, beside what people have drawn.

The files are those of ``pace_mmdet.commands.propose``.

Letters in the shapes: N proposals, M boxes, P points per box.
"""
from functools import lru_cache
from pathlib import Path
from typing import Optional, Sequence, Tuple

import cv2
import msgspec
import numpy as np

from pace_mmdet.masks.found_cells import FoundCells

# Of the smaller one of two boxes: as much in common means the same place.
# Boxes of touching cells share less.
_SAME_PLACE = 0.5
# Of two boxes: above it they are those of one cell.
_SAME_CELL = 0.5


def read_found(folder: Path, image_id: int) -> Optional[FoundCells]:
    """What was found on an image; None if it was not looked at yet."""
    try:
        content = (folder / f'{image_id}.json').read_bytes()
    except FileNotFoundError:
        return None
    return msgspec.json.decode(content, type=FoundCells)


def free_places(proposed: Sequence[Sequence[float]],
                taken: Sequence[Sequence[float]]) -> np.ndarray:
    """Which proposals are not where something is already.

    Args:
        proposed (Sequence): N boxes x, y, width, height.
        taken (Sequence): M boxes: drawn by people, or rejected.

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
        shared = _shared(box, old)
        smaller = np.minimum(areas, box[2] * box[3])
        free[index] = not (shared >= _SAME_PLACE * smaller).any()
    return free


def _shared(box: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """Area that a box shares with each of others, shape (M, )."""
    low = np.maximum(boxes[:, :2], box[:2])
    high = np.minimum(boxes[:, :2] + boxes[:, 2:], box[:2] + box[2:])
    return np.clip(high - low, 0, None).prod(axis=1)


@lru_cache(maxsize=8)
def _read_maps(labels: str, foreground: str, version: int
               ) -> Tuple[np.ndarray, np.ndarray]:
    return (cv2.imread(labels, cv2.IMREAD_UNCHANGED),
            cv2.imread(foreground, cv2.IMREAD_UNCHANGED))


class Opinion:
    """What a model thinks of an image's pixels.

    Args:
        found (FoundCells): Its cells, at least one.
        labels (ndarray): Number of the cell at each pixel from 1, 0 for
            none, shape (H, W).
        foreground (ndarray): Probability that a pixel is on any cell, in
            1/255, uint8, shape (H, W).
    """

    def __init__(self, found: FoundCells, labels: np.ndarray,
                 foreground: np.ndarray) -> None:
        self._cells = np.array([cell.box for cell in found.cells])
        self._areas = self._cells[:, 2] * self._cells[:, 3]
        self._labels, self._foreground = labels, foreground

    @property
    def shape(self) -> Tuple[int, int]:
        """Height and width of the image in pixels."""
        return self._labels.shape

    def at(self, box: Sequence[float], columns: np.ndarray,
           rows: np.ndarray) -> np.ndarray:
        """What it gives pixels to be on the cell of a box.

        Of the cell that fits the box (by an IoU of 0.5 at least) it is the
        foreground's probability at its own pixels; at those of another cell,
        what is left to it.

        Args:
            box (Sequence[float]): x, y, width, height.
            columns (ndarray): Of the pixels, any shape.
            rows (ndarray): Of the pixels, the same shape.

        Returns:
            ndarray: That shape; NaN if no cell fits the box.
        """
        box = np.asarray(box, np.float64)
        shared = _shared(box, self._cells)
        overlaps = shared / (self._areas + box[2] * box[3] - shared)
        best = int(overlaps.argmax())
        if overlaps[best] < _SAME_CELL:
            return np.full(np.shape(columns), np.nan)
        owner = self._labels[rows, columns]
        value = self._foreground[rows, columns] / 255.
        others = (owner > 0) & (owner != best + 1)
        return np.where(others, 1 - value, value)


def read_opinion(folder: Path, image_id: int) -> Optional[Opinion]:
    """What a model thinks of an image; None if it has not looked at it, has
    found no cell, or cannot tell.

    Args:
        folder (Path): The files.
        image_id (int): The image.
    """
    found = read_found(folder, image_id)
    paths = [folder / f'{image_id}_{name}.png'
             for name in ('labels', 'foreground')]
    if not found or not found.cells or not all(
            path.is_file() for path in paths):
        return None
    return Opinion(found, *_read_maps(*map(str, paths),
                                      paths[0].stat().st_mtime_ns))


def cell_probabilities(opinion: Optional[Opinion],
                       boxes: Sequence[Sequence[float]],
                       points: np.ndarray) -> np.ndarray:
    """What a model gives each point to be on the cell of its box.

    Args:
        opinion (Opinion, optional): Of :func:`read_opinion`.
        boxes (Sequence): M boxes x, y, width, height.
        points (ndarray): Pixels (x, y), integer, shape (M, P, 2).

    Returns:
        ndarray: Shape (M, P); NaN where the model has no opinion.
    """
    probs = np.full(np.shape(points)[:2], np.nan)
    if opinion is not None:
        for row, (box, own) in enumerate(zip(boxes, np.asarray(points))):
            probs[row] = opinion.at(box, own[:, 0], own[:, 1])
    return probs
