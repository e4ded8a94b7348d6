"""What the model found, beside what people have drawn.

The files are those of ``pace_mmdet.commands.propose``.

Letters in the shapes: M boxes, P points per box.
"""
from functools import lru_cache
from pathlib import Path
from typing import Optional, Sequence, Tuple

import cv2
import msgspec
import numpy as np

from pace_mmdet.masks.corrections import SAME_CELL, overlaps
from pace_mmdet.masks.found_cells import FoundCells


def read_found(folder: Path, image_id: int) -> Optional[FoundCells]:
    """What was found on an image; None if it was not looked at yet."""
    try:
        content = (folder / f'{image_id}.json').read_bytes()
    except FileNotFoundError:
        return None
    return msgspec.json.decode(content, type=FoundCells)


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
        fits = overlaps(box, self._cells)
        best = int(fits.argmax())
        if fits[best] < SAME_CELL:
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
