"""Pictures of an image with the outlines of its cells."""
import re
from pathlib import Path
from typing import Iterator, List, Tuple

import cv2
import numpy as np

from pace_mmdet.images.saving import save_png
from pace_mmdet.inference.cells import Cells
from pace_mmdet.masks.outlines import bitmap_outline
from pace_mmdet.visualization.artists import cell_colors

from .results import FileCells

# Small images are enlarged, so that lines do not hide cells.
_SIDE, _MOST_TIMES = 1600, 4
_BITS = 4  # of fractions of a pixel


def endings(shape: Tuple[int, ...]) -> List[str]:
    """What the names of the pictures of a stack end with.

    Args:
        shape (tuple[int]): Lengths of the stack's axes; () for one plane.
    """
    if not shape:
        return ['_overlay.png']
    count = int(np.prod(shape, dtype=np.int64))
    digits = max(len(str(count - 1)), 3)
    return [f'_overlay_{plane:0{digits}d}.png' for plane in range(count)]


def pictures_in(folder: Path) -> Iterator[Tuple[Path, str]]:
    """Pictures of stacks' planes that lie in a folder.

    Yields:
        tuple: The picture, and how the image's own name begins.
    """
    for path in sorted(folder.glob('*_overlay_*.png')):
        found = re.fullmatch(r'(.*)_overlay_\d{3,}\.png', path.name)
        if found:
            yield path, found[1]


def write_overlay(found: FileCells, path: Path, plane: int) -> None:
    """Write a PNG file of one plane.

    Args:
        found (FileCells): The cells.
        path (Path): The file to write.
        plane (int): Which plane.
    """
    img = found.intensities(found.read(plane))
    save_png(draw_overlay(img, found.planes[plane]), path)


def draw_overlay(img: np.ndarray, cells: Cells) -> np.ndarray:
    """Draw the outlines of cells into an image.

    Args:
        img (ndarray): In the range of 8 bits, shape (H, W), or (H, W, 3) in
            RGB order.
        cells (Cells): Its cells.

    Returns:
        ndarray: RGB, uint8; a small image is enlarged by a whole number.
    """
    times = int(np.clip(_SIDE // max(img.shape[:2]), 1, _MOST_TIMES))
    picture = np.rint(img).astype(np.uint8)
    if picture.ndim == 2:
        picture = np.repeat(picture[..., None], 3, axis=2)
    if times > 1:
        picture = cv2.resize(picture, None, fx=times, fy=times,
                             interpolation=cv2.INTER_LINEAR)
    picture = np.ascontiguousarray(picture)
    for crop, corner, color in zip(cells.crops, cells.corners,
                                   cell_colors(len(cells))):
        # OpenCV's coordinates are those of pixels' centres.
        rings = [
            np.rint((ring * times - 0.5) * 2**_BITS).astype(np.int32)
            for ring in bitmap_outline(crop, corner)
        ]
        cv2.polylines(picture, rings, True,
                      [round(255 * part) for part in color], min(times, 2),
                      cv2.LINE_AA, _BITS)
    return picture
