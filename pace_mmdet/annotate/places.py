"""What is a box on an image, or a part of one."""
import math
from typing import Sequence

from .errors import ChangeRefused

MIN_SIDE = 1.0


def check_box(box: Sequence[float], width: int, height: int) -> None:
    """Raise ChangeRefused for a box that is no box on such an image."""
    x, y, box_width, box_height = box
    if not all(map(math.isfinite, box)):
        raise ChangeRefused(f'a box must be 4 finite numbers, got {list(box)}')
    # MMDetection leaves out narrower boxes without a word.
    if box_width < MIN_SIDE or box_height < MIN_SIDE:
        raise ChangeRefused(
            f'a box must be at least {MIN_SIDE:g} pixel wide and high, got '
            f'{box_width:g} x {box_height:g}')
    # In the terms in which the point file is checked when it is read.
    if (x >= width or y >= height or x + box_width <= 0
            or y + box_height <= 0):
        raise ChangeRefused(
            f'the box at x={x:g}, y={y:g} lies outside the image of {width} '
            f'x {height} pixels')
    if (x < -10 * width or y < -10 * height or x + box_width > 11 * width
            or y + box_height > 11 * height):
        raise ChangeRefused(
            f'the box at x={x:g}, y={y:g} of {box_width:g} x {box_height:g} '
            f'pixels reaches out of the image of {width} x {height} pixels '
            'by more than ten times its size')
