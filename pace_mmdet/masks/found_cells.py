"""Cells that a model found, as a file: written where PyTorch is, read without.
"""
from typing import List, Tuple

import msgspec


class FoundCell(msgspec.Struct):
    """A cell, in pixels of the image.

    Attributes:
        box (tuple): x, y, width, height of its mask.
        score (float): In [0, 1].
        outline (list): Corners (x, y) of its outer outline.
    """
    box: Tuple[float, float, float, float]
    score: float
    outline: List[Tuple[float, float]]


class FoundCells(msgspec.Struct):
    """The cells of an image, best first, or why there are none."""
    cells: List[FoundCell] = []
    error: str = ''
