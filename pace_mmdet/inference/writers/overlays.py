"""Pictures of an image with the outlines of its cells."""
from pathlib import Path
from typing import List

import cv2
import numpy as np

from pace_mmdet.visualization.artists import cell_colors
from pace_mmdet.visualization.contours import bitmap_outline
from pace_mmdet.visualization.saving import save_png

from ..cells import Cells
from .results import FileCells

# Small images are enlarged, so that lines do not hide cells.
_SIDE, _MOST_TIMES = 1600, 4
_BITS = 4  # of fractions of a pixel


def overlay_paths(found_shape: tuple, path: Path) -> List[Path]:
    """A picture for each plane of a stack.

    Args:
        found_shape (tuple[int]): Lengths of the stack's axes; () for one
            plane.
        path (Path): The picture of a file with one plane.
    """
    count = int(np.prod(found_shape, dtype=np.int64))
    if not found_shape:
        return [path]
    digits = max(len(str(count)), 3)
    return [
        path.with_name(f'{path.stem}_{plane:0{digits}d}{path.suffix}')
        for plane in range(count)
    ]


def write_overlays(found: FileCells, path: Path) -> None:
    """Write a PNG file for each plane.

    Args:
        found (FileCells): The cells.
        path (Path): As in :func:`overlay_paths`.
    """
    for plane, name in enumerate(overlay_paths(found.shape, path)):
        img = found.intensities(found.read(plane))
        save_png(draw_overlay(img, found.planes[plane]), name)


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
